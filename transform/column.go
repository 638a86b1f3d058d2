package transform

import (
	"hunting-exporter/internal/intern"
	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
	"hunting-exporter/transform/jsontext"
)

// kind says how the cells of a column are read and stored.
type kind byte

const (
	kindString   kind = iota // text that is never null
	kindText                 // text that may be null: Guid, TimeSpan, SqlDecimal, unknown types
	kindDynamic              // canonical JSON
	kindDateTime             // ticks
	kindInt32
	kindInt64
	kindDouble
	kindBool
)

func kindOf(apiType string) kind {
	switch apiType {
	case "String":
		return kindString
	case "DateTime":
		return kindDateTime
	case "Int32":
		return kindInt32
	case "Int64":
		return kindInt64
	case "Double":
		return kindDouble
	case "SByte", "Boolean":
		return kindBool
	}
	if schema.Dynamic(apiType) {
		return kindDynamic
	}
	return kindText
}

func (k kind) text() bool { return k <= kindDynamic }

// column is a column being filled: Arrow's own buffers, lent by the pool, without a
// builder between.
type column struct {
	schema.Column
	kind   kind
	key    []byte // with its colon as most rows spell it; nil where it needs an escape
	before []byte // the companion that stood before the key in another row, with its comma
	pool   *pool.Pool

	n     int // cells so far
	nulls int
	valid []byte // bitmap, from the first null on
	bits  []byte // bitmap of a bool column's values
	i32   []int32
	i64   []int64 // DateTime too
	f64   []float64
	// Text: of the cells, or of the dictionary's entries if there is one.
	ends  []int32 // in data; the first is 0
	data  []byte
	dict  *intern.Table
	index []int32 // entry of each cell
	entry int32   // of the last text, and how it was spelled
	last  []byte
	// By the entry, plus one, of the text on the left: the entry, plus one, that stood
	// beside it last; 0 for none.
	beside  []int32
	guessed int  // how often that was so
	random  bool // too seldom to be asked
	run     *run // that the column is the head of; nil: none
}

// newColumn makes a column. grow must be called before the first cell.
func newColumn(c schema.Column, p *pool.Pool) *column {
	col := &column{Column: c, kind: kindOf(c.Type), pool: p}
	name := append([]byte{'"'}, c.Name...)
	name = append(name, '"')
	probe := jsontext.Scanner{Bytes: name}
	if r, err := probe.Str(); err == nil && !r.Escaped && probe.Pos == len(name) {
		col.key = append(name, ':')
	}
	return col
}

// grow makes room for so many cells in all, so that appending one never does.
func (c *column) grow(rows int) {
	bitmap := rows/8 + 1
	c.valid = c.pool.Grow(c.valid, bitmap)
	switch c.kind {
	case kindInt32:
		c.i32 = pool.Reserve(c.pool, c.i32, rows)
	case kindInt64, kindDateTime:
		c.i64 = pool.Reserve(c.pool, c.i64, rows)
	case kindDouble:
		c.f64 = pool.Reserve(c.pool, c.f64, rows)
	case kindBool:
		c.bits = c.pool.Grow(c.bits, bitmap)
	default:
		if c.dict != nil {
			c.index = pool.Reserve(c.pool, c.index, rows)
			return
		}
		if c.ends = pool.Reserve(c.pool, c.ends, rows+1); len(c.ends) == 0 {
			c.ends = append(c.ends, 0)
		}
	}
}

// room makes space in data for more bytes.
func (c *column) room(more int) {
	if need := len(c.data) + more; need > cap(c.data) {
		c.data = c.pool.Grow(c.data, need)
	}
}

// appendBit appends bit n.
func appendBit(bitmap []byte, n int, set bool) []byte {
	if n&7 == 0 {
		bitmap = append(bitmap, 0)
	}
	if set {
		bitmap[n>>3] |= 1 << (n & 7)
	}
	return bitmap
}

// cutBits keeps the first n bits.
func cutBits(bitmap []byte, n int) []byte {
	bitmap = bitmap[:(n+7)>>3]
	if n&7 != 0 {
		bitmap[n>>3] &= 1<<(n&7) - 1
	}
	return bitmap
}

func (c *column) isNull(i int) bool { return c.valid[i>>3]>>(i&7)&1 == 0 }

// done closes a cell whose value has been appended.
func (c *column) done() {
	if c.nulls > 0 {
		c.valid = appendBit(c.valid, c.n, true)
	}
	c.n++
}

// null closes a cell that has no value.
func (c *column) null() {
	if c.nulls == 0 { // the bitmap begins: all so far are valid
		c.valid = c.valid[:(c.n+7)/8]
		for i := range c.valid {
			c.valid[i] = 0xff
		}
		c.valid = cutBits(c.valid, c.n)
	}
	c.valid = appendBit(c.valid, c.n, false)
	c.n++
	c.nulls++
}

func (c *column) appendInt(v int64) {
	if c.kind == kindInt32 {
		c.i32 = append(c.i32, int32(v))
	} else {
		c.i64 = append(c.i64, v)
	}
	c.done()
}

func (c *column) appendTicks(v int64) {
	c.i64 = append(c.i64, v)
	c.done()
}

func (c *column) appendBool(v bool) {
	c.bits = appendBit(c.bits, c.n, v)
	c.done()
}

// appendAbsent appends what a cell is that the API left out: null, but for strings,
// which are never null in Kusto.
func (c *column) appendAbsent() {
	switch c.kind {
	case kindInt32:
		c.i32 = append(c.i32, 0)
	case kindInt64, kindDateTime:
		c.i64 = append(c.i64, 0)
	case kindDouble:
		c.f64 = append(c.f64, 0)
	case kindBool:
		c.bits = appendBit(c.bits, c.n, false)
	default:
		if c.dict != nil {
			c.index = append(c.index, 0)
		} else {
			c.ends = append(c.ends, int32(len(c.data)))
		}
		if c.kind == kindString {
			c.done()
			return
		}
	}
	c.null()
}

// cut takes back every cell behind the first n, and text of a cell that was not closed.
func (c *column) cut(n int) {
	if c.kind.text() {
		if c.dict == nil && c.n > n {
			c.ends = c.ends[:n+1]
		}
		c.data = c.data[:c.ends[len(c.ends)-1]]
	}
	if c.n == n {
		return
	}
	if c.nulls > 0 {
		for i := n; i < c.n; i++ {
			if c.isNull(i) {
				c.nulls--
			}
		}
		c.valid = cutBits(c.valid, n)
	}
	c.n = n
	switch c.kind {
	case kindInt32:
		c.i32 = c.i32[:n]
	case kindInt64, kindDateTime:
		c.i64 = c.i64[:n]
	case kindDouble:
		c.f64 = c.f64[:n]
	case kindBool:
		c.bits = cutBits(c.bits, n)
	default:
		if c.dict != nil {
			c.index = c.index[:n]
		}
	}
}

// release gives the buffers back.
func (c *column) release() {
	for _, b := range c.buffers() {
		c.pool.Put(b)
	}
	c.pool.Put(c.valid)
}
