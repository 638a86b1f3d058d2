package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hunting-exporter/internal/pool"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/source"
	"hunting-exporter/state"
	"hunting-exporter/transform"
)

// plan is what a run or a backfill would read: a table for people, one JSON record
// otherwise.
type plan struct {
	Version  string        `json:"version"`
	Datasets []datasetPlan `json:"datasets"`
	Rows     int64         `json:"rows"`    // as counted
	Calls    int64         `json:"calls"`   // that fetch rows
	Counts   int64         `json:"counts"`  // calls made to find out; a run makes about as many
	Minutes  float64       `json:"minutes"` // that all of these calls take of the quota
	Error    string        `json:"error,omitempty"`
	Code     int           `json:"exit_code"`
}

type datasetPlan struct {
	Dataset string     `json:"dataset"`
	From    *time.Time `json:"from,omitempty"` // absent: nothing is to be read
	To      *time.Time `json:"to,omitempty"`
	Rows    *int64     `json:"rows"` // null: not counted
	Calls   int64      `json:"calls"`
	Gaps    int        `json:"gaps"` // stretches tried again, in Calls
	// Windows are what is read, each in one call unless it is counted empty.
	Windows []pipeline.WindowRows `json:"windows,omitempty"`
	Note    string                `json:"note,omitempty"`
	Error   string                `json:"error,omitempty"`
}

// planning looks into the state and asks the API for counts. It writes nothing and
// fetches no rows.
type planning struct {
	cfg       Config
	reader    *source.Reader
	documents *state.Store
	start     time.Time // of a dataset without state
	now       time.Time
	horizon   time.Time
	backfill  *pipeline.Backfill // nil: what is new
}

// makePlan plans every dataset. It never fails without a plan that says why.
func makePlan(ctx context.Context, cfg Config, s surroundings) plan {
	p := plan{Version: versionText(), Datasets: []datasetPlan{}}
	fail := func(err error) plan {
		if e := interruption(ctx); e != nil {
			err = e
		}
		s.log.Error("cannot plan", "error", err)
		p.Error, p.Code = err.Error(), codeOf(err)
		return p
	}
	now := time.Now()
	start, err := startTime(cfg.Export.Start, now)
	if err != nil {
		return fail(err)
	}
	reader, err := source.New(cfg.Source, transform.NewDecoder(cfg.Transform, new(pool.Pool)), source.Options{HTTP: s.http, Log: s.log})
	if err != nil {
		return fail(err)
	}
	defer reader.Close()
	stores, err := openStores(ctx, cfg)
	if err != nil {
		return fail(err)
	}
	waiting, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience))
	defer cancel()
	if err := runChecks(waiting, []check{{"token server", reader.Check}}); err != nil {
		return fail(err)
	}
	pl := &planning{
		cfg: cfg, reader: reader, documents: state.NewStore(stores.state, state.Lock(cfg.State.Lock), cfg.State.Lease),
		start: start.UTC().Truncate(pipeline.Tick), now: now.UTC().Truncate(pipeline.Tick), horizon: now.Add(-cfg.Export.Lag).UTC().Truncate(pipeline.Tick), backfill: s.backfill,
	}
	datasets, leftOut := s.chosen(cfg)
	results := pl.datasets(ctx, datasets, &p)
	for _, d := range leftOut {
		p.Datasets = append(p.Datasets, datasetPlan{Dataset: d.Dataset, Note: d.Note})
	}
	p.Counts = reader.Stats().Calls
	p.Minutes = cfg.minutes(float64(p.Calls + p.Counts))
	p.Code = codeOfResults(ctx, results)
	return p
}

// datasets plans all at once, so that their counts travel together, and sums up.
func (pl *planning) datasets(ctx context.Context, datasets []pipeline.Dataset, sum *plan) []pipeline.Result {
	plans, results := make([]datasetPlan, len(datasets)), make([]pipeline.Result, len(datasets))
	var wg sync.WaitGroup
	for i, ds := range datasets {
		wg.Go(func() {
			var err error
			if plans[i], err = pl.dataset(ctx, ds); err != nil {
				plans[i].Error = err.Error()
			}
			results[i] = pipeline.Result{Dataset: ds.Name, Err: err}
		})
	}
	wg.Wait()
	for _, d := range plans {
		sum.Calls += d.Calls
		if d.Rows != nil {
			sum.Rows += *d.Rows
		}
	}
	sum.Datasets = append(sum.Datasets, plans...)
	return results
}

