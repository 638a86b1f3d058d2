package transform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/intern"
	"hunting-exporter/internal/pool"
	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
	"hunting-exporter/transform/jsontext"
)

// Decoder turns answers into columns. It is safe for concurrent use.
type Decoder struct {
	cfg        Config
	pool       *pool.Pool
	window     int
	learnAfter int // rows; see the constant

	mu      sync.Mutex
	learned map[string]*profile // by dataset
	spare   []*intern.Table
}

// profile is what the last page of a dataset was like.
type profile struct {
	pages int
	rows  int
	text  map[schema.Column]textProfile
}

type textProfile struct {
	plain bool // a dictionary did not pay
	bytes int
}

const (
	windowBytes = 1 << 17
	// retrial is after how many pages a dictionary that did not pay is tried again.
	retrial = 64
)

// NewDecoder makes a Decoder whose columns live in buffers of the pool. Zero fields of
// cfg mean their defaults.
func NewDecoder(cfg Config, p *pool.Pool) *Decoder {
	return &Decoder{cfg: setting.WithDefaults(cfg), pool: p, window: windowBytes, learnAfter: learnAfter, learned: map[string]*profile{}}
}

// Decode reads a body to its end and returns its rows as columns. Errors are
// hunting.ErrCut, ErrMalformed or ErrLimit, the body's own, or the context's.
func (d *Decoder) Decode(ctx context.Context, ds hunting.Dataset, w hunting.Window, body io.Reader) (hunting.Answer, error) {
	dec := &decoder{
		Scanner: jsontext.Scanner{Bytes: d.pool.Get(d.window), MaxDepth: d.cfg.MaxDepth},
		cfg:     d.cfg, window: w, pool: d.pool, src: body, shared: d, known: d.profile(ds.Name),
	}
	defer func() { d.pool.Put(dec.Bytes) }()
	if err := dec.document(ctx); err != nil {
		dec.drop()
		return hunting.Answer{}, fmt.Errorf("decode the answer: %w", err)
	}
	a := dec.out
	a.Columns, a.Bytes, a.NaNs, a.Rejects = dec.columns, dec.Base+int64(len(dec.Bytes)), dec.nans, dec.rejects
	d.learn(ds.Name, dec)
	if dec.rows > 0 {
		var err error
		if a.Record, err = dec.record(); err != nil {
			return hunting.Answer{}, fmt.Errorf("decode the answer: %w", err)
		}
	} else {
		dec.drop()
	}
	return a, nil
}

// profile returns what is known of a dataset; it must not be changed.
func (d *Decoder) profile(dataset string) *profile {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.learned[dataset]; p != nil {
		return p
	}
	return &profile{}
}

