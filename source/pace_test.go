package source

import "testing"

// TestRefusalsWithoutReasonDoNotStarve: size refusals come out of nowhere while every
// answer is well below any limit; windows must stay about as wide as they were.
func TestRefusalsWithoutReasonDoNotStarve(t *testing.T) {
	t.Parallel()
	p := &pace{maxRows: 1000}
	p.answered(1000, 100, 10_000)
	before, _ := p.next()
	for range 100 {
		width, _ := p.next()
		p.overflowed(width, tooLarge)
		p.answered(width/2, int(width/2)/10, int(width/2)*10)
		p.answered(width/2, int(width/2)/10, int(width/2)*10)
	}
	if after, _ := p.next(); after < before/4 {
		t.Errorf("from %d ticks to %d", before, after)
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
