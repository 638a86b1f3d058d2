package transform

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/internal/intern"
	"hunting-exporter/internal/pool"
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

func (k kind) text() bool { return k <= kindDynamic }

// column is a column being filled: Arrow's own buffers, lent by the pool, without a
// builder between.
type column struct {
	schema.Column
	kind   kind
	quoted []byte // the key as most rows spell it; nil where it needs an escape
	pool   *pool.Pool

	n     int // cells so far
	nulls int
	valid []byte // bitmap
	bits  []byte // bitmap of a bool column's values
	i32   []int32
	i64   []int64 // DateTime too
	f64   []float64
	// Text: of the cells, or of the dictionary's entries if there is one.
	ends  []int32 // in data; the first is 0
	data  []byte
	dict  *intern.Table
	index []int32 // entry of each cell
}

// newColumn makes a column. grow must be called before the first cell.
func newColumn(c schema.Column, p *pool.Pool) *column {
	col := &column{Column: c, kind: kindOf(c.Type), pool: p}
	name := append([]byte{'"'}, c.Name...)
	name = append(name, '"')
	probe := scanner{b: name}
	if r, err := probe.str(); err == nil && !r.escaped && probe.i == len(name) {
		col.quoted = name
	}
	return col
}

// grow makes room for so many cells in all, so that appending one never does.
func (c *column) grow(rows int) {
	bitmap := rows/8 + 1
	c.valid = c.pool.Grow(c.valid, bitmap)
	switch c.kind {
	case kindInt32:
		c.i32 = grown32(c.pool, c.i32, rows)
	case kindInt64, kindDateTime:
		c.i64 = grown64(c.pool, c.i64, rows)
	case kindDouble:
		b := c.pool.Grow(arrow.Float64Traits.CastToBytes(c.f64[:cap(c.f64)])[:8*len(c.f64)], 8*rows)
		c.f64 = arrow.Float64Traits.CastFromBytes(b[:cap(b)])[:len(c.f64)]
	case kindBool:
		c.bits = c.pool.Grow(c.bits, bitmap)
	default:
		if c.dict != nil {
			c.index = grown32(c.pool, c.index, rows)
			return
		}
		if c.ends = grown32(c.pool, c.ends, rows+1); len(c.ends) == 0 {
			c.ends = append(c.ends, 0)
		}
	}
}

func grown32(p *pool.Pool, s []int32, n int) []int32 {
	if cap(s) >= n {
		return s
	}
	b := p.Grow(arrow.Int32Traits.CastToBytes(s[:cap(s)])[:4*len(s)], 4*n)
	return arrow.Int32Traits.CastFromBytes(b[:cap(b)])[:len(s)]
}

func grown64(p *pool.Pool, s []int64, n int) []int64 {
	b := p.Grow(arrow.Int64Traits.CastToBytes(s[:cap(s)])[:8*len(s)], 8*n)
	return arrow.Int64Traits.CastFromBytes(b[:cap(b)])[:len(s)]
}

// A dictionary is given up where it does not pay: values that hardly repeat.
const (
	mostEntries = 16_384
	trial       = 4096 // rows after which it must have begun to pay
)

// begin gives a text column a dictionary, by the bytes between the quotes as the answer
// spells them, so that a value that is known needs neither unescaping nor checking. (Two
// spellings of one value are two entries.) Entry 0 is the empty text.
func (c *column) begin(d *intern.Table) {
	c.dict = d
	_, hash := d.Find(nil)
	d.Add(nil, hash)
	c.ends = append(grown32(c.pool, c.ends, 256), 0, 0)
}

// known appends a cell whose spelling the dictionary knows.
func (c *column) known(spelled []byte) bool {
	entry, _ := c.dict.Find(spelled)
	if entry < 0 {
		return false
	}
	c.index = append(c.index, entry)
	c.done()
	return true
}

// room makes space in data for more bytes.
func (c *column) room(more int) {
	if need := len(c.data) + more; need > cap(c.data) {
		c.data = c.pool.Grow(c.data, need)
	}
}

