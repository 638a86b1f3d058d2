// Package intern numbers texts: each different one once, found again by its bytes.
//
// It guarantees that equal texts have one number and others another, and allocates
// nothing for a text that it knows. It is not safe for concurrent use.
package intern

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// Table is a set of texts, numbered from 0.
type Table struct {
	slots  []uint32 // 1 + the number, by hash; a power of two of them
	hashes []uint32 // of each text
	ends   []int32  // of the texts; the first is 0
	text   []byte
	last   []byte // the text found last
	at     int32  // its number; negative: none
}

// New makes an empty Table.
func New() *Table {
	t := &Table{slots: make([]uint32, 256)}
	t.Reset()
	return t
}

// Reset forgets all texts and keeps the memory.
func (t *Table) Reset() {
	clear(t.slots)
	t.hashes, t.ends, t.text = t.hashes[:0], append(t.ends[:0], 0), t.text[:0]
	t.last, t.at = nil, -1
}

// Len is the number of texts.
func (t *Table) Len() int { return len(t.hashes) }

// Text returns all texts, one after the other, and where each ends, after a first 0.
func (t *Table) Text() (ends []int32, text []byte) { return t.ends, t.text }

// Find returns the number of a text, -1 if it is not there, and then the hash that Add
// takes.
func (t *Table) Find(b []byte) (number int32, hash uint32) {
	if t.at >= 0 && len(b) == len(t.last) && bytes.Equal(b, t.last) { // texts often repeat at once
		return t.at, 0
	}
	hash = uint32(xxh3.Hash(b))
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; t.slots[i] != 0; i = (i + 1) & mask {
		e := t.slots[i] - 1
		if t.hashes[e] != hash {
			continue
		}
		if known := t.text[t.ends[e]:t.ends[e+1]]; bytes.Equal(b, known) {
			t.at, t.last = int32(e), known
			return int32(e), hash
		}
	}
	return -1, hash
}

// Add numbers a text that Find did not find. All texts together must stay below 2 GiB.
func (t *Table) Add(b []byte, hash uint32) int32 {
	if 2*len(t.hashes) >= len(t.slots) {
		t.slots = make([]uint32, 4*len(t.slots))
		for e, h := range t.hashes {
			t.place(uint32(e), h)
		}
	}
	e := uint32(len(t.hashes))
	t.hashes = append(t.hashes, hash)
	t.text = append(t.text, b...)
	t.ends = append(t.ends, int32(len(t.text)))
	t.place(e, hash)
	t.at = -1 // text may have moved
	return int32(e)
}

func (t *Table) place(e, hash uint32) {
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = e + 1
}
