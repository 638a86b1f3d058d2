package source

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// Options are what a Reader or an Identity uses of its surroundings. The zero value works.
type Options struct {
	Identity   *Identity              // of a Reader; nil: an own one
	HTTP       *http.Client           // for the API and the token server; nil: an own one
	Credential azcore.TokenCredential // nil: made from the Config
	Now        func() time.Time       // nil: time.Now; it must go on while the Reader waits
	Log        *slog.Logger           // nil: nothing is logged
}

// Reader reads datasets from one tenant. All of its calls share one quota.
type Reader struct {
	client   *client
	ahead    chan struct{} // one a piece that is fetched before it is its turn
	narrow   atomic.Int64
	cap      atomic.Int64 // rows that an answer has at most; lowered when one is found to be cut
	size     sizeLimit
	gatherer gatherer
	closes   func()

	mu    sync.Mutex
	paces map[string]*pace
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// New makes a Reader whose answers go through a decoder. It makes no call; Check does.
func New(cfg Config, decoder Decoder, o Options) (*Reader, error) {
	if _, ok := flavours[cfg.API]; !ok {
		return nil, fmt.Errorf("source: SOURCE_API %q: no such API", cfg.API)
	}
	o = o.filled()
	if cfg.Concurrency < 1 || cfg.CallsPerMinute < 1 || cfg.MaxRows < 1 || cfg.MaxBody < 1 || cfg.Timeout <= 0 {
		return nil, fmt.Errorf("source: limits are not set: concurrency %d, calls a minute %d, rows %d, bytes %d, timeout %s",
			cfg.Concurrency, cfg.CallsPerMinute, cfg.MaxRows, cfg.MaxBody, cfg.Timeout)
	}
	if reason := badURL(cfg.endpoint(), true); reason != "" {
		return nil, fmt.Errorf("source: SOURCE_ENDPOINT %s: %s", redactedURL(cfg.endpoint()), reason)
	}
	web := newHTTP(o.HTTP, cfg.Concurrency)
	closes := web.CloseIdleConnections
	if o.Identity == nil {
		o.Identity = NewIdentity(cfg, o)
		closes = func() { web.CloseIdleConnections(); o.Identity.Close() }
	}
	quota := []limit{{cfg.CallsPerMinute, time.Minute}}
	if n := cfg.PerHour(); n > 0 {
		quota = append(quota, limit{n, time.Hour})
	}
	r := &Reader{
		client: &client{
			cfg: cfg, url: cfg.endpoint(), http: web, decoder: decoder, now: o.Now, log: o.Log, skew: o.Identity.skew,
			identity: o.Identity,
			governor: newGovernor(o.Now, cfg.Concurrency, quota...),
		},
		closes: closes,
		ahead:  make(chan struct{}, cfg.Concurrency-1),
		paces:  map[string]*pace{},
	}
	r.cap.Store(int64(cfg.MaxRows))
	return r, nil
}

// Check gets a token, so that a wrong secret is found before anything else is done.
func (r *Reader) Check(ctx context.Context) error {
	token, err := r.client.identity.Token(ctx, r.client.cfg.scope(), "")
	if err != nil {
		return err
	}
	f := flavours[r.client.cfg.API]
	if lacksRole(token, f.permission) {
		r.client.log.WarnContext(ctx, "the token does not carry the permission that this API needs",
			slog.String("permission", f.permission), slog.String("resource", f.resource))
	}
	return nil
}

// Pace is what the answers so far say about a dataset.
func (r *Reader) Pace(dataset string) hunting.Estimate { return r.pace(dataset).known() }

// Close closes idle connections, and an own Identity.
func (r *Reader) Close() { r.closes() }

// Stats counts what a Reader has done so far.
type Stats struct {
	Calls    int64 // sent to the API
	Refusals int64 // of them answered 429
	Retries  int64 // after transient failures
	Narrowed int64 // windows halved
}

// Stats returns the counts so far.
func (r *Reader) Stats() Stats {
	c := r.client
	return Stats{Calls: c.calls.Load(), Refusals: c.refusals.Load(), Retries: c.retries.Load(), Narrowed: r.narrow.Load()}
}

// Calls is the number of calls sent to the API so far.
func (r *Reader) Calls() int { return int(r.client.calls.Load()) }

// timespan is Graph's own limit on event time. Left out, it is 30 days, and of it and
// the query's the narrower wins: an event that is older when it comes in would never
// be answered. Ten years leave the query's window alone.
const timespan = "P3650D"

func (r *Reader) request(text string) request {
	q := request{Query: text}
	if flavours[r.client.cfg.API].timespan {
		q.Timespan = timespan
	}
	return q
}

func (r *Reader) pace(dataset string) *pace {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.paces[dataset]
	if !ok {
		p = &pace{cap: &r.cap, size: &r.size, assumed: assumedWeight(dataset)}
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
