package estimate

import (
	"cmp"
	"math"
	"sync"
)

// SizeLimit is what the answers of all datasets say about the size that the API still
// delivers. It is stated nowhere and has changed before, so it is learned: from the
// largest answer that came and the smallest that was refused.
type SizeLimit struct {
	mu       sync.Mutex
	accepted float64 // bytes of the largest answer
	refused  float64 // bytes of the smallest that was refused for its size; 0: none
	doubts   int     // refusals in a row of what was accepted before
	calm     int     // answers near the limit since the last refusal or probe
	probing  bool    // an answer is under way that is larger than any before
}

// knownLimits are those that Microsoft has had, today's first, in either meaning of a megabyte.
var knownLimits = []float64{50e6, 50 << 20, 64e6, 64 << 20, 124e6, 124 << 20}

// near is how close to a limit an answer is meant to come, and how close to each other
// both bounds have to be to be done with searching.
const near = 0.985

// safe is the size up to which answers have come. Until one was refused, today's limit
// is taken on trust.
func (l *SizeLimit) safe() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused == 0 || l.refused > knownLimits[0] {
		return max(l.accepted, near*knownLimits[0])
	}
	return cmp.Or(l.accepted, l.refused/2)
}

// probe is a size beyond the safe one that is worth a try: one answer at a time, since a
// refusal costs two calls. ok is false if there is none; else probed must follow.
func (l *SizeLimit) probe() (size float64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.refused > 0 && l.accepted >= near*l.refused
	if l.probing || l.accepted == 0 || found && l.calm < l.patience() {
		return 0, false
	}
	l.probing, l.calm = true, 0
	if found {
		return 1.05 * l.refused, true
	}
	top := cmp.Or(l.refused, math.Inf(1))
	for _, known := range knownLimits {
		if known <= l.accepted || known >= top {
			continue
		}
		if l.accepted < 0.96*known {
			return near * known, true
		}
		if beyond := 1.01 * known; beyond < near*top { // is it the limit at all?
			return beyond, true
		}
	}
	return min(1.5*l.accepted, (l.accepted+top)/2), true
}

// patience is after how many answers near a limit that was found it is tried again: a
// refusal can have another reason, and what is never tried is never disproved. One that
// lies below anything known is doubted sooner.
func (l *SizeLimit) patience() int {
	if l.refused < knownLimits[0]/5 {
		return 8
	}
	return 200
}

// Probed allows the next probe.
func (l *SizeLimit) Probed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probing = false
}

func (l *SizeLimit) accept(size float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accepted = max(l.accepted, size); size > l.refused {
		l.refused = 0 // that was not the limit
	}
	if size > 0.9*l.accepted {
		l.doubts = 0
		l.calm++
	}
}

// refuse takes in the size of what was refused, known once its parts have come, and the
// size of the largest of these. One refusal of what came before may have another
// reason; the second one means that the limit was lowered.
func (l *SizeLimit) refuse(size, largest float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calm = 0
	if size <= l.accepted {
		if l.doubts++; l.doubts < 2 {
			return
		}
		l.accepted, l.refused = largest, 0
	}
	l.refused = min(size, cmp.Or(l.refused, size))
}

// recall takes in what an earlier run has learned.
func (l *SizeLimit) recall(accepted, refused float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted = max(l.accepted, accepted)
	if refused > l.accepted {
		l.refused = min(refused, cmp.Or(l.refused, refused))
	}
}

func (l *SizeLimit) bounds() (accepted, refused float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.refused
}
