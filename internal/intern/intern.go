// Package intern numbers texts: each different one once, found again by its bytes.
//
// It guarantees that equal texts have one number and others another, and allocates
// nothing for a text that it knows. It is not safe for concurrent use.
package intern

import "hash/maphash"

// seed is another in every process, so that no input can be made to collide.
var seed = maphash.MakeSeed()

// fewest is how many slots a table begins with.
const fewest = 256

// Table is a set of texts, numbered from 0.
type Table struct {
	// slots hold hash<<32 | 1 + number, by hash; a power of two of them. The hash in the
	// slot spares reading texts that are others, which mostly lie outside of the cache.
	slots  []uint64
	hashes []uint32 // of each text
	ends   []int32  // of the texts; the first is 0
	text   []byte
}

// New makes an empty Table.
func New() *Table {
	t := new(Table)
	t.Reset()
	return t
}

// Reset forgets all texts and keeps the memory.
func (t *Table) Reset() {
	t.resize(fewest) // few slots again: spread over many, the few used would fill the cache
	t.hashes, t.ends, t.text = t.hashes[:0], append(t.ends[:0], 0), t.text[:0]
}

func (t *Table) resize(slots int) {
	if slots > cap(t.slots) {
		t.slots = make([]uint64, slots)
		return
	}
	t.slots = t.slots[:slots]
	clear(t.slots)
}

// Len is the number of texts.
func (t *Table) Len() int { return len(t.hashes) }

// Text returns all texts, one after the other, and where each ends, after a first 0.
func (t *Table) Text() (ends []int32, text []byte) { return t.ends, t.text }

// At returns text number e. It is valid until the next Reset.
func (t *Table) At(e int32) []byte { return t.text[t.ends[e]:t.ends[e+1]] }

// Find returns the number of a text, -1 if it is not there, and then the hash that Add
// takes.
func (t *Table) Find(b []byte) (number int32, hash uint32) {
	hash = uint32(maphash.Bytes(seed, b))
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			return -1, hash
		}
		if uint32(s>>32) != hash {
			continue
		}
		e := uint32(s) - 1
		if string(t.text[t.ends[e]:t.ends[e+1]]) == string(b) {
			return int32(e), hash
		}
	}
}

// Add numbers a text that Find did not find. All texts together must stay below 2 GiB.
func (t *Table) Add(b []byte, hash uint32) int32 {
	if 2*len(t.hashes) >= len(t.slots) {
		t.resize(2 * len(t.slots))
		for e, h := range t.hashes {
			t.place(uint32(e), h)
		}
	}
	e := uint32(len(t.hashes))
	t.hashes = append(t.hashes, hash)
	t.text = append(t.text, b...)
	t.ends = append(t.ends, int32(len(t.text)))
	t.place(e, hash)
	return int32(e)
}

func (t *Table) place(e, hash uint32) {
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = uint64(hash)<<32 | uint64(e+1)
}
