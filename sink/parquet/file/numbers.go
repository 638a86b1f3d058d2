package file

import "math"

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
	of      map[int64]int32
	entries []int64
	index   []int32 // entry of each row
}

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
	if d.of == nil {
		d.of = map[int64]int32{}
	}
	clear(d.of)
	d.entries, d.index = d.entries[:0], d.index[:0]
	for row, x := range all {
		if v.null(row) {
			d.index = append(d.index, 0)
			continue
		}
		e, known := d.of[int64(x)]
		if !known {
			if len(d.entries) == most {
				return false
			}
			e = int32(len(d.entries))
			d.of[int64(x)] = e
			d.entries = append(d.entries, int64(x))
		}
		d.index = append(d.index, e)
	}
	return true
}
