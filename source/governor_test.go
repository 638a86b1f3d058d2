package source

import (
	"context"
	"errors"
	"sync"
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
			g := newGovernor(time.Now, limit{perMinute, time.Minute}, limit{perHour, time.Hour})
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for _, gap := range gaps {
						pass(t, time.Duration(gap)*time.Millisecond)
						if err := g.wait(t.Context()); err != nil {
							t.Error(err)
						}
						mu.Lock()
						calls = append(calls, time.Now())
						mu.Unlock()
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

func TestRefusalMakesEverybodyWait(t *testing.T) {
	t.Parallel()
	// Virtual time begins at midnight, 2000-01-01: a quarter of an hour is due at :15.
	for name, tt := range map[string]struct {
		e         Error
		low, high time.Duration
	}{
		"stated":   {Error{wait: 8 * time.Second}, 8 * time.Second, 8 * time.Second},
		"cpu":      {Error{cpu: true}, 15*time.Minute - 10*time.Second, 15*time.Minute - 10*time.Second},
		"cpu said": {Error{cpu: true, wait: time.Minute}, time.Minute, time.Minute},
		"nothing":  {Error{}, 3 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGovernor(time.Now, limit{45, time.Minute})
				pass(t, 10*time.Second)
				begun := time.Now()
				if _, worth := g.refused(begun, &tt.e); !worth {
					t.Fatal("not worth waiting")
				}
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						if err := g.wait(t.Context()); err != nil {
							t.Error(err)
						}
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
	synctest.Test(t, func(t *testing.T) {
		g := newGovernor(time.Now, limit{45, time.Minute})
		var last time.Duration
		for range 12 {
			pass(t, time.Second)
			last, _ = g.refused(time.Now(), &Error{})
			if last > longestBackoff {
				t.Fatalf("waits %s", last)
			}
		}
		if last != longestBackoff {
			t.Errorf("after many refusals it waits %s, want %s", last, longestBackoff)
		}
		g.succeeded()
		pass(t, time.Second)
		if d, _ := g.refused(time.Now(), &Error{}); d > 5*time.Second {
			t.Errorf("after a success it waits %s", d)
		}
	})
}

func TestRefusalsOfCallsSideBySideCountOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGovernor(time.Now, limit{45, time.Minute})
		begun := time.Now()
		pass(t, time.Second)
		first, _ := g.refused(begun, &Error{})
		for range 3 {
			if d, _ := g.refused(begun, &Error{}); d != first {
				t.Errorf("waits %s, the first one %s", d, first)
			}
		}
	})
}

func TestLimitsAreLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGovernor(time.Now, limit{45, time.Minute})
		g.refused(time.Now(), &Error{limits: limits("maximum allowed 100 per 00:01:00")})
		g.refused(time.Now(), &Error{limits: limits("maximum allowed 3 per 00:01:00"), wait: time.Second})
		g.refused(time.Now(), &Error{limits: limits("maximum allowed 7 per 01:00:00"), wait: time.Second})
		var at []time.Duration
		begun := time.Now()
		for range 8 {
			if err := g.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
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
		g := newGovernor(time.Now, limit{1, time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := g.wait(ctx); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 { // one at the head, one behind it
			wg.Go(func() {
				if err := g.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
	})
}
