package pipeline_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/pipeline"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/tenant"
	"hunting-exporter/transform"
)

var (
	fleetRuns   = flag.Int("fleet-runs", 200, "runs of TestLateRows")
	fleetTables = flag.Int("fleet-tables", 4, "tables of TestLateRows")
)

// fleet is some tables that a CronJob exports every quarter of an hour.
type fleet struct {
	tenant *tenant.Tenant
	world  *world
	rng    *rand.Rand
	clock  hunting.Clock
	tables []hunting.Dataset
	truth  map[int]time.Time // row → its clock
	start  time.Time
	watch  pipeline.Watcher // nil: nobody

	mu            sync.Mutex
	counts, pages int // calls of the run under way
}

func newFleet(clock hunting.Clock, tables, maxRows int) *fleet {
	f := &fleet{
		world: newWorld(1, 0), rng: rand.New(rand.NewPCG(1, 2)), clock: clock, truth: map[int]time.Time{}, start: time.Now().UTC(),
		tenant: tenant.New(tenant.Options{MaxRows: maxRows, CallsPerMinute: -1, CallsPerHour: -1}),
	}
	for n := range tables {
		f.tables = append(f.tables, hunting.Dataset{
			Name: fmt.Sprint("Table", n), Clock: hunting.ClockIngestion, TimeColumn: "Timestamp", Identity: []string{"Timestamp", "Id"},
		})
	}
	f.tenant.Fault(func(c tenant.Call) tenant.Fault {
		f.mu.Lock()
		defer f.mu.Unlock()
		if strings.Contains(c.Query, "count()") {
			f.counts++
		} else if c.API != "token" {
			f.pages++
		}
		return tenant.Fault{}
	})
	return f
}

// add makes rows of a table whose clocks lie in [from, to); a share of them turns up as
// much as latest after its clock.
func (f *fleet) add(t *testing.T, table string, n int, from, to time.Time, late float64, latest time.Duration) {
	t.Helper()
	rows := make([]tenant.Row, n)
	for i := range rows {
		id := len(f.truth)
		clock := from.Add(time.Duration(f.rng.Int64N(int64(to.Sub(from)))).Truncate(hunting.Tick))
		f.truth[id] = clock
		row := tenant.Row{Ingested: clock, Cells: []any{id, clock, "text"}}
		if f.rng.Float64() < late {
			after := clock.Add(time.Duration(f.rng.Int64N(int64(latest))))
			if f.clock == hunting.ClockEvent {
				row.Ingested = after
			} else {
				row.Visible = after
			}
		}
		rows[i] = row
	}
	if err := f.tenant.Add(table, eventColumns, rows...); err != nil {
		t.Fatal(err)
	}
	if f.clock == hunting.ClockEvent {
		if err := f.tenant.WithoutIngestionTime(table); err != nil {
			t.Fatal(err)
		}
	}
}

// run is one Job of the CronJob, which succeeds.
func (f *fleet) run(t *testing.T, name string, maxRows int) []pipeline.Result {
	t.Helper()
	results := f.export(t.Context(), t, name, maxRows)
	for _, res := range results {
		var gaps *pipeline.GapsError
		if res.Err != nil && !errors.As(res.Err, &gaps) {
			t.Fatalf("%s: %v", name, res.Err)
		}
	}
	return results
}

// export is one Job of the CronJob.
func (f *fleet) export(stop context.Context, t *testing.T, name string, maxRows int) []pipeline.Result {
	t.Helper()
	f.mu.Lock()
	f.counts, f.pages = 0, 0
	f.mu.Unlock()
	r, err := source.New(call.Config{
		API: "graph", Cloud: "public", Concurrency: 4, CallsPerMinute: 100_000, MaxRows: maxRows, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
		TenantID: f.tenant.TenantID(), ClientID: "app", ClientSecret: "unused",
	}, transform.NewDecoder(transform.Config{}, new(pool.Pool)), call.Options{HTTP: &http.Client{Transport: inMemory{f.tenant}}, Credential: inMemory{f.tenant}})
	if err != nil {
		t.Fatal(err)
	}
	e := onlyLake.exporter(f.world, &client{w: f.world}, name)
	e.Source, e.Transformer = r, transform.New(transform.Config{}, slog.New(slog.DiscardHandler))
	e.Limits = pipeline.Limits{Rows: 1_000_000, Interval: time.Hour, Buffer: 2, Reconcile: 24 * time.Hour}
	e.Watch = f.watch
	e.Start = func() time.Time { return f.start }
	e.Horizon = func() time.Time { return time.Now().UTC().Add(-5 * time.Minute).Truncate(hunting.Tick) }
	return e.Export(t.Context(), stop, f.tables)
}

