package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
	"hunting-exporter/transform"
)

// scenario is one random history of a table and of the runs that export it.
type scenario struct {
	sinks     mode
	crashes   bool // runs die, and lose answers of the stores and of Kafka
	clock     hunting.Clock
	identity  []string
	maxRows   int
	maxBytes  int64
	bursts    int // rows that share a tick, or lie within a millisecond
	rows      int
	late      float64 // share of rows that turn up late
	latest    time.Duration
	faults    float64 // share of calls that fail
	poison    int     // rows that the API does not deliver
	cured     bool    // later it does
	runs      int
	backfill  bool
	newest    bool
	perCommit int64
	threads   int
	seed      uint64
}

func drawScenario(rt *rapid.T) scenario {
	return scenario{
		sinks:     rapid.SampledFrom([]mode{onlyLake, both}).Draw(rt, "sinks"),
		crashes:   rapid.Bool().Draw(rt, "crashes"),
		clock:     rapid.SampledFrom([]hunting.Clock{hunting.ClockIngestion, hunting.ClockEvent}).Draw(rt, "clock"),
		identity:  rapid.SampledFrom([][]string{nil, {"Timestamp", "Id"}, {"Timestamp", "Text"}}).Draw(rt, "identity"),
		maxRows:   rapid.SampledFrom([]int{7, 20, 100, 1000}).Draw(rt, "cap"),
		maxBytes:  rapid.SampledFrom([]int64{2000, 20_000, 50_000_000}).Draw(rt, "bytes"),
		bursts:    rapid.IntRange(0, 3).Draw(rt, "bursts"),
		rows:      rapid.SampledFrom([]int{0, 3, 60, 200}).Draw(rt, "rows"),
		late:      rapid.SampledFrom([]float64{0, 0.05, 0.5}).Draw(rt, "late"),
		latest:    time.Duration(rapid.Int64Range(1, int64(2*time.Hour)).Draw(rt, "latest")),
		faults:    rapid.SampledFrom([]float64{0, 0.1, 0.4}).Draw(rt, "faults"),
		poison:    rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(rt, "poison"),
		cured:     rapid.Bool().Draw(rt, "cured"),
		runs:      rapid.IntRange(1, 8).Draw(rt, "runs"),
		backfill:  rapid.Bool().Draw(rt, "backfill"),
		newest:    rapid.Bool().Draw(rt, "newest"),
		perCommit: rapid.SampledFrom([]int64{30, 1_000_000}).Draw(rt, "rows a commit"),
		threads:   rapid.IntRange(1, 4).Draw(rt, "concurrency"),
		seed:      rapid.Uint64().Draw(rt, "seed"),
	}
}

// event is a row of the truth.
type event struct {
	id    int
	clock time.Time // of the dataset
}

const eventTable = "SomeEvents"

var eventColumns = []schema.Column{{Name: "Id", Type: "Int64"}, {Name: "Timestamp", Type: "DateTime"}, {Name: "Text", Type: "String"}}

// history is a scenario under way.
type history struct {
	scenario
	tenant *tenant.Tenant
	world  *world
	truth  []event

	mu    sync.Mutex // a call that nobody waits for any more may outlast its run
	rng   *rand.Rand
	quiet bool
}

