// Package estimate learns from answers how many rows and bytes fit into one, and cuts
// counted time by that.
package estimate

import (
	"cmp"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"hunting-exporter/hunting"
)

const (
	firstWindow = int64(time.Hour / hunting.Tick)
	growth      = 8.0   // a window that was not counted is at most so many times the widest answered
	counted     = 0.985 // of the row cap that a counted window reaches: rows may still come in
	guessed     = 0.8   // and one that was not counted
	ticksASec   = float64(time.Second / hunting.Tick)
)

// Estimator is what one dataset's last answers say about how much of it fits into one.
type Estimator struct {
	cap  *atomic.Int64 // rows that an answer has at most, of the tenant
	size *SizeLimit    // of the tenant

	mu     sync.Mutex
	rate   float64 // rows a tick
	base   float64 // bytes around the rows, the Schema most of all; 0: not known
	weight float64 // bytes a row, without base; 0: not known
	// assumed is weight as long as that is not known.
	assumed float64
	spread  float64 // by how much, relatively, answers differ from weight
	widest  float64 // ticks of the widest answer; 0: nothing is known yet
	bound   float64 // ticks, after answers that were too large or too costly; 0: none
	// unsettled are pieces under way of which a part was refused for its size.
	unsettled int
}

// New is the estimator of a dataset of which nothing is known but what a row may have in bytes.
func New(cap *atomic.Int64, size *SizeLimit, assumed float64) *Estimator {
	return &Estimator{cap: cap, size: size, assumed: assumed}
}

// Rows is how many rows a window may count, and whether their size is known: if not,
// the next answer should be awaited before more windows are cut.
func (p *Estimator) Rows() (most int64, sure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(max(1, p.target(counted, p.size.safe()))), p.weight > 0 && p.unsettled == 0
}

// Probe is more rows than Rows gives, to find out whether the API delivers them. ok is
// false where that is known or does not matter; else size.probed must follow.
func (p *Estimator) Probe() (most int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.weight == 0 || p.target(counted, p.size.safe()) >= p.target(counted, math.Inf(1)) {
		return 0, false
	}
	size, ok := p.size.probe()
	return int64(max(1, p.target(counted, size))), ok
}

// target is the number of rows to aim at below a size. Sizes scatter, so their limit is
// approached by as much less as they do.
func (p *Estimator) target(fill, size float64) float64 {
	most := float64(p.cap.Load())
	rows := fill * most
	if weight := cmp.Or(p.weight, p.assumed); weight > 0 && !math.IsInf(size, 1) {
		margin := max(0.8, 1-3*p.spread)
		// Not below some rows: a refusal for no good reason must not end in crumbs.
		rows = min(rows, max(margin*size/weight, most/1000, 8))
	}
	return rows
}

// Next is the width in ticks of the next window that was not counted, and whether it
// can be trusted: if not, the answer should be awaited before another one is cut.
func (p *Estimator) Next() (width int64, sure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.widest == 0 && p.rate == 0 && p.bound == 0 {
		return firstWindow, false
	}
	target := math.Inf(1)
	if p.rate > 0 {
		target = p.target(guessed, p.size.safe()) / p.rate
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

// Fits reports whether a window that was not counted can be expected to fit into one answer.
func (p *Estimator) Fits(width int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		return width <= firstWindow
	}
	return float64(width)*p.rate <= p.target(guessed, p.size.safe())
}

// Answered takes a complete answer in. The rate rises at once and falls by steps, since
// too wide a window costs a call and too narrow a one little.
func (p *Estimator) Answered(width int64, rows, bytes int) {
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
	p.weigh(rows, bytes)
}

// weigh takes the size of an answer in.
func (p *Estimator) weigh(rows, bytes int) {
	if rows <= 10 {
		p.base = min(float64(bytes), cmp.Or(p.base, float64(bytes)))
	}
	net := float64(bytes) - p.base
	p.size.accept(net)
	if rows == 0 || net <= 0 {
		return
	}
	weight := net / float64(rows)
	if p.weight > 0 && rows >= 1000 {
		p.spread = 0.8*p.spread + 0.2*math.Abs(weight/p.weight-1)
		weight = (weight + p.weight) / 2
	}
	p.weight = weight
}

// Unsettle and Settle frame the time in which a piece that was refused for its size is
// fetched in parts, which will tell how large it is.
func (p *Estimator) Unsettle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsettled++
}

// Settle ends what Unsettle began.
func (p *Estimator) Settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsettled--
}

// Refused takes in how large the parts of a piece were that was refused as too large.
func (p *Estimator) Refused(sizes []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sum, largest float64
	for _, s := range sizes {
		net := float64(s) - p.base
		sum, largest = sum+net, max(largest, net)
	}
	p.size.refuse(max(1, sum), largest)
}

// Overflowed takes a window in that was too wide: it had too many rows, or was too large or costly.
func (p *Estimator) Overflowed(width int64, rows bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := float64(width)
	switch {
	case rows:
		p.rate = max(p.rate, guessed*float64(p.cap.Load())/(w/2)) // at which half of it fills the aim
	case p.bound == 0 || w/2 < p.bound:
		p.bound = max(1, w/2)
	}
	if p.widest > w/2 {
		p.widest = max(1, w/2)
	}
}

// Recall takes in what earlier runs have learned, unless this one knows better.
func (p *Estimator) Recall(s hunting.Estimate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 && s.Rate > 0 {
		p.rate = s.Rate / ticksASec
	}
	if p.weight == 0 {
		p.weight = s.Weight
	}
	p.size.recall(s.Accepted, s.Refused)
}

// Known is what later runs should know.
func (p *Estimator) Known() hunting.Estimate {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := hunting.Estimate{Rate: p.rate * ticksASec, Weight: p.weight}
	s.Accepted, s.Refused = p.size.bounds()
	return s
}
