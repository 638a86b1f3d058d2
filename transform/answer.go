package transform

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
)

// decoder turns one body into columns.
type decoder struct {
	scanner
	cfg    Config
	window pipeline.Window
	want   int // rows the source counted; negative: not counted

	schemaSeen  bool
	resultsAt   int  // where their value begins; 0: not seen
	resultsRead bool // into the columns
	readAsGraph bool
	columns     []schema.Column
	cols        []*column
	byName      []*column      // cols, sorted by name
	index       map[string]int // of cols, by name
	extra       *column        // keys that the Schema does not name; nil until a row has one

	rows    int
	nans    int
	hashes  [][16]byte
	rejects []pipeline.Reject

	// Of the current row.
	rowNaNs   int
	extraText []byte
	extraKeys [][2]int // where in extraText

	rawKey raw

	key, text, hashed []byte // room for reuse
}

func newDecoder(cfg Config, p pipeline.Page) *decoder {
	return &decoder{scanner: scanner{b: p.Body, maxDepth: cfg.MaxDepth}, cfg: cfg, window: p.Window, want: p.Rows}
}

// answer reads the whole document. Microsoft's flavours spell their keys in two ways and
// promise no order, so results that come before what they need are read a second time.
func (d *decoder) answer(ctx context.Context) error {
	if d.peek() != '{' {
		return d.malformed("expected an object")
	}
	for more := !d.open('}'); more; {
		d.peek()
		name, err := d.str()
		if err != nil {
			return err
		}
		if err := d.take(':'); err != nil {
			return err
		}
		d.peek()
		if err := d.member(ctx, string(name.appendTo(nil))); err != nil {
			return err
		}
		if more, err = d.more('}'); err != nil {
			return err
		}
	}
	if d.peek(); d.i < len(d.b) {
		return d.malformed("something follows the answer's end")
	}
	switch {
	case d.resultsAt == 0:
		return fmt.Errorf("%w: no results", ErrMalformed)
	case !d.schemaSeen:
		return fmt.Errorf("%w: results without a schema", ErrMalformed)
	case d.resultsRead && d.readAsGraph == d.graph:
		return nil
	}
	d.i = d.resultsAt
	return d.readResults(ctx)
}

// member reads the value of one of the document's own keys.
func (d *decoder) member(ctx context.Context, key string) error {
	const depth = 1
	switch key {
	case "Schema", "schema":
		return d.readSchema(depth)
	case "Results", "results":
		if d.resultsAt > 0 {
			return d.malformed("a second results")
		}
		d.resultsAt = d.i
		d.graph = d.graph || key == "results"
		if !d.schemaSeen {
			return d.skip(depth)
		}
		d.resultsRead, d.readAsGraph = true, d.graph
		return d.readResults(ctx)
	case "error", "Error":
		return d.refused(depth)
	case "@odata.context":
		d.graph = true
	}
	return d.skip(depth)
}

// refused turns an error object into an error. Its code and message are the API's own
// words on the query, not row content.
func (d *decoder) refused(depth int) error {
	start := d.i
	if err := d.skip(depth); err != nil {
		return err
	}
	var e struct{ Code, Message string }
	text := d.b[start:d.i]
	if string(text) == "null" {
		return nil
	}
	_ = json.Unmarshal(text, &e) // what cannot be read is still an error object
	if len(e.Message) > 300 {
		e.Message = e.Message[:300] + "…"
	}
	return fmt.Errorf("%w: an error in place of rows: code %q, message %q", ErrMalformed, e.Code, e.Message)
}

// readSchema reads [{"Name":…,"Type":…},…].
func (d *decoder) readSchema(depth int) error {
	if d.schemaSeen {
		return d.malformed("a second schema")
	}
	if d.peek() != '[' {
		return d.malformed("the schema is not an array")
	}
	d.schemaSeen = true
	if d.open(']') {
		return nil
	}
	for more := true; more; {
		c, err := d.readColumn(depth + 1)
		if err != nil {
			return err
		}
		if len(d.columns) == d.cfg.MaxColumns {
			return fmt.Errorf("%w: more than %d columns; project fewer or raise TRANSFORM_MAX_COLUMNS",
				ErrLimit, d.cfg.MaxColumns)
		}
		d.columns = append(d.columns, c)
		if more, err = d.more(']'); err != nil {
			return err
		}
	}
	if _, err := schema.Arrow(d.columns); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

func (d *decoder) readColumn(depth int) (c schema.Column, err error) {
	if d.peek() != '{' {
		return c, d.malformed("a column of the schema is not an object")
	}
	for more := !d.open('}'); more; {
		d.peek()
		name, err := d.str()
		if err != nil {
			return c, err
		}
		if err := d.take(':'); err != nil {
			return c, err
		}
		var into *string
		switch string(name.b) {
		case "Name", "name":
			into = &c.Name
		case "Type", "type":
			into = &c.Type
		}
		if into == nil {
			err = d.skip(depth + 1)
		} else {
			var value raw
			d.peek()
			value, err = d.str()
			*into = string(value.appendTo(nil))
		}
		if err != nil {
			return c, err
		}
		if more, err = d.more('}'); err != nil {
			return c, err
		}
	}
	if c.Name == "" {
		return c, d.malformed("a column of the schema has no name")
	}
	return c, nil
}

// reset makes empty columns for the schema.
func (d *decoder) reset() {
	// A count that the body has no room for must not decide how much is allocated.
	expect := min(max(d.want, 0), len(d.b)/(4*len(d.columns)+3))
	if d.want < 0 {
		expect = min(1024, len(d.b)/16)
	}
	d.rows, d.nans, d.rejects, d.extra = 0, 0, nil, nil
	d.hashes = make([][16]byte, 0, expect)
	d.cols = make([]*column, len(d.columns))
	d.index = make(map[string]int, len(d.columns))
	for i, c := range d.columns {
		d.cols[i] = newColumn(c, expect)
		d.index[c.Name] = i
	}
	d.byName = slices.SortedFunc(slices.Values(d.cols), func(a, b *column) int { return strings.Compare(a.Name, b.Name) })
}

// record wraps the columns into an Arrow record.
func (d *decoder) record() (arrow.Record, error) {
	columns, cols := d.columns, d.cols
	if d.extra != nil {
		columns = append(slices.Clone(columns), d.extra.Column)
		cols = append(slices.Clone(cols), d.extra)
	}
	s, err := schema.Arrow(columns)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	arrays := make([]arrow.Array, len(cols))
	for i, c := range cols {
		arrays[i] = c.array(s.Field(i).Type)
		defer arrays[i].Release() // the record keeps its own reference
	}
	return array.NewRecord(s, arrays, int64(d.rows)), nil
}
