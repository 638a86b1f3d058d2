package tenant

import (
	"sync"
	"time"
)

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
