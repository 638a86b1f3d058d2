package tenant

import (
	"sync"
	"time"
)

// quota counts the calls of the past minute and hour.
type quota struct {
	mu    sync.Mutex
	calls []time.Time // oldest first, none older than the longest span
}

type limit struct {
	calls int
	per   time.Duration
}

// take books a call at now, or says which limit refuses it and for how long. A
// refused call counts for nothing.
func (q *quota) take(now time.Time, limits []limit) (limit, time.Duration, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var longest time.Duration
	for _, l := range limits {
		longest = max(longest, l.per)
	}
	for len(q.calls) > 0 && now.Sub(q.calls[0]) >= longest {
		q.calls = q.calls[1:]
	}
	for _, l := range limits {
		if len(q.calls) < l.calls {
			continue
		}
		// the call that has to leave the span before another fits in
		leaves := q.calls[len(q.calls)-l.calls].Add(l.per)
		if wait := leaves.Sub(now); wait > 0 {
			return l, wait, false
		}
	}
	q.calls = append(q.calls, now)
	return limit{}, 0, true
}

func (t *Tenant) limits() []limit {
	var out []limit
	if t.o.CallsPerMinute > 0 {
		out = append(out, limit{t.o.CallsPerMinute, time.Minute})
	}
	if t.o.CallsPerHour > 0 {
		out = append(out, limit{t.o.CallsPerHour, time.Hour})
	}
	return out
}
