package ledger

import (
	"math/bits"
	"slices"
)

// Seen is the rows that were exported of some bins: a multiset of keys. An answer minus
// Seen, by count, is what is new.
//
// Neither the ID nor the Tag would do alone. Two rows that differ may share an identity:
// a set of IDs would lose the second. And a row may change after it was exported
// (EmailEvents.LatestDeliveryLocation): comparing all cells would export it twice. So
// as many rows of an ID are new as the answer has more than Seen, and the Tag says which.
//
// Keys lie sorted in one slice; maps of millions of rows would take several times that.
type Seen struct {
	keys []Key    // by ID, then Tag
	next []uint32 // of each key, itself if it is not taken, else one further on; see free
	at   []uint32 // where the IDs with each prefix begin
	skip int      // how far to shift an ID's first 64 bits to get the prefix
}

// NewSeen makes a Seen of keys, which it sorts and keeps.
func NewSeen(keys []Key) *Seen {
	sortIDs(keys, 0)
	s := &Seen{keys: keys, next: make([]uint32, len(keys)+1)}
	for i := range s.next {
		s.next[i] = uint32(i)
	}
	s.index()
	return s
}

// index notes where each prefix begins, at some eight keys a prefix. IDs are hashes and
// spread evenly, so a search looks at few keys only.
func (s *Seen) index() {
	width := max(1, bits.Len(uint(len(s.keys)/8)))
	s.skip = 64 - width
	s.at = make([]uint32, 1<<width+1)
	for _, k := range s.keys {
		s.at[s.prefix(k)+1]++
	}
	for i := 1; i < len(s.at); i++ {
		s.at[i] += s.at[i-1]
	}
}

func (s *Seen) prefix(k Key) uint64 { return k.prefix() >> s.skip }

// Take says of each row of an answer, by its key, whether it is new, and how many are.
// Rows that are not new are taken out of Seen, for every exported row stands for one of
// an answer only.
func (s *Seen) Take(keys []Key) (isNew []bool, n int) {
	isNew = make([]bool, len(keys))
	for i, k := range keys {
		isNew[i] = !s.take(k, k.Tag, true)
	}
	// Only once all rows that are as they were have been found: what is left of an ID
	// are rows that changed.
	for i, k := range keys {
		if isNew[i] && s.take(k, 0, false) {
			isNew[i] = false
		}
		if isNew[i] {
			n++
		}
	}
	return isNew, n
}

// take takes the first key that is left of k's ID, from tag on; exact: of that tag.
func (s *Seen) take(k Key, tag uint64, exact bool) bool {
	k.Tag = tag
	i := s.free(s.search(k))
	if int(i) == len(s.keys) || s.keys[i].ID != k.ID || exact && s.keys[i].Tag != tag {
		return false
	}
	s.next[i] = i + 1
	return true
}

// search returns the index of the first key that does not go before k.
func (s *Seen) search(k Key) uint32 {
	p := s.prefix(k)
	from, to := s.at[p], s.at[p+1]
	at, _ := slices.BinarySearchFunc(s.keys[from:to], k, compareIDs)
	return from + uint32(at)
}

// free returns the first key from i on that is not taken; len(keys) if none is. It
// shortens the way for the next search: thousands of equal rows must not cost thousands
// of steps each.
func (s *Seen) free(i uint32) uint32 {
	end := i
	for s.next[end] != end {
		end = s.next[end]
	}
	for s.next[i] != end {
		i, s.next[i] = s.next[i], end
	}
	return end
}
