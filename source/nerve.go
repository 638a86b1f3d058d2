package source

import "sync/atomic"

// nerve is how many refusals one Read bears before it leaves what fails as a gap, as wide
// as it is: where nothing can be had, halving would go on for every tick. The next run
// narrows further.
type nerve struct {
	costly, large atomic.Int64
}

// steady is a Read's nerve. Answers refused for their size are borne as long as about as
// many halves of them come.
const steady = 64

func newNerve(coarse bool) *nerve {
	n := &nerve{}
	n.large.Store(steady)
	if !coarse {
		n.costly.Store(steady)
	}
	return n
}

// lost reports whether a refusal of this kind is one too many.
func (n *nerve) lost(k kind) bool {
	switch k {
	case tooCostly:
		return n.costly.Add(-1) < 0
	case tooLarge:
		return n.large.Add(-1) < 0
	}
	return false
}