// learn keeps what a page was like for the next one.
func (d *Decoder) learn(dataset string, dec *decoder) {
	p := &profile{pages: dec.known.pages + 1, rows: dec.rows, text: make(map[schema.Column]textProfile, len(dec.cols))}
	for _, c := range dec.cols {
		if c.kind.text() {
			p.text[c.Column] = textProfile{plain: c.dict == nil, bytes: len(c.data)}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if dec.rows > 0 {
		d.learned[dataset] = p
	}
}

// dictionary lends an empty dictionary.
func (d *Decoder) dictionary() *intern.Table {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.spare); n > 0 {
		dict := d.spare[n-1]
		d.spare = d.spare[:n-1]
		return dict
	}
	return intern.New()
}

// giveBack takes dictionaries back.
func (d *Decoder) giveBack(dicts []*intern.Table) {
	for _, dict := range dicts {
		dict.Reset()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spare = append(d.spare, dicts...)
}

// refill moves what is left from the given byte on to the beginning of the window and
// reads on. A window that is full is doubled.
func (d *decoder) refill(from int) error {
	if d.src == nil {
		return d.cut()
	}
	left := copy(d.Bytes, d.Bytes[from:])
	d.Base += int64(from)
	d.Bytes, d.Pos = d.Bytes[:left], d.Pos-from
	if left == cap(d.Bytes) {
		d.Bytes = d.pool.Grow(d.Bytes, 2*cap(d.Bytes))
	}
	for len(d.Bytes) < cap(d.Bytes) {
		n, err := d.src.Read(d.Bytes[len(d.Bytes):cap(d.Bytes)])
		d.Bytes = d.Bytes[:len(d.Bytes)+n]
		if err == io.EOF { // not errors.Is: an error around EOF is no end
			d.src = nil
			break
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
	if len(d.Bytes) == left {
		return d.cut()
	}
	return nil
}

func (d *decoder) cut() error {
	return fmt.Errorf("%w: %d bytes", hunting.ErrCut, d.Base+int64(len(d.Bytes)))
}

// whole does what must lie in the window as a whole, from the cursor on: again, with more
// of the body, as long as it meets the window's end.
func (d *decoder) whole(do func() error) error {
	for {
		start := d.Pos
		err := do()
		if !errors.Is(err, jsontext.ErrEnd) {
			return err
		}
		if err := d.refill(start); err != nil {
			return err
		}
		d.Pos = 0
	}
}

// columnsFor makes empty columns for the schema, with the room that the page before
// needed, or for the first rows.
func (d *decoder) columnsFor() {
	d.capacity = 1024
	if d.known.rows > 0 {
		d.capacity = d.known.rows + d.known.rows/32 + 1
	}
	d.cols = make([]*column, len(d.columns))
	d.index = make(map[string]int, len(d.columns))
	for i, c := range d.columns {
		d.cols[i] = d.column(c)
		d.index[c.Name] = i
	}
}

func (d *decoder) column(c schema.Column) *column {
	col := newColumn(c, d.pool)
	if col.kind.text() {
		before := d.known.text[c]
		if !before.plain || d.known.pages%retrial == 0 {
			dict := d.shared.dictionary()
			d.dicts = append(d.dicts, dict)
			col.begin(dict)
		}
		if before.plain == (col.dict == nil) && before.bytes > 0 {
			col.data = d.pool.Get(before.bytes + before.bytes/32)
		}
	}
	col.grow(d.capacity)
	return col
}

// reserve makes room for one more row.
func (d *decoder) reserve() {
	if d.rows < d.capacity {
		return
	}
	d.capacity *= 2
	for _, c := range d.cols {
		c.grow(d.capacity)
	}
	if d.extra != nil {
		d.extra.grow(d.capacity)
	}
}

// drop gives all buffers back.
func (d *decoder) drop() {
	for _, c := range d.all() {
		c.release()
	}
	for _, r := range d.runs {
		r.release(d.pool)
	}
	d.cols, d.extra, d.runs = nil, nil, nil
	d.shared.giveBack(d.dicts)
	d.pool.Put(d.early)
	d.dicts, d.early = nil, nil
}

func (d *decoder) all() []*column {
	if d.extra == nil {
		return d.cols
	}
	return append(d.cols[:len(d.cols):len(d.cols)], d.extra)
}

// record wraps the columns into an Arrow record, which owns their buffers.
func (d *decoder) record() (arrow.Record, error) {
	cols := d.all()
	columns := make([]schema.Column, len(cols))
	for i, c := range cols {
		columns[i] = c.Column
	}
	s, err := schema.Arrow(columns)
	if err != nil {
		d.drop()
		return nil, fmt.Errorf("%w: %w", hunting.ErrMalformed, err)
	}
	fields, arrays := s.Fields(), make([]arrow.Array, len(cols))
	for i, c := range cols {
		arrays[i] = c.array()
		fields[i].Type = arrays[i].DataType()
		defer arrays[i].Release() // the record keeps its own reference
	}
	rows := d.rows
	d.cols, d.extra = nil, nil // their buffers are the arrays' now
	d.drop()
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(rows)), nil
}
