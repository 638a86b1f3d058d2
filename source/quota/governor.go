package quota

import (
	"context"
	"slices"
	"sync"
	"time"

	"hunting-exporter/internal/crash"
)

// Governor gives turns to make calls: one governor for the whole tenant. It keeps the
// calls within the quota and a number of them under way at once. Who goes first is
// the queue's matter, which says what is fair.
type Governor struct {
	now func() time.Time

	mu    sync.Mutex
	quota quota
	queue queue
	slots int         // free ones; a turn takes one
	held  int         // turns whose call has not gone out: part of the quota is kept for it
	alarm *time.Timer // for when the next call may be made
}

// NewGovernor makes a governor of so many calls under way at once.
func NewGovernor(now func() time.Time, slots int, limits ...Limit) *Governor {
	return &Governor{now: now, slots: slots, quota: newQuota(limits), queue: queue{served: map[string]int64{}}}
}

// Turn is the right to make one call. Its owner must end it.
type Turn struct {
	g    *Governor
	Sent time.Time // zero: not yet
}

// Send counts the call, which goes out now.
func (t *Turn) Send() {
	g := t.g
	g.mu.Lock()
	defer g.mu.Unlock()
	t.Sent = g.now()
	g.held--
	g.quota.sent(t.Sent)
	g.dispatch()
}

// End gives the slot back, and the call too if it was not sent.
func (t *Turn) End() {
	g := t.g
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slots++
	if t.Sent.IsZero() {
		g.held--
	}
	g.dispatch()
}

// Succeeded forgets the refusals so far.
func (t *Turn) Succeeded() {
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	t.g.quota.succeeded()
}

// Refused makes everybody wait for what the refusal of the call asks for, from the end of
// the turn at the latest. It returns how long that is; false: longer than is worth it.
func (t *Turn) Refused(e Refusal) (time.Duration, bool) {
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	return t.g.quota.refused(t.g.now(), t.Sent, e)
}

// Enqueue is a place in the queue for all the calls of one query.
func (g *Governor) Enqueue(dataset string, start time.Time) *Waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.enqueue(dataset, start, g.now())
}

// Wait returns when it is w's turn. If nobody may call before the deadline of the
// context, it returns at once: the error is a *tooLateError then. Any other error is the context's.
func (g *Governor) Wait(ctx context.Context, w *Waiter) (*Turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.deadline, _ = ctx.Deadline()
	w.told = make(chan error, 1)
	g.mu.Lock()
	g.queue.join(w)
	g.dispatch()
	g.mu.Unlock()
	select {
	case err := <-w.told:
		if err != nil {
			return nil, err
		}
		return &Turn{g: g}, nil
	case <-ctx.Done():
		g.leave(w)
		return nil, ctx.Err()
	}
}

// leave takes w out of the queue. Its turn may have come at the same moment.
func (g *Governor) leave(w *Waiter) {
	g.mu.Lock()
	waited := g.queue.leave(w)
	g.mu.Unlock()
	if !waited && <-w.told == nil {
		(&Turn{g: g}).End()
	}
}

// dispatch gives turns to those who wait, as many as may call now, and sets the alarm for
// the next. Whoever changes what it goes by calls it, with the lock held.
func (g *Governor) dispatch() {
	now := g.now()
	for len(g.queue.waiting) > 0 && g.slots > 0 && g.quota.ready(now, g.held) {
		g.slots--
		g.held++
		g.queue.next().told <- nil
	}
	d := g.quota.earliest().Sub(now)
	g.dismiss(d)
	if g.alarm != nil {
		g.alarm.Stop()
	}
	// With no slot free, or with calls held, the next turn comes from send or end.
	if d > 0 && g.slots > 0 && len(g.queue.waiting) > 0 {
		g.alarm = time.AfterFunc(d, func() {
			defer crash.Exit()
			g.mu.Lock()
			defer g.mu.Unlock()
			g.dispatch()
		})
	}
}

// dismiss ends the waiting of those whose deadline comes before the next call, in d.
func (g *Governor) dismiss(d time.Duration) {
	if d <= 0 {
		return
	}
	g.queue.waiting = slices.DeleteFunc(g.queue.waiting, func(w *Waiter) bool {
		late := Beyond(w.deadline, d)
		if late {
			w.told <- g.quota.tooLate(d)
		}
		return late
	})
}

// Beyond reports whether the deadline, zero for none, is over in d. Contexts keep theirs
// by the runtime's clock, not by the one injected.
func Beyond(deadline time.Time, d time.Duration) bool {
	return !deadline.IsZero() && d >= time.Until(deadline)
}
