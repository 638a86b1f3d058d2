package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/source/quota"

	"pgregory.net/rapid"
)

// storm is an API that keeps its quota by a sliding window of its own and refuses calls at
// random besides. Refused calls count as calls. Its clock is off, and calls take up to a
// second to arrive, each another time.
type storm struct {
	limits  []quota.Limit
	refuses float64       // the share of calls refused at random
	texts   []string      // of those refusals
	cpu     bool          // the CPU share is used up in the third quarter of each hour
	off     time.Duration // its clock against that of the client
	takes   time.Duration // the longest a query runs

	mu       sync.Mutex
	random   *rand.Rand
	arrivals []time.Time
	over     int           // calls over the quota
	stopped  time.Time     // by the refusals so far, nobody calls before
	stops    time.Duration // all of the time in which nobody may call
}

func (s *storm) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := sleep(req.Context(), s.upTo(time.Second)); err != nil {
		return nil, err
	}
	if resp := s.refusal(); resp != nil {
		return resp, nil
	}
	if err := sleep(req.Context(), s.upTo(s.takes)); err != nil {
		return nil, err
	}
	return noRows(), nil
}

func (s *storm) upTo(d time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.random.Int64N(int64(max(d, 1))))
}

// refusal counts a call and refuses it, or not.
func (s *storm) refusal() *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().Add(s.off)
	s.arrivals = append(s.arrivals, now)
	for _, l := range s.limits {
		if i := len(s.arrivals) - 1 - l.Calls; i >= 0 && now.Sub(s.arrivals[i]) < l.Per {
			s.over++
			return said429(legacyError("429", "API calls quota exceeded!"), "")
		}
	}
	if s.shareIsUsedUp(now) {
		end := now.Truncate(quarter).Add(quarter)
		s.stop(now, end)
		text := "You have exceeded processing resources allocated to this tenant."
		if s.random.IntN(2) == 0 {
			d := end.Sub(now)
			text += fmt.Sprintf(" You can run queries again in 00:%02d:%02d.", int(d.Minutes()), int(d.Seconds())%60)
		}
		return said429(graphError("TooManyRequests", text), "")
	}
	if s.random.Float64() >= s.refuses {
		return nil
	}
	text := s.texts[s.random.IntN(len(s.texts))]
	s.stop(now, now.Add(quota.Stated("", text, now)))
	return said429(legacyError("429", text), "")
}

const quarter = 15 * time.Minute

func (s *storm) shareIsUsedUp(now time.Time) bool { return s.cpu && now.Minute()/15 == 2 }

// stop notes that nobody may call until then.
func (s *storm) stop(now, until time.Time) {
	if s.stopped.Before(now) {
		s.stopped = now
	}
	if until.After(s.stopped) {
		s.stops += until.Sub(s.stopped)
		s.stopped = until
	}
}

var (
	perMinute = quota.Limit{Calls: 45, Per: time.Minute}
	perHour   = quota.Limit{Calls: 1500, Per: time.Hour}
	anyText   = []string{
		"",
		"API calls quota exceeded! maximum allowed 45 per 00:01:00",
		"API calls quota exceeded! maximum allowed 45 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 8 seconds.",
		"API calls quota exceeded! maximum allowed 1500 per 01:00:00. You can send requests again in 00:00:31.",
		"You have exceeded processing resources allocated to this tenant. You can run queries again in 00:02:10.",
		"Rate limit is exceeded. Try again in 1 minutes and 30 seconds.",
	}
)

