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
	// probe raises a learned size limit with each answer that comes near it: a refusal
	// can have another reason, and what is never tried is never disproved.
	probe = 1.004
)

// pace is what one dataset's last answers say about how wide its windows may be.
type pace struct {
	maxRows float64

	mu     sync.Mutex
	rate   float64 // rows a tick
	base   float64 // bytes around the rows, the Schema most of all; 0: not known
	weight float64 // bytes a row, without base
	widest float64 // ticks of the widest answer; 0: nothing is known yet
	bound  float64 // ticks, after answers that were too large or too costly; 0: none

	// refused is the size, without base, of the smallest answer refused for its size,
	// known once its parts have come; 0: none. The limit differs between tenants and years.
	refused  float64
	accepted float64 // size, without base, of the largest answer so far
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
		if p.weight > 0 && p.refused > 0 {
			// Not below some rows: a refusal for no good reason must not end in crumbs.
			target = min(target, max(fill*p.refused/p.weight, p.maxRows/100)/p.rate)
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
		p.bound = 1.5 * max(p.bound, w)
	}
	if rows <= 10 {
		p.base = min(float64(bytes), cmp.Or(p.base, float64(bytes)))
	}
	net := float64(bytes) - p.base
	p.accepted = max(p.accepted, net)
	if rows > 0 && net > 0 {
		p.weight = net / float64(rows)
	}
	switch {
	case net > p.refused:
		p.refused = 0 // that was not the limit
	case net > p.refused/2:
		p.refused *= probe
	}
}

// refusedAs takes in how large the parts of a window were that was refused as too large.
func (p *pace) refusedAs(bytes, parts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	net := max(1, float64(bytes)-float64(parts)*p.base)
	if net > p.accepted { // otherwise it was refused for another reason
		p.refused = min(net, cmp.Or(p.refused, net))
	}
}

// overflowed takes a window in that was too wide.
func (p *pace) overflowed(width int64, k kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := float64(width)
	switch {
	case k == tooMany:
		p.rate = max(p.rate, fill*p.maxRows/(w/2)) // at which half of it fills the aim
	case p.bound == 0 || w/2 < p.bound:
		p.bound = max(1, w/2)
	}
	if p.widest > w/2 {
		p.widest = max(1, w/2)
	}
}
