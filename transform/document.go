package transform

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/intern"
	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
	"hunting-exporter/transform/jsontext"
)

// decoder turns one body into columns. Its scanner's text is a window of the body.
type decoder struct {
	jsontext.Scanner
	cfg    Config
	window hunting.Window
	pool   *pool.Pool
	src    io.Reader // the rest of the body; nil: its end has been read
	shared *Decoder
	known  *profile
	out    hunting.Answer

	schemaSeen  bool
	resultsSeen bool
	early       []byte // results that came before the schema
	columns     []schema.Column
	cols        []*column
	index       map[string]int  // of cols, by name
	folded      map[string]int  // the same by name in lower case, or ambiguous; nil until a key needs it
	matched     bool            // a row had a key that is a column
	extra       *column         // keys that the Schema does not name; nil until a row has one
	dicts       []*intern.Table // lent
	runs        []*run
	capacity    int // rows that the columns have room for

	rows    int
	nans    int
	rejects []hunting.Reject

	// Of the current row.
	rowNaNs   int
	extraText []byte
	extraKeys [][2]int // where in extraText
	left      int      // what stands on the left of the next cell: see column.beside
	toKeep    remembering

	rawKey jsontext.Raw
	again  bool // another element follows

	key, json []byte // room for reuse
}

// Bounds of what is kept of a document beside its rows.
const (
	mostRefusal = 64 << 10
	mostStats   = 1 << 20
)

// document reads the whole document. Microsoft's flavours spell their keys in two ways and
// promise no order.
func (d *decoder) document(ctx context.Context) error {
	if err := d.whole(d.begin); err != nil {
		return err
	}
	for d.again {
		if err := d.whole(d.memberKey); err != nil {
			return err
		}
		if err := d.member(ctx, string(d.key)); err != nil {
			return err
		}
		if err := d.whole(func() error { return d.follows('}') }); err != nil {
			return err
		}
	}
	if err := d.end(); err != nil {
		return err
	}
	switch {
	case d.out.Refusal != nil && (!d.resultsSeen || !d.schemaSeen):
		return nil
	case !d.resultsSeen:
		return fmt.Errorf("%w: no results", hunting.ErrMalformed)
	case !d.schemaSeen:
		return fmt.Errorf("%w: results without a schema", hunting.ErrMalformed)
	}
	if d.early != nil {
		if err := d.lateSchema(ctx); err != nil {
			return err
		}
	}
	if d.extra != nil && !d.matched {
		return fmt.Errorf("%w: no key of its %d rows is a column of its schema", hunting.ErrMalformed, d.rows)
	}
	return nil
}

func (d *decoder) begin() error {
	if d.Peek() != '{' {
		return d.Malformed("expected an object")
	}
	empty := d.Open('}')
	if !empty && d.Pos >= len(d.Bytes) {
		return jsontext.ErrEnd
	}
	d.again = !empty
	return nil
}

// memberKey reads a key and its colon.
func (d *decoder) memberKey() error {
	d.Peek()
	name, err := d.Str()
	if err != nil {
		return err
	}
	if err := d.Take(':'); err != nil {
		return err
	}
	d.key = name.AppendTo(d.key[:0])
	if d.Peek() == 0 && d.Pos >= len(d.Bytes) {
		return jsontext.ErrEnd
	}
	return nil
}

func (d *decoder) follows(closing byte) (err error) {
	d.again, err = d.More(closing)
	return err
}

// end sees to it that nothing but white space follows.
func (d *decoder) end() error {
	for {
		if d.Peek(); d.Pos < len(d.Bytes) {
			return d.Malformed("something follows the answer's end")
		}
		if d.src == nil {
			return nil
		}
		if err := d.refill(d.Pos); err != nil {
			if d.src == nil {
				return nil // there was nothing more
			}
			return err
		}
	}
}

// member reads the value of one of the document's own keys.
func (d *decoder) member(ctx context.Context, key string) error {
	const depth = 1
	null := d.Peek() == 'n'
	switch key {
	case "Schema", "schema":
		if null {
			break
		}
		return d.whole(func() error { return d.readSchema(depth) })
	case "Results", "results":
		if null {
			break
		}
		if d.resultsSeen {
			return d.Malformed("a second results")
		}
		d.resultsSeen = true
		d.Graph = d.Graph || key == "results"
		if !d.schemaSeen {
			return d.keepResults(ctx)
		}
		return d.readResults(ctx)
	case "error", "Error":
		text, err := d.value(depth)
		if err == nil && !null {
			d.out.Refusal = bytes.Clone(text[:min(len(text), mostRefusal)])
		}
		return err
	case "Stats":
		text, err := d.value(depth)
		if err == nil && len(text) > mostStats {
			return fmt.Errorf("%w: Stats of %d bytes, more than %d", hunting.ErrLimit, len(text), mostStats)
		}
		if err == nil && !null {
			d.out.Stats = bytes.Clone(text)
		}
		return err
	case "@odata.nextLink":
		d.out.Partial = d.out.Partial || !null
	case "@odata.context":
		d.Graph = true
	}
	_, err := d.value(depth)
	return err
}

// value reads any value and returns its text, valid until the window moves on.
func (d *decoder) value(depth int) (text []byte, err error) {
	err = d.whole(func() error {
		d.Peek()
		start := d.Pos
		if err := d.Skip(depth); err != nil {
			return err
		}
		text = d.Bytes[start:d.Pos]
		return nil
	})
	return text, err
}

// keepResults keeps the text of results whose schema is still to come.
func (d *decoder) keepResults(ctx context.Context) error {
	if d.Peek() != '[' {
		return d.Malformed("the results are not an array")
	}
	d.early = append(d.pool.Get(len(d.Bytes)), '[')
	return d.elements(ctx, func() error {
		d.Peek()
		start := d.Pos
		if err := d.Skip(rowDepth - 1); err != nil {
			return err
		}
		row := d.Bytes[start:d.Pos]
		d.early = d.pool.Grow(d.early, len(d.early)+len(row)+1)
		if len(d.early) > 1 {
			d.early = append(d.early, ',')
		}
		d.early = append(d.early, row...)
		return nil
	})
}

// lateSchema reads the results that were kept.
func (d *decoder) lateSchema(ctx context.Context) error {
	d.pool.Put(d.Bytes)
	size := d.Base + int64(len(d.Bytes))
	d.early = append(d.pool.Grow(d.early, len(d.early)+2), ']', ' ')
	d.Bytes, d.Pos, d.early = d.early, 0, nil
	d.Base = size - int64(len(d.Bytes)) // the size of the document stays what it was
	return d.readResults(ctx)
}

// elements reads the array at the cursor, element by element, each as a whole in the
// window.
func (d *decoder) elements(ctx context.Context, one func() error) error {
	err := d.whole(func() error {
		empty := d.Open(']')
		if !empty && d.Pos >= len(d.Bytes) {
			return jsontext.ErrEnd
		}
		d.again = !empty
		return nil
	})
	follows := func() error { return d.follows(']') }
	for n := 0; err == nil && d.again; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err = d.whole(one); err == nil {
			err = d.whole(follows)
		}
	}
	return err
}
