package estimate

import (
	"sync/atomic"
	"testing"
)

func paceOf(rows int64) *Estimator {
	p := &Estimator{cap: &atomic.Int64{}, size: &SizeLimit{}}
	p.cap.Store(rows)
	return p
}

// TestRefusalsWithoutReasonDoNotStarve: one answer in nine is refused for its size, for
// no good reason. Windows must stay within a small factor of what they were.
func TestRefusalsWithoutReasonDoNotStarve(t *testing.T) {
	t.Parallel()
	for _, rows := range []int64{0, 1, 200} { // in 1000 ticks
		p := paceOf(1000)
		answer := func(width int64) int {
			bytes := 4000 + int(width*rows/1000)*100
			p.Answered(width, int(width*rows/1000), bytes)
			return bytes
		}
		answer(1000)
		answer(1000)
		before, _ := p.Next()
		for n := range 1000 {
			width, _ := p.Next()
			width = min(width, 1_000_000)
			if n%9 != 0 {
				answer(width)
				continue
			}
			p.Overflowed(width, false)
			p.Refused([]int{answer(width / 2), answer(width - width/2)})
		}
		if after, _ := p.Next(); after < before/20 {
			t.Errorf("%d rows: from %d ticks to %d", rows, before, after)
		}
	}
}

func TestCostBoundsAndRecovers(t *testing.T) {
	t.Parallel()
	p := paceOf(1000)
	p.Answered(10_000, 10, 1000)
	p.Overflowed(8000, false)
	if width, _ := p.Next(); width != 4000 {
		t.Errorf("after a costly answer the next window has %d ticks, want half", width)
	}
	for range 20 {
		width, _ := p.Next()
		p.Answered(width, int(width)/1000, int(width))
	}
	if width, _ := p.Next(); width < 40_000 {
		t.Errorf("never recovers: %d ticks", width)
	}
}

func TestFirstCostlyAnswerIsLearned(t *testing.T) {
	t.Parallel()
	p := paceOf(1000)
	width, sure := p.Next()
	if width != firstWindow || sure {
		t.Errorf("begins with %d, %v", width, sure)
	}
	p.Overflowed(width, false)
	if width, _ = p.Next(); width != firstWindow/2 {
		t.Errorf("goes on with %d", width)
	}
}

// TestCrumbsAreEscaped: a window of one row is refused for its size. Were that taken for
// the limit, every window from then on would hold less than a row.
func TestCrumbsAreEscaped(t *testing.T) {
	t.Parallel()
	p := paceOf(1000)
	p.Answered(1000, 1, 4100)
	p.Overflowed(1000, false)
	p.Answered(500, 1, 4100)
	p.Answered(500, 0, 4000)
	p.Refused([]int{4100, 4000})
	for range 30 {
		width, _ := p.Next()
		p.Answered(width, int(width)/1000, 4000+int(width)/10)
	}
	if width, _ := p.Next(); width < 500_000 {
		t.Errorf("still at windows of %d ticks, 800,000 fill an answer to the aim", width)
	}
}

// TestSizeLimitIsFound: whatever the limit is, it is found within a few refusals, and
// found again when it is changed.
func TestSizeLimitIsFound(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{3e6, 50e6, 50 << 20, 64e6, 80e6, 124e6} {
		var l SizeLimit
		refusals := 0
		ask := func(limit float64) (got float64) {
			want, ok := l.probe()
			if !ok {
				want = l.safe()
			}
			defer l.Probed()
			var answer func(size float64) (largest float64)
			answer = func(size float64) float64 {
				if size <= limit {
					l.accept(size)
					return size
				}
				refusals++
				largest := max(answer(size/2), answer(size/2))
				l.refuse(size, largest)
				return largest
			}
			return answer(min(want, 200e6))
		}
		for range 60 {
			ask(limit)
		}
		if got := max(ask(limit), ask(limit)); got < 0.97*limit { // one of them may be a probe
			t.Errorf("limit %.0f: answers have %.0f", limit, got)
		}
		if refusals > 10 && limit > 10e6 || refusals > 40 { // from 50 MB down: most of it at once
			t.Errorf("limit %.0f: %d refusals", limit, refusals)
		}
		for range 60 {
			ask(limit / 3)
		}
		if got := max(ask(limit/3), ask(limit/3)); got < 0.95*limit/3 || refusals > 60 {
			t.Errorf("limit lowered to %.0f: answers have %.0f, %d refusals", limit/3, got, refusals)
		}
	}
}
