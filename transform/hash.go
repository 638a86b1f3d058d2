package transform

import (
	"encoding/binary"
	"math"

	"github.com/zeebo/xxh3"
)

// appendCell appends cell i to the text that a row's hash is taken of: the column's tag
// (its name and class of type), then the value, in a form that says where it ends.
//
// Nulls and empty strings append nothing. So a column that Microsoft adds, null in every
// row of before, leaves the hashes of those rows as they are; and no two rows of one
// schema come out alike, for every cell carries its column's tag.
func (c *column) appendCell(dst []byte, i int) []byte {
	if c.isNull(i) {
		return dst
	}
	switch c.kind {
	case kindInt32:
		return appendTagged(dst, c.tag, uint64(c.i32[i]))
	case kindInt64, kindDateTime:
		return appendTagged(dst, c.tag, uint64(c.i64[i]))
	case kindDouble:
		return appendTagged(dst, c.tag, math.Float64bits(c.f64[i]))
	case kindBool:
		return appendTagged(dst, c.tag, uint64(c.bits[i>>3]>>(i&7)&1))
	}
	text := c.data[c.ends[i]:c.ends[i+1]]
	if c.kind == kindString && len(text) == 0 {
		return dst
	}
	return append(appendTagged(dst, c.tag, uint64(len(text))), text...)
}

func appendTagged(dst []byte, tag, value uint64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, tag)
	return binary.LittleEndian.AppendUint64(dst, value)
}

// hashRow is the identity of the last row over every cell. Columns go by the API's
// names, sorted, so that the order of a projection does not matter.
func (d *decoder) hashRow(i int) [16]byte {
	d.hashed = d.hashed[:0]
	for _, c := range d.byName {
		d.hashed = c.appendCell(d.hashed, i)
	}
	if d.extra != nil {
		d.hashed = d.extra.appendCell(d.hashed, i)
	}
	return xxh3.Hash128(d.hashed).Bytes()
}
