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

// maxRecords bounds the log of calls.
const maxRecords = 100_000

// Record is one hunting call as it was answered.
type Record struct {
	At     time.Time
	API    string // graph, m365d, mde
	Query  string
	Status int
	Rows   int   // of the answer, after the cap
	Bytes  int64 // of the rows as JSON, before gzip
	// Truncated is true where the cap cut rows: the answer itself does not say.
	Truncated bool
}

// Calls is what has been asked of the tenant so far.
type Calls struct {
	Token     int // calls of the token endpoint
	Hunting   int // hunting calls, however they ended
	Answered  int // of these, answered with rows
	Throttled int // of these, 429
	Failed    int // of these, any other error or fault
	Rows      int64
	Bytes     int64
	// Log is every hunting call in the order they ended, the first 100,000.
	Log []Record
}

type stats struct {
	mu    sync.Mutex
	calls Calls
}

// Calls tells what has been asked so far.
func (t *Tenant) Calls() Calls {
	t.stats.mu.Lock()
	defer t.stats.mu.Unlock()
	out := t.stats.calls
	out.Log = append([]Record(nil), out.Log...)
	return out
}

func (s *stats) token() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.Token++
}

func (s *stats) hunting(r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.calls
	c.Hunting++
	switch {
	case r.Status == 429:
		c.Throttled++
	case r.Status != 200:
		c.Failed++
	default:
		c.Answered++
		c.Rows += int64(r.Rows)
		c.Bytes += r.Bytes
	}
	if len(c.Log) < maxRecords {
		c.Log = append(c.Log, r)
	}
}
