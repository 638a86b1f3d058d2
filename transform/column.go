package transform

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/zeebo/xxh3"

	"hunting-exporter/schema"
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

// column is a column being filled: Arrow's own buffers, without a builder between.
type column struct {
	schema.Column
	kind   kind
	quoted []byte // the key as most rows spell it; nil where it needs an escape
	tag    uint64 // tells the column apart in a row's hash

	n     int // cells so far
	nulls int
	valid []byte // bitmap
	bits  []byte // bitmap of a bool column's values
	i32   []int32
	i64   []int64 // DateTime too
	f64   []float64
	ends  []int32 // of cells in data; the first is 0
	data  []byte
}

// newColumn makes a column with room for rows cells.
func newColumn(c schema.Column, rows int) *column {
	col := &column{Column: c, kind: kindOf(c.Type), valid: make([]byte, 0, rows/8+1)}
	class := byte(col.kind)
	switch col.kind {
	case kindInt32, kindInt64:
		class = byte(kindInt64) // so that a column that grows wider keeps its rows' hashes
		if col.kind == kindInt32 {
			col.i32 = make([]int32, 0, rows)
			break
		}
		col.i64 = make([]int64, 0, rows)
	case kindDateTime:
		col.i64 = make([]int64, 0, rows)
	case kindDouble:
		col.f64 = make([]float64, 0, rows)
	case kindBool:
		col.bits = make([]byte, 0, rows/8+1)
	default:
		col.ends = append(make([]int32, 0, rows+1), 0)
	}
	col.tag = xxh3.HashString(c.Name + "\x00" + string(rune(class)))
	name := append([]byte{'"'}, c.Name...)
	name = append(name, '"')
	probe := scanner{b: name}
	if r, err := probe.str(); err == nil && !r.escaped && probe.i == len(name) {
		col.quoted = name
	}
	return col
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
	c.valid = appendBit(c.valid, c.n, true)
	c.n++
}

// doneText closes a cell whose text has been appended to data.
func (c *column) doneText() {
	c.ends = append(c.ends, int32(len(c.data)))
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
	case kindString:
		c.doneText()
		return
	case kindInt32:
		c.i32 = append(c.i32, 0)
	case kindInt64, kindDateTime:
		c.i64 = append(c.i64, 0)
	case kindDouble:
		c.f64 = append(c.f64, 0)
	case kindBool:
		c.bits = appendBit(c.bits, c.n, false)
	default:
		c.ends = append(c.ends, int32(len(c.data)))
	}
	c.valid = appendBit(c.valid, c.n, false)
	c.n++
	c.nulls++
}

// cut takes back every cell behind the first n, and text of a cell that was not closed.
func (c *column) cut(n int) {
	if c.ends != nil {
		c.data = c.data[:c.ends[n]]
	}
	if c.n == n {
		return
	}
	for i := n; i < c.n; i++ {
		if c.isNull(i) {
			c.nulls--
		}
	}
	c.n = n
	c.valid = cutBits(c.valid, n)
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
		c.ends = c.ends[:n+1]
	}
}

// array wraps the buffers; nothing is copied.
func (c *column) array(typ arrow.DataType) arrow.Array {
	var valid *memory.Buffer
	if c.nulls > 0 {
		valid = memory.NewBufferBytes(c.valid)
	}
	buffers := []*memory.Buffer{valid}
	switch c.kind {
	case kindInt32:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.i32)))
	case kindInt64, kindDateTime:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(c.i64)))
	case kindDouble:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(c.f64)))
	case kindBool:
		buffers = append(buffers, memory.NewBufferBytes(c.bits))
	default:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.ends)), memory.NewBufferBytes(c.data))
	}
	data := array.NewData(typ, c.n, buffers, nil, c.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}
