package transform

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/zeebo/xxh3"

	"hunting-exporter/schema"
)

// hash is 128 bits in two lanes.
type hash struct{ lo, hi uint64 }

// hashRows returns the identity of each row over every cell: the sum of the hashes of its
// cells, each of the column (its API name and class of type) and the value.
//
// A sum does not depend on the order of a projection, and takes each entry of a dictionary
// but once. Nulls, and empty strings where nothing is null, add nothing, so a column that Microsoft adds leaves
// the hashes of the rows of before as they are; a column that grows from Int32 to Int64
// does too.
func hashRows(rec arrow.Record) [][16]byte {
	sums := make([]hash, rec.NumRows())
	for i, f := range rec.Schema().Fields() {
		if a := rec.Column(i); a.NullN() < a.Len() {
			addColumn(sums, a, tagOf(f), kindOf(schema.APIType(f)) == kindString)
		}
	}
	out := make([][16]byte, len(sums))
	for i, s := range sums {
		binary.BigEndian.PutUint64(out[i][:8], s.hi+constant)
		binary.BigEndian.PutUint64(out[i][8:], s.lo)
	}
	return out
}

// constant keeps a row without values from being zero.
const constant = 0x9E3779B97F4A7C15

// tagOf tells columns apart.
func tagOf(f arrow.Field) hash {
	class := kindOf(schema.APIType(f))
	if class == kindInt32 {
		class = kindInt64
	}
	h := xxh3.HashString128(schema.APIName(f) + "\x00" + string(rune(class)))
	return hash{h.Lo, h.Hi}
}

// addColumn adds the cells of a column. "" stands for no value in a column of strings, but
// not in those of other types, which can be null.
func addColumn(sums []hash, a arrow.Array, tag hash, neverNull bool) {
	if text, ok := schema.TextOf(a); ok {
		addText(sums, a, text, tag, neverNull)
		return
	}
	valid := func(i int) bool { return true }
	if a.NullN() > 0 {
		valid = a.IsValid
	}
	add := func(i int, v uint64) {
		if valid(i) {
			sums[i].lo += mixed(v ^ tag.lo)
			sums[i].hi += mixed(v*constant ^ tag.hi)
		}
	}
	switch a := a.(type) {
	case *array.Int32:
		for i, v := range a.Int32Values() {
			add(i, uint64(v))
		}
	case *array.Int64:
		for i, v := range a.Int64Values() {
			add(i, uint64(v))
		}
	case *schema.DateTimeArray:
		for i, v := range a.Ticks() {
			add(i, uint64(v))
		}
	case *array.Float64:
		for i, v := range a.Float64Values() {
			add(i, math.Float64bits(v))
		}
	case *array.Boolean:
		for i := range a.Len() {
			v := uint64(0)
			if a.Value(i) {
				v = 1
			}
			add(i, v)
		}
	}
}

func addText(sums []hash, a arrow.Array, text schema.Text, tag hash, neverNull bool) {
	of := func(b []byte) hash {
		if len(b) == 0 && neverNull {
			return hash{}
		}
		h := xxh3.Hash128Seed(b, tag.lo)
		return hash{h.Lo, h.Hi}
	}
	index := text.Index()
	if index == nil {
		for i := range sums {
			if a.IsValid(i) {
				h := of(text.Value(i))
				sums[i].lo, sums[i].hi = sums[i].lo+h.lo, sums[i].hi+h.hi
			}
		}
		return
	}
	entries := make([]hash, text.Distinct())
	for e := range entries {
		entries[e] = of(text.Entry(e))
	}
	nulls := a.NullN() > 0
	for i, e := range index {
		if nulls && a.IsNull(i) {
			continue
		}
		sums[i].lo += entries[e].lo
		sums[i].hi += entries[e].hi
	}
}

// mixed spreads every bit over all 64 (the finalizer of MurmurHash3).
func mixed(v uint64) uint64 {
	v = (v ^ v>>33) * 0xff51afd7ed558ccd
	v = (v ^ v>>33) * 0xc4ceb9fe1a85ec53
	return v ^ v>>33
}
