package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	_ "hunting-exporter/internal/racetest"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
	"hunting-exporter/transform"
)

// lab is one table and its runs, which a test makes one by one, each up to its own time.
type lab struct {
	t         *testing.T
	tenant    *tenant.Tenant
	world     *world
	sinks     mode
	table     hunting.Dataset
	others    []hunting.Dataset // exported along with the table
	maxRows   int
	reconcile time.Duration
	began     time.Time                  // where the dataset begins
	within    context.Context            // runs stop when it ends
	fault     func(q asked) tenant.Fault // nil: none
	change    func(e *pipeline.Exporter) // of the next run
	rows      int                        // added so far
	kill      func()                     // kills the run under way

	mu      sync.Mutex
	queries []asked // of the last run
}

// asked is a call of the API.
type asked struct {
	tenant.Call
	counts bool
	empty  bool   // a window without any time in it
	slice  string // I/N; empty: none
}

var (
	windowOf = regexp.MustCompile(`>= datetime\(([^)]*)\) and [^<]*< datetime\(([^)]*)\)`)
	sliceOf  = regexp.MustCompile(`hash_xxhash64\(.*, (\d+)\) == (\d+)`)
)

func ask(c tenant.Call) asked {
	a := asked{Call: c, counts: strings.Contains(c.Query, "count()")}
	if m := windowOf.FindStringSubmatch(c.Query); m != nil {
		a.empty = m[1] == m[2]
	}
	if m := sliceOf.FindStringSubmatch(c.Query); m != nil {
		a.slice = m[2] + "/" + m[1]
	}
	return a
}

// inLab runs a test in virtual time.
func inLab(t *testing.T, test func(t *testing.T, l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newLab(t)) })
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{
		t: t, world: newWorld(1, 0), sinks: onlyLake, maxRows: 20, reconcile: 3 * time.Hour, began: time.Now().UTC(), within: t.Context(),
		table: hunting.Dataset{Name: eventTable, Clock: hunting.ClockIngestion, TimeColumn: "Timestamp", Identity: []string{"Timestamp", "Id"}},
	}
	l.move()
	return l
}

// move leaves all rows behind: the tenant has none.
func (l *lab) move() {
	l.tenant = tenant.New(tenant.Options{MaxRows: l.maxRows, CallsPerMinute: -1, CallsPerHour: -1})
	l.tenant.Fault(func(c tenant.Call) tenant.Fault {
		if c.API == "token" {
			return tenant.Fault{}
		}
		q := ask(c)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.queries = append(l.queries, q)
		switch {
		case len(l.queries) > 1000: // it would go on for ever
			return c.Forbidden()
		case l.fault != nil:
			return l.fault(q)
		}
		return tenant.Fault{}
	})
}

// counts is how many calls of the last run asked for counts.
func (l *lab) counts() (n int) {
	for _, q := range l.queries {
		if q.counts {
			n++
		}
	}
	return n
}

// at is a time after the lab's beginning.
func (l *lab) at(after time.Duration) time.Time { return l.began.Add(after) }

// add makes n rows of one tick that are visible from visible on, or from their own time.
func (l *lab) add(n int, clock, visible time.Time) {
	l.t.Helper()
	rows := make([]tenant.Row, n)
	for i := range rows {
		rows[i] = tenant.Row{Ingested: clock, Visible: visible, Cells: []any{l.rows, clock, fmt.Sprint("row ", l.rows)}}
		l.rows++
	}
	if err := l.tenant.Add(l.table.Name, eventColumns, rows...); err != nil {
		l.t.Fatal(err)
	}
}

