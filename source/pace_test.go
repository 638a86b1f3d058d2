package source

import "testing"

// TestRefusalsWithoutReasonDoNotStarve: one answer in nine is refused for its size, for
// no good reason. Windows must stay within a small factor of what they were.
func TestRefusalsWithoutReasonDoNotStarve(t *testing.T) {
	t.Parallel()
	for _, rows := range []int64{0, 1, 200} { // in 1000 ticks
		p := &pace{maxRows: 1000}
		answer := func(width int64) int {
			bytes := 4000 + int(width*rows/1000)*100
			p.answered(width, int(width*rows/1000), bytes)
			return bytes
		}
		answer(1000)
		answer(1000)
		before, _ := p.next()
		for n := range 1000 {
			width, _ := p.next()
			width = min(width, 1_000_000)
			if n%9 != 0 {
				answer(width)
				continue
			}
			p.overflowed(width, tooLarge)
			p.refusedAs(answer(width/2)+answer(width-width/2), 2)
		}
		if after, _ := p.next(); after < before/20 {
			t.Errorf("%d rows: from %d ticks to %d", rows, before, after)
		}
	}
}

func TestCostBoundsAndRecovers(t *testing.T) {
	t.Parallel()
	p := &pace{maxRows: 1000}
	p.answered(10_000, 10, 1000)
	p.overflowed(8000, tooCostly)
	if width, _ := p.next(); width != 4000 {
		t.Errorf("after a costly answer the next window has %d ticks, want half", width)
	}
	for range 20 {
		width, _ := p.next()
		p.answered(width, int(width)/1000, int(width))
	}
	if width, _ := p.next(); width < 40_000 {
		t.Errorf("never recovers: %d ticks", width)
	}
}

func TestFirstCostlyAnswerIsLearned(t *testing.T) {
	t.Parallel()
	p := &pace{maxRows: 1000}
	width, sure := p.next()
	if width != firstWindow || sure {
		t.Errorf("begins with %d, %v", width, sure)
	}
	p.overflowed(width, tooCostly)
	if width, _ = p.next(); width != firstWindow/2 {
		t.Errorf("goes on with %d", width)
	}
}

// TestCrumbsAreEscaped: a window of one row is refused for its size. Were that taken for
// the limit, every window from then on would hold less than a row.
func TestCrumbsAreEscaped(t *testing.T) {
	t.Parallel()
	p := &pace{maxRows: 1000}
	p.answered(1000, 1, 4100)
	p.overflowed(1000, tooLarge)
	p.answered(500, 1, 4100)
	p.answered(500, 0, 4000)
	p.refusedAs(8100, 2)
	for range 30 {
		width, _ := p.next()
		p.answered(width, int(width)/1000, 4000+int(width)/10)
	}
	if width, _ := p.next(); width < 500_000 {
		t.Errorf("still at windows of %d ticks, 800,000 fill an answer to the aim", width)
	}
}
