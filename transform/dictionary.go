package transform

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

const (
	// mostEntries bounds a dictionary: beyond it, values hardly repeat.
	mostEntries = 16_384
	// trial is after how many rows a dictionary must have begun to pay.
	trial = 4096
)

// dictionary finds the entries of a text column by the bytes between the quotes, as the
// answer spells them, so that a value that is known needs neither unescaping nor checking.
// Two spellings of one value are two entries.
type dictionary struct {
	slots  []uint32 // 1 + the entry, by hash; a power of two of them
	hashes []uint32 // of each entry
	ends   []uint32 // of the spellings in spelled
	text   []byte
	last   []byte // spelling of the row before
	at     int32  // its entry
}

func newDictionary() *dictionary {
	d := &dictionary{slots: make([]uint32, 1024)}
	d.reset()
	return d
}

// reset forgets all entries but the empty text, which is entry 0.
func (d *dictionary) reset() {
	clear(d.slots)
	d.hashes, d.ends, d.text = d.hashes[:0], append(d.ends[:0], 0), d.text[:0]
	d.last, d.at = nil, -1
	d.add(nil, uint32(xxh3.Hash(nil)))
}

func (d *dictionary) len() int { return len(d.hashes) }

// find returns the entry of a spelling, -1 for none, and its hash.
func (d *dictionary) find(spelled []byte) (entry int32, hash uint32) {
	if d.at >= 0 && bytes.Equal(spelled, d.last) {
		return d.at, 0
	}
	hash = uint32(xxh3.Hash(spelled))
	mask := uint32(len(d.slots) - 1)
	for i := hash & mask; d.slots[i] != 0; i = (i + 1) & mask {
		e := d.slots[i] - 1
		if d.hashes[e] == hash && bytes.Equal(spelled, d.text[d.ends[e]:d.ends[e+1]]) {
			d.at, d.last = int32(e), d.text[d.ends[e]:d.ends[e+1]]
			return int32(e), hash
		}
	}
	return -1, hash
}

// add makes the next entry.
func (d *dictionary) add(spelled []byte, hash uint32) int32 {
	if 2*len(d.hashes) >= len(d.slots) {
		d.slots = make([]uint32, 4*len(d.slots))
		for e, h := range d.hashes {
			d.place(uint32(e), h)
		}
	}
	e := uint32(len(d.hashes))
	d.hashes = append(d.hashes, hash)
	d.text = append(d.text, spelled...)
	d.ends = append(d.ends, uint32(len(d.text)))
	d.place(e, hash)
	return int32(e)
}

func (d *dictionary) place(e, hash uint32) {
	mask := uint32(len(d.slots) - 1)
	i := hash & mask
	for d.slots[i] != 0 {
		i = (i + 1) & mask
	}
	d.slots[i] = e + 1
}
