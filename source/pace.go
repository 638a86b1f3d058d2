package source

import (
	"cmp"
	"math"
	"sync"
	"time"

	"hunting-exporter/pipeline"
)

const (
	firstWindow = int64(time.Hour / pipeline.Tick)
	growth      = 8.0 // a window is at most so many times the widest answered before
	fill        = 0.8 // of a limit that a window is meant to reach
)

// pace is what one dataset's last answers say about how wide its windows may be.
type pace struct {
	maxRows float64

	mu     sync.Mutex
	rate   float64 // rows a tick
	weight float64 // bytes a row
	widest float64 // ticks of the widest answer; 0: nothing is known yet
	bound  float64 // ticks, after answers that cost too much; 0: none

	// The byte limit differs between tenants and years. It lies between the largest
	// answer had and the smallest one refused.
	had, refused float64 // refused 0: none yet
}

// bytes is how large an answer may be expected to be.
func (p *pace) bytes() float64 {
	if p.refused == 0 {
		return math.Inf(1)
	}
	// What was refused is an estimate, what was had is a fact: without it, refusals for
	// no good reason would make windows ever narrower.
	return max(0.9*p.had, fill*p.refused)
}

// next is the width of the next window in ticks, and whether it can be trusted: if not,
// the answer should be awaited before another one is cut.
func (p *pace) next() (width int64, sure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.widest == 0 && p.rate == 0 && p.bound == 0 {
		return firstWindow, false
	}
	target := math.Inf(1)
	if p.rate > 0 {
		target = fill * p.maxRows / p.rate
		if p.weight > 0 {
			target = min(target, p.bytes()/p.weight/p.rate)
		}
	}
	most := math.Inf(1)
	if p.widest > 0 {
		most = growth * p.widest
	}
	if p.bound > 0 {
		most, sure = min(most, p.bound), true
	}
	sure = sure || target <= most
	return int64(max(1, min(target, most, float64(math.MaxInt64/2)))), sure
}

// answered takes a complete answer in. The rate rises at once and falls by steps, since
// too wide a window costs a call and too narrow a one little.
func (p *pace) answered(width int64, rows, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := float64(width)
	rate := max(float64(rows), 1) / w
	if rate < p.rate {
		rate = max(math.Sqrt(rate*p.rate), p.rate/growth)
	}
	p.rate, p.widest = rate, max(p.widest, w)
	if p.bound > 0 && w >= p.bound/2 {
		p.bound *= 1.25
	}
	// Of few rows, the Schema and what else is around them weigh too much.
	if rows > 100 || rows > 0 && p.weight == 0 {
		p.weight = float64(bytes) / float64(rows)
	}
	p.had = max(p.had, float64(bytes))
}

// overflowed takes a window in that was too wide.
func (p *pace) overflowed(width int64, k kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := float64(width)
	half := fill * p.maxRows / (w / 2) // the rate at which half of it fills the aim
	switch k {
	case tooMany:
		p.rate = max(p.rate, half)
	case tooLarge:
		if expected := p.rate * w * p.weight; expected > 0 {
			p.refused = min(expected, cmp.Or(p.refused, expected))
		} else {
			p.rate = max(p.rate, half)
		}
	default:
		if p.bound == 0 || w/2 < p.bound {
			p.bound = max(1, w/2)
		}
	}
	if p.widest > w/2 {
		p.widest = max(1, w/2)
	}
}
