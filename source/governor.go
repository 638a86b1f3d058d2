package source

import (
	"context"
	"sync"
	"time"

	"github.com/sethvargo/go-retry"
)

const (
	// margin widens a limit's stretch: calls may be held up on their way unevenly.
	margin = time.Second
	// longestBackoff caps waits that nobody asked for.
	longestBackoff = 15 * time.Minute
	// longestStated is the longest wait asked for that is worth a running process.
	longestStated = time.Hour
)

// governor keeps the calls of the tenant within its quota. It remembers when calls were
// made rather than filling buckets: any 60 s hold at most the calls allowed, and a
// short run still makes its calls at once.
type governor struct {
	now  func() time.Time
	turn chan struct{} // held by who waits at the head: first come, first served

	mu      sync.Mutex
	limits  []limit
	calls   []time.Time   // of the longest limit's stretch, in order
	until   time.Time     // nobody calls before
	paused  time.Time     // when until was last set by a refusal
	backoff retry.Backoff // of refusals that state no wait
}

func newGovernor(now func() time.Time, limits ...limit) *governor {
	g := &governor{now: now, turn: make(chan struct{}, 1), backoff: quotaBackoff()}
	for _, l := range limits {
		g.learn(l)
	}
	return g
}

func quotaBackoff() retry.Backoff {
	return retry.WithCappedDuration(longestBackoff, retry.WithJitterPercent(20, retry.NewExponential(4*time.Second)))
}

// wait returns when one more call may be made, and counts it.
func (g *governor) wait(ctx context.Context) error {
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.turn }()
	for {
		d := g.take()
		if d <= 0 {
			return ctx.Err()
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

// take counts a call and returns 0, or returns how long to wait before asking again.
func (g *governor) take() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	free := g.until
	longest := time.Duration(0)
	for _, l := range g.limits {
		longest = max(longest, l.per+margin)
		if len(g.calls) < l.calls {
			continue
		}
		if at := g.calls[len(g.calls)-l.calls].Add(l.per + margin); at.After(free) {
			free = at
		}
	}
	if free.After(now) {
		return free.Sub(now)
	}
	old := 0
	for old < len(g.calls) && now.Sub(g.calls[old]) >= longest {
		old++
	}
	g.calls = append(g.calls[old:], now)
	return 0
}

// succeeded forgets the refusals so far.
func (g *governor) succeeded() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.backoff = quotaBackoff()
}

// refused makes everybody wait for what a refusal of a call begun then asks for, and
// returns how long that is; false: longer than is worth it.
func (g *governor) refused(begun time.Time, e *Error) (time.Duration, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range e.limits {
		g.learn(l)
	}
	now, d := g.now(), e.wait
	switch {
	case d > longestStated:
		return d, false
	case d > 0:
	case e.cpu:
		const cycle = 15 * time.Minute
		d = now.Truncate(cycle).Add(cycle).Sub(now)
	case !begun.After(g.paused):
		// Under way before the last refusal came: it says nothing new.
		return max(0, g.until.Sub(now)), true
	default:
		d, _ = g.backoff.Next()
	}
	g.paused = now
	if until := now.Add(d); until.After(g.until) {
		g.until = until
	}
	return d, true
}

// learn takes a limit on, unless a lower one for the same stretch is known.
func (g *governor) learn(l limit) {
	for i, known := range g.limits {
		if known.per == l.per {
			g.limits[i].calls = min(known.calls, l.calls)
			return
		}
	}
	g.limits = append(g.limits, l)
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