// source reads the lab's tenant.
func (l *lab) source() *source.Reader {
	l.t.Helper()
	r, err := source.New(call.Config{
		API: "graph", Cloud: "public", Concurrency: 1, CallsPerMinute: 100_000, MaxRows: l.maxRows, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
		TenantID: l.tenant.TenantID(), ClientID: "app", ClientSecret: "unused",
	}, transform.NewDecoder(transform.Config{}, new(pool.Pool)), call.Options{HTTP: &http.Client{Transport: inMemory{l.tenant}}, Credential: inMemory{l.tenant}})
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// try is one run.
func (l *lab) try() pipeline.Result {
	l.t.Helper()
	c := &client{w: l.world}
	ctx, kill := context.WithCancel(l.t.Context())
	defer kill()
	l.kill = func() {
		l.world.mu.Lock()
		defer l.world.mu.Unlock()
		c.dead = true
		kill()
	}
	e := l.sinks.exporter(l.world, c, "run")
	e.Source, e.Transformer = l.source(), idFirst{transform.New(transform.Config{}, slog.New(slog.DiscardHandler))}
	e.Limits = pipeline.Limits{Rows: 1_000_000, Interval: time.Hour, Buffer: 1, Reconcile: l.reconcile}
	e.Start = func() time.Time { return l.began }
	e.Horizon = func() time.Time { return time.Now().UTC().Truncate(hunting.Tick) }
	if l.change != nil {
		l.change(e)
		l.change = nil
	}
	l.queries = nil
	res := e.Export(ctx, l.within, append([]hunting.Dataset{l.table}, l.others...))[0]
	time.Sleep(2 * lease) // also of a run that was killed
	return res
}

// run is one run that succeeds.
func (l *lab) run() pipeline.Result {
	l.t.Helper()
	res := l.try()
	if res.Err != nil {
		l.t.Fatal(res.Err)
	}
	return res
}

// holds fails unless the lake holds n rows, each of them once.
func (l *lab) holds(n int) {
	l.t.Helper()
	for _, fault := range l.world.faults {
		l.t.Fatal(fault)
	}
	found := map[int]bool{}
	for _, o := range l.world.lake {
		for _, id := range o.rows {
			found[id] = true
		}
	}
	if len(found) != n {
		l.t.Fatalf("the lake holds %d rows, want %d", len(found), n)
	}
}

func (l *lab) document() state.Document {
	l.t.Helper()
	doc, err := state.NewStore(objects{&client{w: l.world}, "state/"}, state.LockCAS, lease).Load(l.t.Context(), l.table.Name)
	if err != nil {
		l.t.Fatal(err)
	}
	return doc
}

// rewrite changes the dataset's document, which no run holds.
func (l *lab) rewrite(change func(*state.Document)) {
	l.t.Helper()
	store := objects{&client{w: l.world}, "state/"}
	data, err := json.Marshal(func() state.Document { d := l.document(); change(&d); return d }())
	if err == nil {
		_, err = store.Put(l.t.Context(), "state/"+l.table.Name+".json", data, blob.Condition{})
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// ledger is the ledger that the state names.
func (l *lab) ledger() *ledger.Ledger {
	l.t.Helper()
	data, _, err := objects{&client{w: l.world}, "meta/"}.Get(l.t.Context(), l.document().Ledger.Key)
	if err != nil {
		l.t.Fatal(err)
	}
	book, err := ledger.Decode(data)
	if err != nil {
		l.t.Fatal(err)
	}
	return book
}

// refuseRows refuses every query for rows, and answers counts and empty windows.
func refuseRows(q asked) tenant.Fault {
	if q.counts || q.empty {
		return tenant.Fault{}
	}
	return q.LimitsExceeded()
}

// refuseCounts refuses every count.
func refuseCounts(q asked) tenant.Fault {
	if q.counts {
		return q.LimitsExceeded()
	}
	return tenant.Fault{}
}

// killAfter kills the next run at the nth time of a step, and lets each answer with rows be
// a commit.
func (l *lab) killAfter(step commit.Step, nth int) {
	l.change = func(e *pipeline.Exporter) {
		e.Limits.Rows = 1
		e.AfterStep = func(s commit.Step) {
			if s != step {
				return
			}
			if nth--; nth == 0 {
				l.kill()
			}
		}
	}
}

// backfill makes the next run one of the stretch.
func (l *lab) backfill(from, to time.Duration) {
	l.change = func(e *pipeline.Exporter) {
		e.Backfill = &pipeline.Backfill{Window: hunting.Window{Start: l.at(from), End: l.at(to)}}
	}
}

// idFirst puts the column of row numbers first, where the lake looks for it: tables of the
// catalogue begin with others.
type idFirst struct{ pipeline.Transformer }

func (f idFirst) Transform(ctx context.Context, ds hunting.Dataset, columns *schema.Evolution, p hunting.Page) (hunting.Batch, error) {
	b, err := f.Transformer.Transform(ctx, ds, columns, p)
	if err != nil || b.Record == nil {
		return b, err
	}
	at := b.Record.Schema().FieldIndices("Id")[0]
	fields, cells := slices.Clone(b.Record.Schema().Fields()), slices.Clone(b.Record.Columns())
	fields[0], fields[at] = fields[at], fields[0]
	cells[0], cells[at] = cells[at], cells[0]
	sc := arrow.NewSchema(fields, new(b.Record.Schema().Metadata()))
	old := b.Record
	b.Record = array.NewRecord(sc, cells, old.NumRows())
	old.Release()
	return b, nil
}
