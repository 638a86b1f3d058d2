package transform

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/schema"
)

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
