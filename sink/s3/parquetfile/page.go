package parquetfile

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/rle"
)

const (
	// pageBytes and pageRows are when a page ends: small enough to be skipped by the page
	// index, large enough to compress.
	pageBytes = 1 << 20
	pageRows  = 20_480
)

// page is what is known of a page that was written.
type page struct {
	offset     int64
	compressed int32 // with its header
	firstRow   int64
	nulls      int
	bounds     bounds
}

// rows are the rows of one page in the order in which they are written.
type rows struct {
	order    []int32 // nil: as they lie
	from, to int
}

func (r rows) at(i int) int {
	if r.order != nil {
		return int(r.order[i])
	}
	return i
}

// pageEnd is where the page that begins with row from ends.
func (v *Values) pageEnd(from, n int, order []int32) int {
	end := min(from+pageRows, n)
	if v.Index != nil || v.Ends == nil {
		return end
	}
	size := 0
	all := rows{order: order}
	for i := from; i < end; i++ {
		row := all.at(i)
		size += int(v.Ends[row+1]-v.Ends[row]) + 4
		if size >= pageBytes {
			return i + 1
		}
	}
	return end
}

// levels appends the definition levels of a page: their length, then each row's, 1 for a
// value.
func (w *Writer) levels(dst []byte, v *Values, r rows) (out []byte, nulls int, err error) {
	w.level = w.level[:0]
	for i := r.from; i < r.to; i++ {
		level := byte(1)
		if v.Valid != nil {
			level = v.Valid[r.at(i)]
		}
		nulls += int(1 - level)
		w.level = append(w.level, level)
	}
	if w.encoded, err = levelEncoding.EncodeLevels(w.encoded, w.level); err != nil {
		return dst, 0, err
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(w.encoded)))
	return append(dst, w.encoded...), nulls, nil
}

var levelEncoding = rle.Encoding{BitWidth: 1}

// each calls do for each row of the page that has a value.
func (v *Values) each(r rows, do func(row int)) {
	for i := r.from; i < r.to; i++ {
		if row := r.at(i); v.Valid == nil || v.Valid[row] == 1 {
			do(row)
		}
	}
}

// values appends the page's values and returns their bounds.
func (w *Writer) values(dst []byte, k Kind, v *Values, r rows) ([]byte, bounds, error) {
	switch k {
	case Bool:
		dst, b := plainBools(dst, v, r)
		return dst, b, nil
	case Int32:
		dst, b := plainInts(dst, v, r, v.Int32s, func(dst []byte, x int32) []byte { return binary.LittleEndian.AppendUint32(dst, uint32(x)) }, encode32)
		return dst, b, nil
	case Double:
		dst, b := plainDoubles(dst, v, r)
		return dst, b, nil
	case Text:
		if v.Index != nil {
			return w.indices(dst, v, r)
		}
		dst, b := plainText(dst, v, r)
		return dst, b, nil
	}
	dst, b := plainInts(dst, v, r, v.Int64s, func(dst []byte, x int64) []byte { return binary.LittleEndian.AppendUint64(dst, uint64(x)) }, encode64)
	return dst, b, nil
}

func plainBools(dst []byte, v *Values, r rows) ([]byte, bounds) {
	lo, hi, n := byte(1), byte(0), 0
	v.each(r, func(row int) {
		x := v.Bools[row]
		if n%8 == 0 {
			dst = append(dst, 0)
		}
		dst[len(dst)-1] |= x << (n % 8)
		lo, hi = min(lo, x), max(hi, x)
		n++
	})
	if n == 0 {
		return dst, bounds{}
	}
	return dst, boundsOfBools(lo, hi)
}

func plainInts[T int32 | int64](dst []byte, v *Values, r rows, all []T, add func([]byte, T) []byte, encode func(T) []byte) ([]byte, bounds) {
	var lo, hi T
	some := false
	for i := r.from; i < r.to; i++ {
		row := r.at(i)
		if v.Valid != nil && v.Valid[row] == 0 {
			continue
		}
		x := all[row]
		if !some {
			lo, hi, some = x, x, true
		}
		lo, hi = min(lo, x), max(hi, x)
		dst = add(dst, x)
	}
	if !some {
		return dst, bounds{}
	}
	return dst, boundsOf(lo, hi, encode)
}

func plainDoubles(dst []byte, v *Values, r rows) ([]byte, bounds) {
	lo, hi, some := math.Inf(1), math.Inf(-1), false
	v.each(r, func(row int) {
		x := v.Doubles[row]
		lo, hi, some = min(lo, x), max(hi, x), true
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	})
	if !some {
		return dst, bounds{}
	}
	return dst, boundsOfDoubles(lo, hi)
}

func plainText(dst []byte, v *Values, r rows) ([]byte, bounds) {
	var lo, hi []byte
	some := false
	for i := r.from; i < r.to; i++ {
		row := r.at(i)
		if v.Valid != nil && v.Valid[row] == 0 {
			continue
		}
		x := v.text(row)
		switch {
		case !some:
			lo, hi, some = x, x, true
		case bytes.Compare(x, lo) < 0:
			lo = x
		case bytes.Compare(x, hi) > 0:
			hi = x
		}
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(x)))
		dst = append(dst, x...)
	}
	if !some {
		return dst, bounds{}
	}
	return dst, boundsOfText(lo, hi)
}

func (v *Values) text(i int) []byte { return v.Bytes[v.Ends[i]:v.Ends[i+1]] }

// indices appends entries of the dictionary: their width, then each row's.
func (w *Writer) indices(dst []byte, v *Values, r rows) ([]byte, bounds, error) {
	w.stamp++
	w.index = w.index[:0]
	lo, hi := int32(-1), int32(-1)
	for i := r.from; i < r.to; i++ {
		row := r.at(i)
		if v.Valid != nil && v.Valid[row] == 0 {
			continue
		}
		e := v.Index[row]
		w.index = append(w.index, e)
		if w.seen[e] == w.stamp {
			continue
		}
		w.seen[e] = w.stamp
		if lo < 0 || bytes.Compare(v.text(int(e)), v.text(int(lo))) < 0 {
			lo = e
		}
		if hi < 0 || bytes.Compare(v.text(int(e)), v.text(int(hi))) > 0 {
			hi = e
		}
	}
	width := max(1, bits.Len(uint(len(v.Ends)-2)))
	var err error
	if w.encoded, err = (&rle.Encoding{BitWidth: width}).EncodeInt32(w.encoded, w.index); err != nil {
		return dst, bounds{}, err
	}
	dst = append(append(dst, byte(width)), w.encoded...)
	if lo < 0 {
		return dst, bounds{}, nil
	}
	return dst, boundsOfText(v.text(int(lo)), v.text(int(hi))), nil
}