func (pl *planning) dataset(ctx context.Context, ds pipeline.Dataset) (datasetPlan, error) {
	d := datasetPlan{Dataset: ds.Name}
	doc, err := pl.load(ctx, ds)
	if err != nil {
		return d, err
	}
	if doc.Pending != nil {
		d.Note = fmt.Sprintf("%s: commit %d is pending: a run settles it first, and may then have less to read", ds.Name, doc.Pending.Seq)
	}
	if ds, err = onClockOf(doc, ds); err != nil {
		return d, err
	}
	windows := pl.windows(ds, doc)
	if len(windows) > 0 {
		d.From, d.To = &windows[0].Start, &windows[len(windows)-1].End
	}
	if ds.Mode == pipeline.ModeSnapshot {
		return d, pl.snapshot(ctx, ds, windows, &d)
	}
	if ds, err = pl.clocked(ctx, ds, doc, windows); err != nil {
		return d, err
	}
	d.Rows = new(int64)
	for _, w := range windows {
		if err := pl.window(ctx, ds, doc, w, &d); err != nil {
			return d, err
		}
	}
	if pl.backfill != nil {
		return d, nil
	}
	return d, pl.gaps(ctx, ds, doc, &d)
}

// load is the dataset's state, or what a first run would make it.
func (pl *planning) load(ctx context.Context, ds pipeline.Dataset) (state.Document, error) {
	doc, err := pl.documents.Load(ctx, ds.Name)
	if !errors.Is(err, state.ErrNone) {
		return doc, err
	}
	doc = state.Document{Dataset: ds.Name, Progress: state.Progress{Watermark: pl.start}}
	if pl.backfill != nil {
		doc.Watermark = pl.backfill.Window.End
	}
	return doc, nil
}

// onClockOf is the dataset on the clock that its state says.
func onClockOf(doc state.Document, ds pipeline.Dataset) (pipeline.Dataset, error) {
	known := pipeline.Clock(doc.Clock)
	switch {
	case known == "" || known == ds.Clock || ds.Mode == pipeline.ModeSnapshot:
		return ds, nil
	case ds.FixedClock:
		return ds, &pipeline.RefusalError{Reason: fmt.Sprintf("the state cuts %s by %s time, EXPORT_CURSOR asks for %s time: a run would refuse that; set EXPORT_CURSOR=%s, or use another STATE_URL and LAKE_URL",
			ds.Name, known, ds.Clock, known)}
	}
	ds.Clock = known
	return ds, nil
}

// windows is what is to be read, in order of time.
func (pl *planning) windows(ds pipeline.Dataset, doc state.Document) []pipeline.Window {
	switch {
	case ds.Mode == pipeline.ModeSnapshot:
		if pl.now.Before(doc.Snapshot.Add(pl.cfg.limits().Snapshot)) {
			return nil
		}
		return []pipeline.Window{{Start: pl.now, End: pl.now.Add(pipeline.Tick)}}
	case pl.backfill != nil && pl.backfill.Newest:
		return days(pipeline.Missing(doc.Progress, pl.backfill.Window))
	case pl.backfill != nil:
		return pipeline.Missing(doc.Progress, pl.backfill.Window)
	case doc.Watermark.Before(pl.horizon):
		return []pipeline.Window{{Start: doc.Watermark, End: pl.horizon}}
	}
	return nil
}

// days cuts windows at midnight, as a backfill from the newest on does.
func days(windows []pipeline.Window) (cut []pipeline.Window) {
	const day = 24 * time.Hour
	for _, w := range windows {
		for at := w.Start.Truncate(day).Add(day); at.Before(w.End); at = at.Add(day) {
			cut = append(cut, pipeline.Window{Start: w.Start, End: at})
			w.Start = at
		}
		cut = append(cut, w)
	}
	return cut
}

