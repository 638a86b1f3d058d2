package ledger

import (
	"slices"

	"hunting-exporter/hunting"
)

// RunKeys is how many keys a run holds at most: 4 MB in a Book, 3 MB encoded.
const RunKeys = 1 << 17

// Book gathers the keys and the counts of one commit. It holds one run's keys at a
// time, whatever the size of the commit:
//
//	for len(keys) > 0 {
//		keys = keys[book.Add(keys):]
//		if book.Full() {
//			data, start, end := EncodeRun(book.Take())
//			… // store it
//		}
//	}
//
// and, at the end, one more run if Len is not 0. The zero Book is empty.
type Book struct {
	keys []Key
	bins map[int64]int64
}

// Add takes as many of the keys as there is room for and returns how many those are.
func (b *Book) Add(keys []Key) int {
	if b.bins == nil {
		b.bins = map[int64]int64{}
	}
	taken := min(len(keys), RunKeys-len(b.keys))
	keys = keys[:taken]
	b.keys = append(b.keys, keys...)
	for len(keys) > 0 { // neighbours are mostly of one bin
		n := sameBin(keys)
		b.bins[keys[0].Bin] += int64(n)
		keys = keys[n:]
	}
	return taken
}

// Len is how many keys there are to take.
func (b *Book) Len() int { return len(b.keys) }

// Full reports whether there is no room: Take must come before the next Add.
func (b *Book) Full() bool { return len(b.keys) >= RunKeys }

// Take returns the keys since the last Take. They are the caller's until the next Add.
func (b *Book) Take() []Key {
	keys := b.keys
	b.keys = b.keys[:0]
	return keys
}

// Bins returns the rows of each bin since the Book was made, in order.
func (b *Book) Bins() []hunting.Count {
	counts := make([]hunting.Count, 0, len(b.bins))
	for n, rows := range b.bins {
		counts = append(counts, hunting.Count{Start: Start(n), Rows: rows})
	}
	slices.SortFunc(counts, func(x, y hunting.Count) int { return x.Start.Compare(y.Start) })
	return counts
}
