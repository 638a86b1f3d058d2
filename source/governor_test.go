package source

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// pass lets virtual time pass.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	if err := sleep(t.Context(), d); err != nil {
		t.Error(err)
	}
}

func TestQuotaIsNeverExceeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		callers := rapid.IntRange(1, 5).Draw(rt, "callers")
		perMinute := rapid.IntRange(1, 50).Draw(rt, "a minute")
		perHour := rapid.IntRange(perMinute, 300).Draw(rt, "an hour")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 20_000), 1, 60).Draw(rt, "gaps")
		var calls []time.Time
		synctest.Test(t, func(t *testing.T) {
			g := newGovernor(time.Now, 3, limit{perMinute, time.Minute}, limit{perHour, time.Hour})
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for _, gap := range gaps {
						pass(t, time.Duration(gap)*time.Millisecond)
						turn, err := g.wait(t.Context(), g.place(place{}))
						if err != nil {
							t.Error(err)
							return
						}
						pass(t, time.Duration(gap)*time.Microsecond) // for a token
						turn.send()
						mu.Lock()
						calls = append(calls, time.Now())
						mu.Unlock()
						turn.end()
					}
				})
			}
			wg.Wait()
		})
		for _, l := range []limit{{perMinute, time.Minute}, {perHour, time.Hour}} {
			for i := l.calls; i < len(calls); i++ {
				if d := calls[i].Sub(calls[i-l.calls]); d <= l.per {
					rt.Fatalf("%d calls within %s, the quota is %d in %s", l.calls+1, d, l.calls, l.per)
				}
			}
		}
	})
}

// sent makes a call that is answered at once.
func sent(t *testing.T, g *governor) *turn {
	t.Helper()
	turn, err := g.wait(t.Context(), g.place(place{}))
	if err != nil {
		t.Fatal(err)
	}
	turn.send()
	turn.end()
	return turn
}

func TestRefusalMakesEverybodyWait(t *testing.T) {
	t.Parallel()
	// Virtual time begins at midnight, 2000-01-01: a quarter of an hour is due at :15.
	for name, tt := range map[string]struct {
		e         Error
		low, high time.Duration
	}{
		"stated":   {Error{wait: 8 * time.Second}, 9 * time.Second, 9 * time.Second},
		"cpu":      {Error{cpu: true}, 15*time.Minute - 9*time.Second, 15*time.Minute - 9*time.Second},
		"cpu said": {Error{cpu: true, wait: time.Minute}, 61 * time.Second, 61 * time.Second},
		"nothing":  {Error{}, 3 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGovernor(time.Now, 4, limit{45, time.Minute})
				pass(t, 10*time.Second)
				begun := time.Now()
				if _, worth := sent(t, g).refused(&tt.e); !worth {
					t.Fatal("not worth waiting")
				}
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						sent(t, g)
						if d := time.Since(begun); d < tt.low || d > tt.high {
							t.Errorf("waited %s, want %s to %s", d, tt.low, tt.high)
						}
					})
				}
				wg.Wait()
			})
		})
	}
}

func TestBackoffGrowsToItsCapAndIsForgotten(t *testing.T) {
	t.Parallel()
	q := newQuota(nil)
	now := midnight
	var last time.Duration
	for range 12 {
		now = now.Add(time.Second)
		last, _ = q.refused(now, now, &Error{})
		if last > longestBackoff {
			t.Fatalf("waits %s", last)
		}
	}
	if last != longestBackoff {
		t.Errorf("after many refusals it waits %s, want %s", last, longestBackoff)
	}
	q.succeeded()
	now = now.Add(time.Second)
	if d, _ := q.refused(now, now, &Error{}); d > 5*time.Second {
		t.Errorf("after a success it waits %s", d)
	}
}

func TestRefusalsOfCallsSideBySideCountOnce(t *testing.T) {
	t.Parallel()
	q := newQuota(nil)
	now := midnight.Add(time.Second)
	first, _ := q.refused(now, midnight, &Error{})
	for range 3 {
		if d, _ := q.refused(now, midnight, &Error{}); d != first {
			t.Errorf("waits %s, the first one %s", d, first)
		}
	}
}

