package source

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/call"
	"hunting-exporter/source/estimate"
)

// Reader reads datasets from one tenant. All of its calls share one quota.
type Reader struct {
	cfg      call.Config
	log      *slog.Logger
	client   *call.Client
	ahead    chan struct{} // one a piece that is fetched before it is its turn
	narrow   atomic.Int64
	cap      atomic.Int64 // rows that an answer has at most; lowered when one is found to be cut
	size     estimate.SizeLimit
	gatherer gatherer

	mu    sync.Mutex
	paces map[string]*estimate.Estimator
}

// New makes a Reader whose answers go through a decoder. It makes no call; Check does.
func New(cfg call.Config, decoder call.Decoder, o call.Options) (*Reader, error) {
	c, err := call.New(cfg, decoder, o)
	if err != nil {
		return nil, err
	}
	r := &Reader{cfg: cfg, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), client: c, ahead: make(chan struct{}, cfg.Concurrency-1), paces: map[string]*estimate.Estimator{}}
	r.cap.Store(int64(cfg.MaxRows))
	return r, nil
}

// Check gets a token, so that a wrong secret is found before anything else is done.
func (r *Reader) Check(ctx context.Context) error { return r.client.Check(ctx) }

// Tenant is the id of the tenant that is read; see Identity.Tenant.
func (r *Reader) Tenant(ctx context.Context) (string, error) { return r.client.Tenant(ctx) }

// Ahead is how far this machine's clock is ahead of the servers', by their answers so far;
// 0 if it is not, as far as they show.
func (r *Reader) Ahead() time.Duration { return r.client.Ahead() }

// Pace is what the answers so far say about a dataset.
func (r *Reader) Pace(dataset string) hunting.Estimate { return r.pace(dataset).Known() }

// Close closes idle connections, and an own Identity.
func (r *Reader) Close() { r.client.Close() }

// Stats counts what a Reader has done so far.
type Stats struct {
	Calls    int64 // sent to the API
	Refusals int64 // of them answered 429
	Retries  int64 // after transient failures
	Narrowed int64 // windows halved
}

// Stats returns the counts so far.
func (r *Reader) Stats() Stats {
	c := r.client.Stats()
	return Stats{c.Calls, c.Refusals, c.Retries, r.narrow.Load()}
}

// Calls is the number of calls sent to the API so far.
func (r *Reader) Calls() int { return int(r.client.Stats().Calls) }

func (r *Reader) pace(dataset string) *estimate.Estimator {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.paces[dataset]
	if !ok {
		p = estimate.New(&r.cap, &r.size, assumedWeight(dataset))
		r.paces[dataset] = p
	}
	return p
}

// assumedWeight is what a row may have in bytes, before any has come: some sixty a column
// with its name, as a table's rows have on average.
func assumedWeight(dataset string) float64 {
	const cell, columns = 60, 20
	if t, ok := schema.Lookup(dataset); ok {
		return float64(cell * len(t.Columns))
	}
	return cell * columns
}