// exact fails unless every row that is due is there once, and no other.
func (f *fleet) exact(t *testing.T, until time.Time) {
	t.Helper()
	for _, fault := range f.world.faults {
		t.Fatal(fault)
	}
	found := map[int]int{}
	for _, o := range f.world.lake {
		for _, id := range o.rows {
			found[id]++
		}
	}
	for id, clock := range f.truth {
		if due := clock.Before(until); found[id] != 1 && due || found[id] > 0 && !due {
			t.Errorf("row %d of %s is there %d times", id, clock, found[id])
		}
	}
}

// TestLateRows: of each table 5 % of the rows turn up as much as 28 hours late, on either
// clock, with the defaults of a CronJob. None is lost or repeated, and the proof costs
// no more than two calls a run and one for each quarter hour that differs.
func TestLateRows(t *testing.T) {
	for _, clock := range []hunting.Clock{hunting.ClockIngestion, hunting.ClockEvent} {
		t.Run(string(clock), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { lateRows(t, clock) }) })
	}
}

func lateRows(t *testing.T, clock hunting.Clock) {
	const cap, latest = 10_000, 28 * time.Hour
	f := newFleet(clock, *fleetTables, cap)
	runs := *fleetRuns
	end := f.start.Add(time.Duration(runs)*15*time.Minute - latest)
	if runs < 150 {
		end = f.start.Add(time.Duration(runs) * 15 * time.Minute)
	}
	for n, ds := range f.tables {
		f.add(t, ds.Name, 40+80*n, f.start, end, 0.05, latest)
	}
	var counts, extra []int
	var late int64
	for n := range runs + 1 {
		time.Sleep(15 * time.Minute)
		new, differ := 0, 0
		for _, res := range f.run(t, fmt.Sprint("run-", n), cap) {
			late += res.Late
			if res.Rows > res.Late {
				new++
			}
			if res.Check != nil && res.Late > 0 {
				differ++
			}
		}
		counts = append(counts, f.counts)
		extra = append(extra, f.pages-new)
	}
	f.exact(t, end)
	if most := slices.Max(counts[1:]); most > 2 {
		t.Errorf("as many as %d calls of a run for counts", most)
	}
	t.Logf("%d rows, %d of them late, %d runs: %d calls a run for counts at most (%d in all), %d calls for quarter hours that differ",
		len(f.truth), late, runs+1, slices.Max(counts[1:]), sum2(counts), sum2(extra))
}

func sum2(all []int) (n int) {
	for _, x := range all {
		n += x
	}
	return n
}

// TestSteady: ten tables, a run every quarter of an hour, between empty and more than three
// times the cap. The calls stay near the fewest there can be.
func TestSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cap, runs = 2_000, 9
		most := []int{0, 3, 20, 100, 200, 400, 800, 1600, 3000, 6600} // rows a run
		f := newFleet(hunting.ClockIngestion, len(most), cap)
		for run := range runs {
			from := f.start.Add(time.Duration(run) * 15 * time.Minute)
			for n, ds := range f.tables {
				rows := most[n] * (1 + run%3) / 3 // a rhythm that no average follows
				f.add(t, ds.Name, rows, from, from.Add(15*time.Minute), 0, 0)
			}
		}
		var ratios []float64
		calls, least := 0, 0
		time.Sleep(5 * time.Minute) // EXPORT_LAG
		for run := range runs {
			time.Sleep(15 * time.Minute)
			fewest := 0
			for _, res := range f.run(t, fmt.Sprint("run-", run), cap) {
				fewest += int((res.Rows + cap - 2) / (cap - 1))
			}
			used := f.counts + f.pages
			calls, least = calls+used, least+fewest
			ratios = append(ratios, float64(used)/float64(fewest))
		}
		f.exact(t, f.start.Add(runs*15*time.Minute))
		slices.Sort(ratios)
		ratio := float64(calls) / float64(least)
		t.Logf("%d calls, %d at the least: %.3f; a run: median %.2f, 90 %% %.2f, most %.2f",
			calls, least, ratio, ratios[runs/2], ratios[runs*9/10], ratios[runs-1])
		if ratio > 1.5 {
			t.Errorf("%.3f times the fewest calls", ratio)
		}
	})
}