// TestPatienceEnds: only when nothing but refusals came for two hours, and a break starts
// it anew.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	q := newQuota(nil)
	now := midnight
	refuse := func() bool {
		d, worth := q.refused(now, now, &Error{wait: 10 * time.Minute})
		now = now.Add(d)
		return worth
	}
	for range 10 {
		if !refuse() {
			t.Fatalf("given up after %s", now.Sub(midnight))
		}
	}
	q.succeeded()
	for range 10 {
		if !refuse() {
			t.Fatal("given up although a call had succeeded")
		}
	}
	refuse()
	before := q.until
	if refuse() || q.until != before {
		t.Error("still waits after two hours of refusals")
	}
	now = now.Add(3 * time.Hour)
	if !refuse() {
		t.Error("refusals of long ago count")
	}
}

func TestLimitsAreLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGovernor(time.Now, 4, limit{45, time.Minute})
		begun := time.Now()
		first := sent(t, g)
		first.refused(&Error{limits: limits("maximum allowed 100 per 00:01:00"), wait: time.Second})
		first.refused(&Error{limits: limits("maximum allowed 3 per 00:01:00"), wait: time.Second})
		first.refused(&Error{limits: limits("maximum allowed 7 per 01:00:00"), wait: time.Second})
		at := []time.Duration{0} // calls made before a limit is learned count
		for range 7 {
			sent(t, g)
			at = append(at, time.Since(begun))
		}
		if d := at[3] - at[0]; d <= time.Minute {
			t.Errorf("four calls within %s", d)
		}
		if d := at[7] - at[0]; d <= time.Hour {
			t.Errorf("eight calls within %s", d)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGovernor(time.Now, 1, limit{100, time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		slow, err := g.wait(ctx, g.place(place{}))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := g.wait(ctx, g.place(place{}))
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrThrottled) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		slow.end()
		sent(t, g)
	})
}

// TestDeadlineBeforeTheNextCallEndsTheWaiting: at once, and only of those whose deadline it is.
func TestDeadlineBeforeTheNextCallEndsTheWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGovernor(time.Now, 1, limit{2, time.Minute})
		begun := time.Now()
		sent(t, g)
		pass(t, 10*time.Second)
		wait := func(left time.Duration) (time.Duration, error) {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			turn, err := g.wait(ctx, g.place(place{}))
			if err == nil {
				defer turn.end()
				turn.send()
			}
			return time.Since(begun), err
		}
		if at, err := wait(time.Second); err != nil || at != 10*time.Second {
			t.Fatalf("after %s: %v", at, err)
		}
		// The next one may be made at 61 s.
		at, err := wait(51 * time.Second)
		if at != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrThrottled) {
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
			if at != 61*time.Second || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrThrottled) {
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
			g := newGovernor(time.Now, slots, limit{perMinute, time.Minute})
			var wg sync.WaitGroup
			for i, w := range all {
				wg.Go(func() {
					pass(t, time.Duration(w.come)*time.Second)
					ctx, cancel := context.WithCancel(t.Context())
					if i%3 > 0 {
						time.AfterFunc(time.Duration(w.leaves)*time.Second, cancel)
					}
					defer cancel()
					turn, err := g.wait(ctx, g.place(placeOf(i%4, i)))
					if err != nil {
						if !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
						return
					}
					defer turn.end()
					pass(t, time.Duration(w.takes)*time.Second)
					if i%4 > 0 { // else no token was to be had
						turn.send()
					}
				})
			}
			wg.Wait()
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
		g := newGovernor(time.Now, 1, limit{1000, time.Minute})
		for i := range 50 {
			slow, err := g.wait(t.Context(), g.place(place{}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if turn, err := g.wait(ctx, g.place(place{})); err == nil {
					turn.end()
				}
			}()
			synctest.Wait()
			if i%2 > 0 {
				cancel()
			}
			slow.end()
			cancel()
			sent(t, g)
		}
	})
}

// TestNextTurnDoesNotWaitForTheCallUnderWay when a slot is free.
func TestNextTurnDoesNotWaitForTheCallUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGovernor(time.Now, 2, limit{1, time.Minute})
		begun := time.Now()
		slow, err := g.wait(t.Context(), g.place(place{}))
		if err != nil {
			t.Fatal(err)
		}
		defer slow.end()
		time.AfterFunc(10*time.Second, slow.send) // its token has come
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
		g := newGovernor(func() time.Time { looks.Add(1); return time.Now() }, 2, limit{1, time.Hour})
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
