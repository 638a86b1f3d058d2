package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// bloomBits a value make about one false answer in a hundred.
const bloomBits = 10

// Encoder makes pages and filters in memory of its own, which it keeps for the next. It is
// not safe for concurrent use.
type Encoder struct {
	codec   compress.Codec
	body    []byte // the page
	packed  []byte // the page, compressed
	level   []byte
	ones    []byte // the levels where nothing is null
	encoded []byte
	ints    []int32
	longs   []int64
	doubles []float64
	seen    []uint32 // of each entry: the stamp of the page that saw it last
	stamp   uint32
	numbers numbering
	hashes  []uint64
	filter  []byte
}

// NewEncoder makes an Encoder whose pages are compressed so.
func NewEncoder(codec compress.Codec) *Encoder { return &Encoder{codec: codec} }

// compress returns the page, plain and compressed, valid until the next one.
func (e *Encoder) compress() (body, packed []byte, err error) {
	if len(e.body) > math.MaxInt32/2 {
		return nil, nil, fmt.Errorf("a page of %d bytes; lower TRANSFORM_MAX_CELL_BYTES", len(e.body))
	}
	if e.packed, err = e.codec.Encode(e.packed[:0], e.body); err != nil {
		return nil, nil, fmt.Errorf("compress: %w", err)
	}
	return e.body, e.packed, nil
}

// dictionary makes the dictionary page of a column.
func (e *Encoder) dictionary(k Kind, v *Values) (entries int) {
	entries = v.entries()
	e.body = e.body[:0]
	for i := range entries {
		switch k {
		case Text:
			e.body = plain.AppendByteArray(e.body, v.text(i))
		case Int32:
			e.body = plain.AppendInt32(e.body, int32(v.numbers[i]))
		default:
			e.body = plain.AppendInt64(e.body, v.numbers[i])
		}
	}
	if len(e.seen) < entries {
		e.seen = make([]uint32, entries+entries/2)
		e.stamp = 0
	}
	return entries
}

// page makes a data page: the levels' length, the levels, 1 for a value, the values.
func (e *Encoder) page(k Kind, v *Values, r rows, dictionary bool) (nulls int, b bounds, err error) {
	level := e.levels(v, r)
	nulls = len(level) - bytes.Count(level, one)
	if e.encoded, err = levelEncoding.EncodeLevels(e.encoded, level); err != nil {
		return 0, b, err
	}
	e.body = binary.LittleEndian.AppendUint32(e.body[:0], uint32(len(e.encoded)))
	e.body = append(e.body, e.encoded...)
	switch {
	case dictionary:
		b, err = e.indices(k, v, r)
	case nulls < r.to-r.from:
		b = e.values(k, v, r)
	}
	return nulls, b, err
}

var levelEncoding, one = rle.Encoding{BitWidth: 1}, []byte{1}

// levels are 1 for each row that has a value, 0 for null.
func (e *Encoder) levels(v *Values, r rows) []byte {
	if v.Valid == nil {
		for len(e.ones) < r.to-r.from {
			e.ones = append(e.ones, 1)
		}
		return e.ones[:r.to-r.from]
	}
	e.level = e.level[:0]
	for i := r.from; i < r.to; i++ {
		e.level = append(e.level, v.Valid[r.at(i)])
	}
	return e.level
}

// values appends the page's values, of which there is one at least.
func (e *Encoder) values(k Kind, v *Values, r rows) bounds {
	switch k {
	case Bool:
		return e.bools(v, r)
	case Int32:
		e.ints = present(e.ints[:0], v.Int32s, v, r)
		for _, x := range e.ints {
			e.body = plain.AppendInt32(e.body, x)
		}
		return boundsOf(slices.Min(e.ints), slices.Max(e.ints), encode32)
	case Double:
		e.doubles = present(e.doubles[:0], v.Doubles, v, r)
		for _, x := range e.doubles {
			e.body = plain.AppendDouble(e.body, x)
		}
		return boundsOfDoubles(slices.Min(e.doubles), slices.Max(e.doubles))
	case Text:
		return e.texts(v, r)
	}
	e.longs = present(e.longs[:0], v.Int64s, v, r)
	for _, x := range e.longs {
		e.body = plain.AppendInt64(e.body, x)
	}
	return boundsOf(slices.Min(e.longs), slices.Max(e.longs), encode64)
}

