package parquetfile

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Integers have a dictionary if, in the file's first row group, each stands for sixteen
// rows, and few differ: ports, sizes, flags. As with text, a file has no chunks of both
// kinds. Indices of a few bits are smaller than what zstd makes of the numbers, and take it
// a fraction of the time.
const (
	repeats     = 16
	mostNumbers = 4096
)

// numbering is the dictionary of an integer column being made.
type numbering struct {
	slots   []int32 // 1 + entry, by hash; a power of two of them
	entries []int64
	index   []int32 // entry of each row
}

// odd is another in every process, so that no input can be made to collide.
var odd = rand.Uint64() | 1

// numbered returns the column's values with a dictionary, if they are to have one.
func (w *Writer) numbered(column int, v *Values, n int) *Values {
	if k := w.columns[column].Kind; k != Int32 && k != Int64 || w.choice[column] == withoutDictionary || v.Nulls == n {
		return v
	}
	most := math.MaxInt
	if w.choice[column] == undecided {
		most = min(n/repeats, mostNumbers)
	}
	d := &w.encoder.numbers
	if v.Int32s != nil && !number(d, v, v.Int32s, most) || v.Int32s == nil && !number(d, v, v.Int64s, most) {
		w.choice[column] = withoutDictionary
		return v
	}
	w.choice[column] = withDictionary
	with := *v
	with.Index, with.numbers = d.index, d.entries
	return &with
}

type choice byte

const (
	undecided choice = iota
	withDictionary
	withoutDictionary
)

// number numbers the values; false: more than most differ.
func number[T int32 | int64](d *numbering, v *Values, all []T, most int) bool {
	d.entries, d.index = d.entries[:0], d.index[:0]
	d.resize(256)
	for row, x := range all {
		if v.null(row) {
			d.index = append(d.index, 0)
			continue
		}
		e := d.entry(int64(x))
		if len(d.entries) > most {
			return false
		}
		d.index = append(d.index, e)
	}
	return true
}

// entry is the number of a value, a new one if need be.
func (d *numbering) entry(x int64) int32 {
	slot := d.find(x)
	if e := *slot; e > 0 {
		return e - 1
	}
	d.entries = append(d.entries, x)
	*slot = int32(len(d.entries))
	if 2*len(d.entries) > len(d.slots) {
		d.resize(2 * len(d.slots))
		for e, x := range d.entries {
			*d.find(x) = int32(e) + 1
		}
	}
	return int32(len(d.entries)) - 1
}

// find returns the slot of a value: where it is, or where it has to go.
func (d *numbering) find(x int64) *int32 {
	mask := len(d.slots) - 1
	i := int(uint64(x) * odd >> (64 - bits.Len(uint(mask))))
	for d.slots[i] > 0 && d.entries[d.slots[i]-1] != x {
		i = (i + 1) & mask
	}
	return &d.slots[i]
}

func (d *numbering) resize(slots int) {
	if slots > cap(d.slots) {
		d.slots = make([]int32, slots)
		return
	}
	d.slots = d.slots[:slots]
	clear(d.slots)
}
