package file

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

func (v *Values) null(row int) bool { return v.Valid != nil && v.Valid[row] == 0 }

func (v *Values) text(i int) []byte { return v.Bytes[v.Ends[i]:v.Ends[i+1]] }
