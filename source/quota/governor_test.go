package quota

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// pass lets virtual time pass.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	time.Sleep(d) // of a bubble
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
			g := NewGovernor(time.Now, 3, Limit{perMinute, time.Minute}, Limit{perHour, time.Hour})
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for _, gap := range gaps {
						pass(t, time.Duration(gap)*time.Millisecond)
						turn, err := g.Wait(t.Context(), g.Enqueue("", time.Time{}))
						if err != nil {
							t.Error(err)
							return
						}
						pass(t, time.Duration(gap)*time.Microsecond) // for a token
						turn.Send()
						mu.Lock()
						calls = append(calls, time.Now())
						mu.Unlock()
						turn.End()
					}
				})
			}
			wg.Wait()
		})
		for _, l := range []Limit{{perMinute, time.Minute}, {perHour, time.Hour}} {
			for i := l.Calls; i < len(calls); i++ {
				if d := calls[i].Sub(calls[i-l.Calls]); d <= l.Per {
					rt.Fatalf("%d calls within %s, the quota is %d in %s", l.Calls+1, d, l.Calls, l.Per)
				}
			}
		}
	})
}

// sent makes a call that is answered at once.
func sent(t *testing.T, g *Governor) *Turn {
	t.Helper()
	turn, err := g.Wait(t.Context(), g.Enqueue("", time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	turn.Send()
	turn.End()
	return turn
}

func TestRefusalMakesEverybodyWait(t *testing.T) {
	t.Parallel()
	// Virtual time begins at midnight, 2000-01-01: a quarter of an hour is due at :15.
	for name, tt := range map[string]struct {
		e         Refusal
		low, high time.Duration
	}{
		"stated":   {Refusal{Wait: 8 * time.Second}, 9 * time.Second, 9 * time.Second},
		"cpu":      {Refusal{CPU: true}, 15*time.Minute - 9*time.Second, 15*time.Minute - 9*time.Second},
		"cpu said": {Refusal{CPU: true, Wait: time.Minute}, 61 * time.Second, 61 * time.Second},
		"nothing":  {Refusal{}, 3 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := NewGovernor(time.Now, 4, Limit{45, time.Minute})
				pass(t, 10*time.Second)
				begun := time.Now()
				if _, worth := sent(t, g).Refused(tt.e); !worth {
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
		last, _ = q.refused(now, now, Refusal{})
		if last > LongestBackoff {
			t.Fatalf("waits %s", last)
		}
	}
	if last != LongestBackoff {
		t.Errorf("after many refusals it waits %s, want %s", last, LongestBackoff)
	}
	q.succeeded()
	now = now.Add(time.Second)
	if d, _ := q.refused(now, now, Refusal{}); d > 5*time.Second {
		t.Errorf("after a success it waits %s", d)
	}
}

func TestRefusalsOfCallsSideBySideCountOnce(t *testing.T) {
	t.Parallel()
	q := newQuota(nil)
	now := midnight.Add(time.Second)
	first, _ := q.refused(now, midnight, Refusal{})
	for range 3 {
		if d, _ := q.refused(now, midnight, Refusal{}); d != first {
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
		d, worth := q.refused(now, now, Refusal{Wait: 10 * time.Minute})
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
		g := NewGovernor(time.Now, 4, Limit{45, time.Minute})
		begun := time.Now()
		first := sent(t, g)
		first.Refused(Refusal{Limits: Limits("maximum allowed 100 per 00:01:00"), Wait: time.Second})
		first.Refused(Refusal{Limits: Limits("maximum allowed 3 per 00:01:00"), Wait: time.Second})
		first.Refused(Refusal{Limits: Limits("maximum allowed 7 per 01:00:00"), Wait: time.Second})
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
