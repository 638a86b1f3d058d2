package file

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/format"
)

// longestBound is the length of text above which a bound is cut. An upper bound may have
// one byte more: the next character may be longer.
const longestBound = 64

// aboveAll is above every text: 0xFF is no byte of UTF-8.
var aboveAll = []byte{0xff}

// bounds are the least and the greatest of some values, as Parquet encodes them. Those of
// text may be shorter than the values; then they are not exact, but hold.
type bounds struct {
	min, max []byte
	exact    bool
	some     bool // there are values
}

func boundsOf[T cmp.Ordered](lo, hi T, encode func(T) []byte) bounds {
	return bounds{min: encode(lo), max: encode(hi), exact: true, some: true}
}

func encode32(v int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
func encode64(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

// boundsOfDoubles: a zero may be either of the two zeros.
func boundsOfDoubles(lo, hi float64) bounds {
	if lo == 0 {
		lo = math.Copysign(0, -1)
	}
	if hi == 0 {
		hi = 0
	}
	return boundsOf(lo, hi, func(v float64) []byte { return encode64(int64(math.Float64bits(v))) })
}

func boundsOfBools(lo, hi byte) bounds { return bounds{[]byte{lo}, []byte{hi}, true, true} }

// extremes are the least and the greatest of the texts seen. Most texts differ from them
// in their first eight bytes.
type extremes struct {
	lo, hi       []byte
	loKey, hiKey uint64
	some         bool
}

func (x *extremes) see(text []byte) {
	key := firstBytes(text)
	if !x.some {
		*x = extremes{text, text, key, key, true}
		return
	}
	if key < x.loKey || key == x.loKey && bytes.Compare(text, x.lo) < 0 {
		x.lo, x.loKey = text, key
	}
	if key > x.hiKey || key == x.hiKey && bytes.Compare(text, x.hi) > 0 {
		x.hi, x.hiKey = text, key
	}
}

// firstBytes orders texts by their first eight bytes; a shorter one is filled up with
// zeros.
func firstBytes(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.BigEndian.Uint64(text)
	}
	var b [8]byte
	copy(b[:], text)
	return binary.BigEndian.Uint64(b[:])
}

func boundsOfText(lo, hi []byte) bounds {
	b := bounds{min: bytes.Clone(cutText(lo)), some: true}
	b.max = upper(hi)
	b.exact = len(lo) <= longestBound && len(hi) <= longestBound
	return b
}

// cutText is the beginning of a text, in whole characters.
func cutText(b []byte) []byte {
	if len(b) <= longestBound {
		return b
	}
	n := longestBound
	for n > longestBound-utf8.UTFMax && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}

// upper is a text of bounded length that is not below b.
func upper(b []byte) []byte {
	if len(b) <= longestBound {
		return bytes.Clone(b)
	}
	b = bytes.Clone(cutText(b))
	for len(b) > 0 {
		r, n := utf8.DecodeLastRune(b)
		b = b[:len(b)-n]
		next := r + 1
		if next >= 0xd800 && next <= 0xdfff { // no characters
			next = 0xe000
		}
		if r != utf8.RuneError && next <= utf8.MaxRune {
			return utf8.AppendRune(b, next)
		}
	}
	return aboveAll
}

// wider is the bounds of both.
func (b bounds) wider(o bounds, k Kind) bounds {
	switch {
	case !o.some:
		return b
	case !b.some:
		return o
	}
	b.exact = b.exact && o.exact
	if k.compare(o.min, b.min) < 0 {
		b.min = o.min
	}
	if k.compare(o.max, b.max) > 0 {
		b.max = o.max
	}
	return b
}

// compare compares encoded values.
func (k Kind) compare(a, b []byte) int {
	switch k {
	case Bool, Text:
		return bytes.Compare(a, b)
	case Int32:
		return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
	case Double:
		return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
}

// index is the column index of a chunk's pages.
func index(pages []page, k Kind) format.ColumnIndex {
	var out format.ColumnIndex
	ascending, descending := true, true
	last := -1
	for i, p := range pages {
		out.NullPages = append(out.NullPages, !p.bounds.some)
		out.MinValues = append(out.MinValues, p.bounds.min)
		out.MaxValues = append(out.MaxValues, p.bounds.max)
		out.NullCounts = append(out.NullCounts, int64(p.nulls))
		if !p.bounds.some {
			continue
		}
		if last >= 0 {
			before := pages[last].bounds
			ascending = ascending && k.compare(before.min, p.bounds.min) <= 0 && k.compare(before.max, p.bounds.max) <= 0
			descending = descending && k.compare(before.min, p.bounds.min) >= 0 && k.compare(before.max, p.bounds.max) >= 0
		}
		last = i
	}
	switch {
	case ascending:
		out.BoundaryOrder = format.Ascending
	case descending:
		out.BoundaryOrder = format.Descending
	default:
		out.BoundaryOrder = format.Unordered
	}
	return out
}
