package quota

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"

	"pgregory.net/rapid"
)

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(time.Now, 1, Limit{100, time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		slow, err := g.Wait(ctx, g.Enqueue("", time.Time{}))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := g.Wait(ctx, g.Enqueue("", time.Time{}))
				if !errors.Is(err, context.DeadlineExceeded) || tooLate(err) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		slow.End()
		sent(t, g)
	})
}

// TestDeadlineBeforeTheNextCallEndsTheWaiting: at once, and only of those whose deadline it is.
func TestDeadlineBeforeTheNextCallEndsTheWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(time.Now, 1, Limit{2, time.Minute})
		begun := time.Now()
		sent(t, g)
		pass(t, 10*time.Second)
		wait := func(left time.Duration) (time.Duration, error) {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			turn, err := g.Wait(ctx, g.Enqueue("", time.Time{}))
			if err == nil {
				defer turn.End()
				turn.Send()
			}
			return time.Since(begun), err
		}
		if at, err := wait(time.Second); err != nil || at != 10*time.Second {
			t.Fatalf("after %s: %v", at, err)
		}
		// The next one may be made at 61 s.
		at, err := wait(51 * time.Second)
		if at != 10*time.Second || !tooLate(err) {
			t.Errorf("after %s: %v", at, err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if at, err := wait(52 * time.Second); at != 61*time.Second || err != nil {
				t.Errorf("after %s: %v", at, err)
			}
		})
		synctest.Wait()
		wg.Go(func() { // behind it, so not before 71 s: known when the other one has gone
			at, err := wait(55 * time.Second)
			if at != 61*time.Second || !tooLate(err) {
				t.Errorf("after %s: %v", at, err)
			}
		})
		wg.Wait()
	})
}

// TestCancelledWaitersLoseNothing: whenever they go, the others get their turns, and all
// slots and calls are there in the end.
func TestCancelledWaitersLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		slots := rapid.IntRange(1, 3).Draw(rt, "slots")
		perMinute := rapid.IntRange(1, 20).Draw(rt, "a minute")
		// Whole seconds, so that a turn and the end of a waiter often meet.
		second := rapid.IntRange(0, 130)
		type one struct{ come, takes, leaves int }
		all := make([]one, rapid.IntRange(1, 30).Draw(rt, "waiters"))
		for i := range all {
			all[i] = one{second.Draw(rt, "comes"), second.Draw(rt, "takes") / 20, second.Draw(rt, "leaves after")}
		}
		synctest.Test(t, func(t *testing.T) {
			g := NewGovernor(time.Now, slots, Limit{perMinute, time.Minute})
			var wg sync.WaitGroup
			for i, w := range all {
				wg.Go(func() {
					pass(t, time.Duration(w.come)*time.Second)
					ctx, cancel := context.WithCancel(t.Context())
					if i%3 > 0 {
						time.AfterFunc(time.Duration(w.leaves)*time.Second, cancel)
					}
					defer cancel()
					turn, err := g.Wait(ctx, g.Enqueue(placeOf(i%4, i)))
					if err != nil {
						if !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
						return
					}
					defer turn.End()
					pass(t, time.Duration(w.takes)*time.Second)
					if i%4 > 0 { // else no token was to be had
						turn.Send()
					}
				})
			}
			wg.Wait()
			g.mu.Lock() // an alarm may have been the last to use it
			defer g.mu.Unlock()
			if g.slots != slots || g.held != 0 || len(g.queue.waiting) != 0 {
				rt.Errorf("%d slots of %d, %d held, %d waiting", g.slots, slots, g.held, len(g.queue.waiting))
			}
		})
	})
}

// TestTurnThatComesWithTheEndOfTheWaiterIsGivenOn: whichever of the two it sees.
func TestTurnThatComesWithTheEndOfTheWaiterIsGivenOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(time.Now, 1, Limit{1000, time.Minute})
		for i := range 50 {
			slow, err := g.Wait(t.Context(), g.Enqueue("", time.Time{}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if turn, err := g.Wait(ctx, g.Enqueue("", time.Time{})); err == nil {
					turn.End()
				}
			}()
			synctest.Wait()
			if i%2 > 0 {
				cancel()
			}
			slow.End()
			cancel()
			sent(t, g)
		}
	})
}

// TestNextTurnDoesNotWaitForTheCallUnderWay when a slot is free.
func TestNextTurnDoesNotWaitForTheCallUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(time.Now, 2, Limit{1, time.Minute})
		begun := time.Now()
		slow, err := g.Wait(t.Context(), g.Enqueue("", time.Time{}))
		if err != nil {
			t.Fatal(err)
		}
		defer slow.End()
		time.AfterFunc(10*time.Second, slow.Send) // its token has come
		sent(t, g)
		if d := time.Since(begun); d != 71*time.Second {
			t.Errorf("went after %s", d)
		}
	})
}

// TestNobodyIsBusyWaiting: waiting an hour takes a few looks at the clock.
func TestNobodyIsBusyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int64
		g := NewGovernor(func() time.Time { looks.Add(1); return time.Now() }, 2, Limit{1, time.Hour})
		begun := time.Now()
		sent(t, g)
		before := looks.Load()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { sent(t, g) })
		}
		wg.Wait()
		if d := time.Since(begun); d < 10*time.Hour {
			t.Fatalf("took %s", d)
		}
		if n := looks.Load() - before; n > 100 {
			t.Errorf("%d looks at the clock for 10 calls", n)
		}
	})
}

// tooLate reports whether the quota allowed no call in time.
func tooLate(err error) bool {
	var late *TooLateError
	return errors.As(err, &late) && errors.Is(err, hunting.ErrTooLate)
}