// present appends those of the page's values that are not null.
func present[T any](dst, all []T, v *Values, r rows) []T {
	switch {
	case v.Valid != nil:
	case r.order == nil:
		return append(dst, all[r.from:r.to]...)
	default:
		dst = slices.Grow(dst, r.to-r.from)
		for _, row := range r.order[r.from:r.to] {
			dst = append(dst, all[row])
		}
		return dst
	}
	for i := r.from; i < r.to; i++ {
		if row := r.at(i); !v.null(row) {
			dst = append(dst, all[row])
		}
	}
	return dst
}

func (e *Encoder) bools(v *Values, r rows) bounds {
	lo, hi, n := byte(1), byte(0), 0
	for i := r.from; i < r.to; i++ {
		row := r.at(i)
		if v.null(row) {
			continue
		}
		x := v.Bools[row]
		if n%8 == 0 {
			e.body = append(e.body, 0)
		}
		e.body[len(e.body)-1] |= x << (n % 8)
		lo, hi = min(lo, x), max(hi, x)
		n++
	}
	return boundsOfBools(lo, hi)
}

func (e *Encoder) texts(v *Values, r rows) bounds {
	var x extremes
	for i := r.from; i < r.to; i++ {
		row := r.at(i)
		if v.null(row) {
			continue
		}
		text := v.text(row)
		x.see(text)
		e.body = plain.AppendByteArray(e.body, text)
	}
	return boundsOfText(x.lo, x.hi)
}

// indices appends entries of the dictionary: their width, then each row's.
func (e *Encoder) indices(k Kind, v *Values, r rows) (bounds, error) {
	e.ints = present(e.ints[:0], v.Index, v, r)
	width := max(1, bits.Len(uint(v.entries()-1)))
	var err error
	if e.encoded, err = (&rle.Encoding{BitWidth: width}).EncodeInt32(e.encoded, e.ints); err != nil {
		return bounds{}, err
	}
	e.body = append(append(e.body, byte(width)), e.encoded...)
	if len(e.ints) == 0 {
		return bounds{}, nil
	}
	// The bounds are those of the entries that the page uses.
	e.stamp++
	var x extremes
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for _, entry := range e.ints {
		if e.seen[entry] == e.stamp {
			continue
		}
		e.seen[entry] = e.stamp
		if k == Text {
			x.see(v.text(int(entry)))
		} else {
			lo, hi = min(lo, v.numbers[entry]), max(hi, v.numbers[entry])
		}
	}
	switch k {
	case Text:
		return boundsOfText(x.lo, x.hi), nil
	case Int32:
		return boundsOf(int32(lo), int32(hi), encode32), nil
	}
	return boundsOf(lo, hi, encode64), nil
}

// bloom makes the filter of n rows.
func (e *Encoder) bloom(k Kind, v *Values, n int) []byte {
	e.hashes = e.hashes[:0]
	switch {
	case k == Text && v.Index != nil:
		for i := range len(v.Ends) - 1 {
			e.hashes = append(e.hashes, xxhash.Sum64(v.text(i)))
		}
	default:
		for row := range n {
			if !v.null(row) {
				e.hashes = append(e.hashes, v.hash(k, row))
			}
		}
	}
	if k != Text { // text that repeats has a dictionary; numbers have none
		slices.Sort(e.hashes)
		e.hashes = slices.Compact(e.hashes)
	}
	size := bloom.NumSplitBlocksOf(int64(max(1, len(e.hashes))), bloomBits) * bloom.BlockSize
	e.filter = append(e.filter[:0], make([]byte, size)...)
	bloom.MakeSplitBlockFilter(e.filter).InsertBulk(e.hashes)
	return e.filter
}

func (v *Values) hash(k Kind, row int) uint64 {
	switch k {
	case Text:
		return xxhash.Sum64(v.text(row))
	case Int32:
		return xxhash.Sum64Uint32(uint32(v.Int32s[row]))
	case Double:
		return xxhash.Sum64Uint64(math.Float64bits(v.Doubles[row]))
	case Bool:
		return xxhash.Sum64Uint8(v.Bools[row])
	}
	return xxhash.Sum64Uint64(uint64(v.Int64s[row]))
}