// clocked is the dataset on the clock that its rows have: a table that nothing was
// exported of yet goes by event time where rows have no ingestion time.
func (pl *planning) clocked(ctx context.Context, ds pipeline.Dataset, doc state.Document, windows []pipeline.Window) (pipeline.Dataset, error) {
	fresh := doc.Rows == 0 && doc.Rejected == 0
	if !fresh || ds.FixedClock || ds.Clock != pipeline.ClockIngestion || ds.Query != "" || len(windows) == 0 {
		return ds, nil
	}
	all := pipeline.Window{Start: windows[0].Start, End: windows[len(windows)-1].End}
	lost, err := pl.reader.Count(ctx, pipeline.Counting{Dataset: ds, Window: all, Width: ledger.Width, Unclocked: true})
	switch {
	case err != nil && !uncounted(err):
		return ds, err
	case total(lost) > 0:
		ds.Clock = pipeline.ClockEvent
	}
	return ds, nil
}

// window plans one window by the API's counts of it.
func (pl *planning) window(ctx context.Context, ds pipeline.Dataset, doc state.Document, w pipeline.Window, d *datasetPlan) error {
	q := pipeline.Reading{Dataset: ds, Parts: []pipeline.Part{{Window: w}}, Pace: doc.Pace}
	if ds.Mode == pipeline.ModeAppend && ds.TimeColumn != "" {
		tally := &pipeline.Tally{Window: w, Width: pipeline.BinWidth(w)}
		var err error
		if tally.Bins, err = pl.reader.Count(ctx, pipeline.Counting{Dataset: ds, Window: w, Width: tally.Width}); err == nil {
			q.Tally = tally
		} else if !uncounted(err) {
			return err
		}
	}
	planned, err := pl.reader.Plan(ctx, q)
	if err != nil {
		return err
	}
	for i, rows := range planned.Rows {
		d.Windows = append(d.Windows, pipeline.WindowRows{Window: planned.Windows[i], Rows: rows})
		switch {
		case rows < 0:
			d.Rows = nil
		case d.Rows != nil:
			*d.Rows += rows
		}
	}
	d.Calls += calls(planned)
	return nil
}

// calls is how many calls fetch the rows. A stretch that is counted empty needs none.
func calls(planned source.Planned) (n int64) {
	for _, rows := range planned.Rows {
		if rows != 0 {
			n++
		}
	}
	return n
}

// snapshot plans a table that is exported as it stands.
func (pl *planning) snapshot(ctx context.Context, ds pipeline.Dataset, due []pipeline.Window, d *datasetPlan) error {
	if len(due) == 0 {
		d.Rows, d.Note = new(int64), ds.Name+": the last snapshot is younger than EXPORT_SNAPSHOT_INTERVAL"
		return nil
	}
	var g errgroup.Group
	var rows []ledger.Count
	g.Go(func() (err error) {
		rows, err = pl.reader.Count(ctx, pipeline.Counting{Dataset: ds})
		return err
	})
	planned, err := pl.reader.Plan(ctx, pipeline.Reading{Dataset: ds, Parts: []pipeline.Part{{Window: due[0]}}})
	if err := errors.Join(err, g.Wait()); err != nil {
		return err
	}
	n := total(rows)
	d.Rows, d.Calls = &n, calls(planned)
	return nil
}

// gaps plans what a run tries again. A slice of a stretch is a call of its own.
func (pl *planning) gaps(ctx context.Context, ds pipeline.Dataset, doc state.Document, d *datasetPlan) error {
	q := pipeline.Reading{Dataset: ds, Pace: doc.Pace}
	for _, g := range doc.Gaps {
		d.Gaps++
		if g.N > 1 {
			d.Calls++
			continue
		}
		q.Parts = append(q.Parts, pipeline.Part{Window: pipeline.Window(g.Stretch)})
	}
	planned, err := pl.reader.Plan(ctx, q)
	d.Calls += calls(planned)
	return err
}

// uncounted reports whether rows may come though their counts do not.
func uncounted(err error) bool {
	return errors.Is(err, source.ErrOverflow) || errors.Is(err, source.ErrUnexpected)
}

func total(bins []ledger.Count) (rows int64) {
	for _, b := range bins {
		rows += b.Rows
	}
	return rows
}
