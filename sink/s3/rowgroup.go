package s3

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"hunting-exporter/internal/intern"
	"hunting-exporter/schema"
	"hunting-exporter/sink/s3/parquetfile"
)

// rowGroup gathers rows of one file in buffers of its own, so that the batches they came
// in are free at once, and so that they can be sorted as a whole.
type rowGroup struct {
	columns []groupColumn
	ticks   []int64 // by which rows are sorted; noTime sorts last
	bytes   int64   // about what is held
	order   []int32
	values  []parquetfile.Values
}

// noTime is later than every time.
const noTime = math.MaxInt64

// groupColumn is one column of a row group.
type groupColumn struct {
	column
	parquetfile.Values
	valid []byte // Values.Valid, if there are nulls
	text  *intern.Table
	dict  bool    // text has the entries, Index the rows
	remap []int32 // of entries of a batch; for reuse
}

// A dictionary is given up where it does not pay: beyond mostEntries, or when more than
// half of the rows differ. It is never mixed with plain text in one row group: readers
// would look for values that a mixed chunk's bloom filter lacks.
const (
	mostEntries = 40_000
	trialRows   = 8192
	fewRows     = 64 // too few to tell
)

func newRowGroup(l *layout) *rowGroup {
	g := &rowGroup{columns: make([]groupColumn, len(l.columns))}
	for i, c := range l.columns {
		g.columns[i].column = c
		if c.kind == parquetfile.Text {
			g.columns[i].text, g.columns[i].dict = intern.New(), true
		}
	}
	return g
}

func (g *rowGroup) rows() int { return len(g.ticks) }

// reset empties the row group. A column whose dictionary did not pay begins plain.
func (g *rowGroup) reset() {
	g.ticks, g.bytes = g.ticks[:0], 0
	for i := range g.columns {
		c := &g.columns[i]
		c.Nulls, c.valid = 0, c.valid[:0]
		c.Bools, c.Int32s, c.Int64s, c.Doubles = c.Bools[:0], c.Int32s[:0], c.Int64s[:0], c.Doubles[:0]
		c.Ends, c.Bytes, c.Index = c.Ends[:0], c.Bytes[:0], c.Index[:0]
		if c.text != nil {
			c.text.Reset()
		}
	}
}

// add copies rows of a record. event gives the time by which they are sorted; nil: none.
func (g *rowGroup) add(rec arrow.Record, event *schema.DateTimeArray, rows []int32) error {
	for _, row := range rows {
		at := int64(noTime)
		if event != nil && event.IsValid(int(row)) {
			at = event.Ticks()[row]
		}
		g.ticks = append(g.ticks, at)
	}
	g.bytes = 0
	for i := range g.columns {
		c := &g.columns[i]
		if err := c.add(rec.Column(i), rows); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
		g.bytes += int64(len(c.valid) + len(c.Bools) + 4*len(c.Int32s) + 8*len(c.Int64s) + 8*len(c.Doubles) + 4*len(c.Ends) + len(c.Bytes) + 4*len(c.Index))
		if c.text != nil {
			_, text := c.text.Text()
			g.bytes += int64(len(text))
		}
	}
	return nil
}

// add copies cells. NaN becomes null: engines disagree on where it sorts, and prune by it.
func (c *groupColumn) add(a arrow.Array, rows []int32) error {
	before := len(c.valid)
	null := a.NullN() > 0
	for _, row := range rows {
		ok := byte(1)
		if null && a.IsNull(int(row)) {
			ok = 0
		}
		c.valid = append(c.valid, ok)
	}
	valid := c.valid[before:]
	switch a := a.(type) {
	case *array.Boolean:
		for _, row := range rows {
			b := byte(0)
			if a.Value(int(row)) {
				b = 1
			}
			c.Bools = append(c.Bools, b)
		}
	case *array.Int32:
		c.Int32s = gather(c.Int32s, a.Int32Values(), rows)
	case *array.Int64:
		c.Int64s = gather(c.Int64s, a.Int64Values(), rows)
	case *array.Float64:
		c.Doubles = gather(c.Doubles, a.Float64Values(), rows)
		for i, v := range c.Doubles[len(c.Doubles)-len(rows):] {
			if math.IsNaN(v) {
				valid[i] = 0
			}
		}
	case *schema.DateTimeArray:
		if err := c.addTimes(a, rows, valid); err != nil {
			return err
		}
	default:
		text, ok := schema.TextOf(a)
		if !ok {
			return fmt.Errorf("it is held in a %T, which no Parquet type is defined for", a)
		}
		if err := c.addText(text, rows, valid); err != nil {
			return err
		}
	}
	for _, ok := range valid {
		c.Nulls += int(1 - ok)
	}
	return nil
}

func gather[T any](dst, all []T, rows []int32) []T {
	dst = slices.Grow(dst, len(rows))
	for _, row := range rows {
		dst = append(dst, all[row])
	}
	return dst
}