// TestComplete: whatever arrives when, however late, behind whatever caps and faults: what
// is exported is the truth without the gaps that are listed, each row once.
func TestComplete(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		var err error
		synctest.Test(t, func(t *testing.T) { err = s.play(t) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func (s scenario) play(t *testing.T) error {
	h := &history{scenario: s, rng: rand.New(rand.NewPCG(s.seed, 1)), world: newWorld(s.seed, 0)}
	h.tenant = tenant.New(tenant.Options{MaxRows: s.maxRows, MaxBytes: s.maxBytes, CallsPerMinute: -1, CallsPerHour: -1})
	began := time.Now().UTC()
	if err := h.fill(began.Add(-4*time.Hour), began.Add(90*time.Minute)); err != nil {
		return err
	}
	h.tenant.Fault(h.fault)
	start := began.Add(-2 * time.Hour)
	for n := range s.runs {
		time.Sleep(time.Duration(h.draw(int64(50 * time.Minute))))
		if err := h.run(t, fmt.Sprint("run-", n), start, nil); surplus(err) { // some fail
			return fmt.Errorf("every row is the tenant's: %w", err)
		}
		h.world.deliverLate(false)
	}
	h.world.deliverLate(true)
	if s.cured {
		h.tenant.Restore(eventTable)
	}
	h.mu.Lock()
	h.quiet = true
	h.mu.Unlock()
	for n := range 6 { // until everything that comes late has come
		time.Sleep(40 * time.Minute)
		if err := h.run(t, fmt.Sprint("quiet-", n), start, nil); err != nil && (!gapsAlone(err) || surplus(err)) {
			return fmt.Errorf("quiet run: %w", err)
		}
	}
	if s.backfill {
		start = began.Add(-210 * time.Minute)
		for n := range 2 { // the second one has nothing to do
			b := &pipeline.Backfill{Window: hunting.Window{Start: start, End: time.Now().UTC()}, Newest: s.newest}
			if err := h.run(t, fmt.Sprint("backfill-", n), start, b); err != nil && !gapsAlone(err) {
				return fmt.Errorf("backfill: %w", err)
			}
		}
	}
	return h.compare(start)
}

// draw is a random number below n, while calls may be drawing theirs.
func (h *history) draw(n int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rng.Int64N(n)
}

func gapsAlone(err error) bool {
	var gaps *pipeline.GapsError
	return errors.As(err, &gaps)
}

func surplus(err error) bool {
	var more *pipeline.SurplusError
	return errors.As(err, &more)
}

// fill makes rows up whose clocks lie in a stretch.
func (h *history) fill(from, to time.Time) error {
	ticks := int64(to.Sub(from) / hunting.Tick)
	var clocks []time.Time
	for range h.rows {
		clocks = append(clocks, from.Add(time.Duration(h.rng.Int64N(ticks))*hunting.Tick))
	}
	for n := range h.bursts {
		at := from.Add(time.Duration(h.rng.Int64N(ticks)) * hunting.Tick)
		for range 3 * min(h.maxRows, 100) {
			clocks = append(clocks, at)
			if n%2 == 1 {
				at = at.Add(hunting.Tick)
			}
		}
	}
	var rows []tenant.Row
	for id, clock := range clocks {
		row := tenant.Row{Ingested: clock, Cells: []any{id, clock.Add(-time.Minute), fmt.Sprint("text of ", id/2)}}
		var delay time.Duration
		if h.rng.Float64() < h.late {
			delay = time.Duration(h.rng.Int64N(int64(h.latest)))
		}
		if h.clock == hunting.ClockEvent {
			row.Cells[1] = clock
			row.Ingested = clock.Add(delay)
		} else if delay > 0 {
			row.Visible = clock.Add(delay)
		}
		rows = append(rows, row)
		h.truth = append(h.truth, event{id, clock})
	}
	if err := h.tenant.Add(eventTable, eventColumns, rows...); err != nil {
		return err
	}
	if h.clock == hunting.ClockEvent {
		if err := h.tenant.WithoutIngestionTime(eventTable); err != nil {
			return err
		}
	}
	for range min(h.poison, len(rows)) {
		at := rows[h.rng.IntN(len(rows))].Ingested
		h.tenant.FailRange(eventTable, at, at.Add(hunting.Tick), tenant.Call.LimitsExceeded)
	}
	return nil
}

// fault makes calls fail at random.
func (h *history) fault(c tenant.Call) tenant.Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.quiet || c.API == "token" || h.rng.Float64() >= h.faults {
		return tenant.Fault{}
	}
	switch h.rng.IntN(8) {
	case 0:
		return c.QuotaExceeded(8 * time.Second)
	case 1:
		return c.CPUExceeded(3 * time.Minute)
	case 2:
		return c.BadGateway()
	case 3:
		return c.GatewayTimeout()
	case 4:
		return c.ResultTooLarge()
	case 5:
		return c.LimitsExceeded()
	case 6:
		return tenant.Fault{Status: http.StatusServiceUnavailable}
	default:
		return c.Unauthorized()
	}
}

// run is one process of the exporter.
func (h *history) run(t *testing.T, name string, start time.Time, b *pipeline.Backfill) error {
	r, err := source.New(call.Config{
		API: "graph", Cloud: "public", Concurrency: h.threads, CallsPerMinute: 100_000, MaxRows: h.maxRows, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
		TenantID: h.tenant.TenantID(), ClientID: "app", ClientSecret: "unused",
	}, transform.NewDecoder(transform.Config{}, new(pool.Pool)), call.Options{HTTP: &http.Client{Transport: inMemory{h.tenant}}, Credential: inMemory{h.tenant}})
	if err != nil {
		return err
	}
	c := &client{w: h.world}
	if h.crashes && !h.quiet {
		c.before, c.after, c.delayed = 0.02, 0.02, 0.02
		c.dieAt = int(h.draw(150))
	}
	e := h.sinks.exporter(h.world, c, name)
	e.Source, e.Transformer = r, transform.New(transform.Config{}, slog.New(slog.DiscardHandler))
	e.Limits = pipeline.Limits{Rows: h.perCommit, Interval: time.Hour, Buffer: 1, Reconcile: 3 * time.Hour}
	e.Start = func() time.Time { return start }
	e.Horizon = func() time.Time { return time.Now().UTC().Add(-5 * time.Minute).Truncate(hunting.Tick) }
	e.Backfill = b
	table := hunting.Dataset{Name: eventTable, Clock: hunting.ClockIngestion, TimeColumn: "Timestamp", Identity: h.identity}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	res := e.Export(t.Context(), ctx, []hunting.Dataset{table})[0]
	time.Sleep(2 * lease)
	return res.Err
}

// compare reports what is exported and should not be, or the other way round.
func (h *history) compare(start time.Time) error {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, f := range h.world.faults {
		return errors.New(f)
	}
	doc, err := h.document()
	if err != nil {
		return err
	}
	if len(doc.Covered) > 1 || len(doc.Covered) == 1 && (doc.Covered[0].Start.After(start) || !doc.Covered[0].End.Equal(doc.Watermark)) {
		return fmt.Errorf("covered %v, from %s to watermark %s", doc.Covered, start, doc.Watermark)
	}
	if err := apart(doc.Gaps); err != nil {
		return err
	}
	found := map[int]int{}
	for _, o := range h.world.lake {
		for _, id := range o.rows {
			found[id]++
		}
	}
	for _, e := range h.truth {
		due := !e.clock.Before(start) && e.clock.Before(doc.Watermark)
		gap := inGap(doc.Gaps, e.clock)
		if n := h.world.kafka[e.id]; h.sinks.kafka && n != found[e.id] {
			return fmt.Errorf("row %d is %d times in Kafka and %d times in the lake", e.id, n, found[e.id])
		}
		switch n := found[e.id]; {
		case n > 1, n == 1 && !due, n == 0 && due && !gap:
			return fmt.Errorf("row %d of %s is there %d times; due: %v, in a gap: %v, watermark %s", e.id, e.clock, n, due, gap, doc.Watermark)
		}
	}
	if len(doc.Gaps) > 0 && (h.cured || h.poison == 0) {
		return fmt.Errorf("gaps that the API delivers: %+v", doc.Gaps)
	}
	return nil
}

// apart reports two gaps that share rows, which would come twice.
func apart(gaps []state.Gap) error {
	for i, a := range gaps {
		for _, b := range gaps[:i] {
			sliced := a.N > 1 && b.N > 1
			for hash := 0; sliced && hash < a.N*b.N; hash++ {
				sliced = hash%a.N != a.I || hash%b.N != b.I
			}
			if !sliced && a.Start.Before(b.End) && b.Start.Before(a.End) {
				return fmt.Errorf("gaps share rows: %+v and %+v", a, b)
			}
		}
	}
	return nil
}

func inGap(gaps []state.Gap, at time.Time) bool {
	for _, g := range gaps {
		if !at.Before(g.Start) && at.Before(g.End) {
			return true
		}
	}
	return false
}

func (h *history) document() (state.Document, error) {
	return state.NewStore(objects{&client{w: unlocked(h.world)}, "state/"}, state.LockCAS, lease).Load(context.Background(), eventTable)
}

// unlocked is the world for somebody who holds its lock.
func unlocked(w *world) *world {
	return &world{rng: w.rng, objects: w.objects}
}

// inMemory calls the tenant without a network, so that time can be virtual.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	req.Header.Del("Accept-Encoding") // compression is for others to test
	m.ServeHTTP(rec, req)
	return rec.Result(), nil
}

// GetToken logs in at the tenant.
func (m inMemory) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {tenant.DefaultClientID},
		"client_secret": {tenant.DefaultClientSecret}, "scope": {"https://graph.microsoft.com/.default"},
	}
	req := httptest.NewRequest(http.MethodPost, "/"+tenant.DefaultTenantID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	m.ServeHTTP(rec, req)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || answer.Token == "" {
		return azcore.AccessToken{}, fmt.Errorf("no token: %s", rec.Body)
	}
	return azcore.AccessToken{Token: answer.Token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}