// weather runs queries of several datasets, one dataset far behind, and returns how long
// they took. Everything must be answered.
func weather(t *testing.T, s *storm, datasets, queries int) time.Duration {
	t.Helper()
	var took time.Duration
	synctest.Test(t, func(t *testing.T) { // fails on a goroutine that stays
		s.random = rand.New(rand.NewPCG(1, uint64(queries)))
		c := over(t, s, func(c *Config) {
			for _, l := range s.limits {
				switch l.Per {
				case time.Minute:
					c.CallsPerMinute = l.Calls
				case time.Hour:
					c.CallsPerHour = l.Calls
				}
			}
		})
		begun := time.Now()
		var wg sync.WaitGroup
		for i := range datasets * 3 { // each fetches ahead
			wg.Go(func() {
				for n := range queries / 3 {
					if _, err := c.fetch(t.Context(), placeAt(i%datasets, n), request{}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		took = time.Since(begun)
	})
	for _, l := range s.limits {
		if n := mostIn(s.arrivals, l.Per); n > l.Calls {
			t.Errorf("%d calls within %s, the quota is %d", n, l.Per, l.Calls)
		}
	}
	if s.over > 0 {
		t.Errorf("%d calls over the quota", s.over)
	}
	return took
}

func TestThrottleStorm(t *testing.T) {
	t.Parallel()
	const datasets, queries = 8, 240
	for name, s := range map[string]*storm{
		"quota":             {limits: []quota.Limit{perMinute}},
		"hour quota":        {limits: []quota.Limit{perMinute, perHour}},
		"CPU share":         {limits: []quota.Limit{perMinute}, cpu: true, off: -900 * time.Millisecond},
		"storm":             {limits: []quota.Limit{perMinute}, cpu: true, refuses: 0.5, off: 20 * time.Second},
		"storm, hour quota": {limits: []quota.Limit{perMinute, perHour}, cpu: true, refuses: 0.5, off: -900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.takes, s.texts = 5*time.Second, anyText
			took := weather(t, s, datasets, queries)
			least := s.least(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) // when virtual time begins
			t.Logf("%d queries, %d calls: took %.1f min, the least is %.1f", datasets*queries, len(s.arrivals), took.Minutes(), least.Minutes())
			if took > least*105/100 {
				t.Errorf("took %s, the least is %s", took, least)
			}
		})
	}
}

// least is how long as many calls take whoever knows the limits and the API's clock.
func (s *storm) least(begun time.Time) time.Duration {
	at := make([]time.Time, len(s.arrivals))
	now := begun.Add(s.off)
	for i := range at {
		for _, l := range s.limits {
			if i >= l.Calls && now.Sub(at[i-l.Calls]) < l.Per {
				now = at[i-l.Calls].Add(l.Per)
			}
		}
		if s.shareIsUsedUp(now) {
			now = now.Truncate(quarter).Add(quarter)
		}
		at[i] = now
	}
	return max(now.Sub(begun.Add(s.off)), s.stops)
}

func TestStormWithADeadlineEndsByThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &storm{
			limits: []quota.Limit{perMinute}, cpu: true, refuses: 0.5, texts: anyText, takes: time.Second,
			random: rand.New(rand.NewPCG(1, 2)),
		}
		c := over(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 42*time.Minute) // while the CPU share is used up
		defer cancel()
		begun := time.Now()
		var answered, ended atomic.Int64
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				for {
					_, err := c.fetch(ctx, placeAt(i%8, i), request{})
					if err == nil {
						answered.Add(1)
						continue
					}
					ended.Add(1)
					if !errors.Is(err, ErrThrottled) || !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					return
				}
			})
		}
		wg.Wait()
		if d := time.Since(begun); d > 33*time.Minute {
			t.Errorf("ended after %s, it could know a little after half an hour", d)
		}
		if answered.Load() == 0 || ended.Load() != 24 {
			t.Errorf("%d answered, %d ended", answered.Load(), ended.Load())
		}
	})
}

// TestQuotaHoldsWhereverTheMinuteBegins: the API counts by its own clock, and calls arrive
// up to a second late.
func TestQuotaHoldsWhereverTheMinuteBegins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := &storm{
			limits: []quota.Limit{{Calls: rapid.IntRange(1, 20).Draw(rt, "a minute"), Per: time.Minute}, {Calls: rapid.IntRange(20, 60).Draw(rt, "an hour"), Per: time.Hour}},
			off:    time.Duration(rapid.Int64Range(-int64(time.Minute), int64(time.Minute)).Draw(rt, "clock")),
			takes:  time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(rt, "takes")),
		}
		weather(t, s, rapid.IntRange(1, 5).Draw(rt, "datasets"), rapid.IntRange(3, 60).Draw(rt, "queries"))
	})
}

// TestDatasetBehindCatchesUp: by fetch, which tells the governor dataset and window.
func TestDatasetBehindCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls := map[string]int{}
		ctx, cancel := context.WithCancel(t.Context())
		c := over(t, apiFunc(func(req *http.Request) *http.Response {
			var q request
			if err := json.NewDecoder(req.Body).Decode(&q); err != nil {
				t.Error(err)
			}
			_ = sleep(ctx, time.Second)
			mu.Lock()
			defer mu.Unlock()
			calls[q.Query]++
			return noRows()
		}), nil)
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				p := placeAt(i%5, 100)
				if i%5 == 3 {
					p = placeAt(3, 0)
				}
				for ctx.Err() == nil {
					if _, err := c.fetch(ctx, p, request{Query: p.Dataset}); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
		elapse(t, 30*time.Minute)
		cancel()
		wg.Wait()
		all := 0
		for _, n := range calls {
			all += n
		}
		for i := range 5 {
			n := calls[fmt.Sprint("dataset ", i)]
			want := all / 8 // the others share what the one behind leaves
			if i == 3 {
				want = all / 2
			}
			if n < want-5 || n > want+5 {
				t.Errorf("dataset %d got %d calls of %d, want about %d", i, n, all, want)
			}
		}
	})
}