// addTimes refuses times that 64 bits of nanoseconds cannot hold: null in their place
// would be a loss that nobody sees.
func (c *groupColumn) addTimes(a *schema.DateTimeArray, rows []int32, valid []byte) error {
	ticks := a.Ticks()
	for i, row := range rows {
		t := ticks[row]
		if c.kind == parquetfile.TimestampMicros {
			c.Int64s = append(c.Int64s, floorDiv(t, 10))
			continue
		}
		if valid[i] == 1 && (t > math.MaxInt64/100 || t < math.MinInt64/100) {
			return fmt.Errorf("the time %s does not fit nanoseconds; set PARQUET_TIMESTAMP=us", a.ValueStr(int(row)))
		}
		c.Int64s = append(c.Int64s, t*100)
	}
	return nil
}

// addText copies texts: their entries, each entry of the batch looked up once, or plain.
func (c *groupColumn) addText(text schema.Text, rows []int32, valid []byte) error {
	index := text.Index()
	if c.dict && index == nil && len(c.Index)+len(rows) >= trialRows {
		c.plain() // the batch's own dictionary did not pay
	}
	switch {
	case !c.dict:
		if err := c.addPlain(text, rows, valid); err != nil {
			return err
		}
	case index == nil:
		for i, row := range rows {
			c.Index = append(c.Index, c.entry(text.Value(int(row)), valid[i]))
		}
	default:
		c.remap = append(c.remap[:0], make([]int32, text.Distinct())...)
		for i, row := range rows {
			e := index[row]
			if c.remap[e] == 0 {
				c.remap[e] = 1 + c.entry(text.Entry(int(e)), valid[i])
			}
			c.Index = append(c.Index, c.remap[e]-1)
			if valid[i] == 0 {
				c.remap[e] = 0 // a null's entry means nothing
			}
		}
	}
	if n := c.text.Len(); c.dict && (n > mostEntries || len(c.Index) >= trialRows && 2*n > len(c.Index)) {
		c.plain()
	}
	return nil
}

// entry is the number of a text; that of a null is 0, whatever that is.
func (c *groupColumn) entry(b []byte, valid byte) int32 {
	if valid == 0 {
		return 0
	}
	e, hash := c.text.Find(b)
	if e < 0 {
		e = c.text.Add(b, hash)
	}
	return e
}

func (c *groupColumn) addPlain(text schema.Text, rows []int32, valid []byte) error {
	if len(c.Ends) == 0 {
		c.Ends = append(c.Ends, 0)
	}
	for i, row := range rows {
		if valid[i] == 1 {
			c.Bytes = append(c.Bytes, text.Value(int(row))...)
		}
		if len(c.Bytes) > math.MaxInt32 {
			return fmt.Errorf("more than 2 GiB of text in one row group; lower PARQUET_ROW_GROUP_ROWS")
		}
		c.Ends = append(c.Ends, int32(len(c.Bytes)))
	}
	return nil
}

// plain gives up the dictionary.
func (c *groupColumn) plain() {
	ends, text := c.text.Text()
	c.Ends = append(c.Ends[:0], 0)
	for i, e := range c.Index {
		if c.valid[i] == 1 {
			c.Bytes = append(c.Bytes, text[ends[e]:ends[e+1]]...)
		}
		c.Ends = append(c.Ends, int32(len(c.Bytes)))
	}
	c.Index, c.dict = c.Index[:0], false
	c.text.Reset()
}

// write hands the rows over, sorted by time. timeColumn is the one that they are sorted
// by; negative: none, then they stay as they came.
func (g *rowGroup) write(to *parquetfile.Writer, timeColumn int) error {
	g.values = g.values[:0]
	for i := range g.columns {
		c := &g.columns[i]
		if n := g.rows(); c.dict && n >= fewRows && 2*c.text.Len() > n {
			c.plain()
		}
		v := c.Values
		if v.Valid = nil; c.Nulls > 0 {
			v.Valid = c.valid
		}
		if c.dict {
			v.Ends, v.Bytes = c.text.Text()
		} else {
			v.Index = nil
		}
		g.values = append(g.values, v)
	}
	return to.WriteRowGroup(g.rows(), g.values, g.sorted(), timeColumn)
}

// sorted is the order of time; nil: the rows lie in it.
func (g *rowGroup) sorted() []int32 {
	if slices.IsSorted(g.ticks) {
		return nil
	}
	g.order = g.order[:0]
	for i := range g.ticks {
		g.order = append(g.order, int32(i))
	}
	slices.SortStableFunc(g.order, func(x, y int32) int {
		switch tx, ty := g.ticks[x], g.ticks[y]; {
		case tx < ty:
			return -1
		case tx > ty:
			return 1
		}
		return 0
	})
	return g.order
}