// doneText closes a cell whose text has been appended to data; spelled is how the answer
// spells it.
func (c *column) doneText(spelled []byte) {
	if c.dict == nil {
		c.ends = append(c.ends, int32(len(c.data)))
		c.done()
		return
	}
	_, hash := c.dict.Find(spelled)
	c.ends = append(grown32(c.pool, c.ends, len(c.ends)+1), int32(len(c.data)))
	c.index = append(c.index, c.dict.Add(spelled, hash))
	c.done()
	if n := c.dict.Len(); n > mostEntries || c.n >= trial && 2*n > c.n {
		c.plain()
	}
}

// plain gives up the dictionary: each cell holds its own text from now on.
func (c *column) plain() {
	size, ends, data := 0, c.ends, c.data
	for _, e := range c.index {
		size += int(ends[e+1] - ends[e])
	}
	c.data = c.pool.Get(size + size/4)
	c.ends = grown32(c.pool, nil, cap(c.index)+1)
	c.ends = append(c.ends, 0)
	for _, e := range c.index {
		c.data = append(c.data, data[ends[e]:ends[e+1]]...)
		c.ends = append(c.ends, int32(len(c.data)))
	}
	put32(c.pool, ends)
	put32(c.pool, c.index)
	c.pool.Put(data)
	c.dict, c.index = nil, nil
}

func put32(p *pool.Pool, s []int32) { p.Put(arrow.Int32Traits.CastToBytes(s[:cap(s)])) }

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
	c.valid = appendBit(c.valid, c.n, false)
	c.n++
	c.nulls++
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

// buffers are those of the values: offsets and bytes of text, and last the index.
func (c *column) buffers() [][]byte {
	switch c.kind {
	case kindInt32:
		return [][]byte{bytes32(c.i32)}
	case kindInt64, kindDateTime:
		return [][]byte{arrow.Int64Traits.CastToBytes(c.i64[:cap(c.i64)])[:8*len(c.i64)]}
	case kindDouble:
		return [][]byte{arrow.Float64Traits.CastToBytes(c.f64[:cap(c.f64)])[:8*len(c.f64)]}
	case kindBool:
		return [][]byte{c.bits}
	}
	if c.dict != nil {
		return [][]byte{bytes32(c.ends), c.data, bytes32(c.index)}
	}
	return [][]byte{bytes32(c.ends), c.data}
}

func bytes32(s []int32) []byte { return arrow.Int32Traits.CastToBytes(s[:cap(s)])[:4*len(s)] }

// array wraps the buffers, nothing is copied; its last release gives them back.
func (c *column) array() arrow.Array {
	buffers := []*memory.Buffer{nil}
	if c.nulls > 0 {
		buffers[0] = c.lent(c.valid)
	} else {
		c.pool.Put(c.valid)
	}
	for _, b := range c.buffers() {
		buffers = append(buffers, c.lent(b))
	}
	defer func() {
		for _, b := range buffers {
			if b != nil {
				b.Release()
			}
		}
	}()
	if c.dict == nil {
		data := array.NewData(schema.ArrowType(c.Type), c.n, buffers, nil, c.nulls, 0)
		defer data.Release()
		return array.MakeFromData(data)
	}
	entries := array.NewData(arrow.BinaryTypes.String, len(c.ends)-1, []*memory.Buffer{nil, buffers[1], buffers[2]}, nil, 0, 0)
	defer entries.Release()
	data := array.NewDataWithDictionary(schema.TextDictionary, c.n, []*memory.Buffer{buffers[0], buffers[3]}, c.nulls, 0, entries)
	defer data.Release()
	return array.MakeFromData(data)
}

// lent is a buffer that is given back to the pool; nil for none, as of no bytes at all.
func (c *column) lent(b []byte) *memory.Buffer {
	return memory.NewBufferWithAllocator(b, c.pool)
}
