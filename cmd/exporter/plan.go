package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/report"
	"hunting-exporter/source"
	"hunting-exporter/state"
)

// planning looks into the state and asks the API for counts. It writes nothing and
// fetches no rows.
type planning struct {
	cfg       config.Config
	reader    *source.Reader
	documents *state.Store
	exporter  *pipeline.Exporter // as a run would have it, but for Kafka
	start     time.Time          // of a dataset without state
	now       time.Time
	horizon   time.Time
	backfill  *pipeline.Backfill // nil: what is new
}

// makePlan plans every dataset. It never fails without a plan that says why.
func makePlan(ctx context.Context, cfg config.Config, s surroundings) report.Plan {
	p := report.NewPlan(versionText())
	fail := func(err error) report.Plan {
		if e := interruption(ctx); e != nil {
			err = e
		}
		s.log.Error("cannot plan", "error", err)
		p.Fail(err, codeOf(err))
		return p
	}
	now := time.Now()
	conn := newConnection(cfg, s)
	defer conn.close()
	if err := conn.open(ctx, cfg, s); err != nil {
		return fail(err)
	}
	reader := conn.reader
	login, giveUp := whileLoggingIn(ctx, cfg)
	defer giveUp(nil)
	if err := reader.Check(login); err != nil {
		return fail(late(login, "token server", err))
	}
	var err error
	if conn.tenant, err = reader.Tenant(ctx); err != nil {
		return fail(err)
	}
	start, err := config.StartTime(cfg.Export.Start, now.Add(-reader.Ahead()))
	if err != nil {
		return fail(err)
	}
	end := horizon(reader, cfg.Export.Lag)
	if s.backfill != nil {
		if s.backfill, err = endBy(s.backfill, end); err != nil {
			return fail(err)
		}
	}
	e := conn.exporter(cfg, s, cmp.Or(s.run, runID()))
	e.Horizon, e.Backfill = func() time.Time { return end }, s.backfill
	pl := &planning{
		cfg: cfg, reader: reader, exporter: e, documents: e.Stores.State,
		start: start.UTC().Truncate(hunting.Tick), now: now.UTC().Truncate(hunting.Tick), horizon: end, backfill: s.backfill,
	}
	datasets, leftOut := s.chosen(cfg)
	results := pl.datasets(ctx, datasets, &p)
	for _, d := range leftOut {
		p.Datasets = append(p.Datasets, report.PlannedDataset{Dataset: d.Dataset, Note: d.Note})
	}
	p.Counts = reader.Stats().Calls
	p.Minutes = cfg.Minutes(float64(p.Calls + p.Counts))
	p.Code = codeOfResults(ctx, results)
	if e := interruption(ctx); e != nil {
		p.Fail(e, codeOf(e))
	}
	return p
}

// datasets plans all at once, so that their counts travel together, and sums up.
func (pl *planning) datasets(ctx context.Context, datasets []hunting.Dataset, sum *report.Plan) []pipeline.Result {
	plans, results := make([]report.PlannedDataset, len(datasets)), make([]pipeline.Result, len(datasets))
	var wg sync.WaitGroup
	for i, ds := range datasets {
		wg.Go(func() {
			defer crash.Exit()
			var err error
			if plans[i], err = pl.dataset(ctx, ds); err != nil {
				plans[i].Error = report.InLine(err.Error())
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

func (pl *planning) dataset(ctx context.Context, ds hunting.Dataset) (report.PlannedDataset, error) {
	d := report.PlannedDataset{Dataset: ds.Name}
	doc, err := pl.load(ctx, ds)
	if err != nil {
		return d, err
	}
	if doc.Pending != nil {
		d.Note = fmt.Sprintf("%s: commit %d is pending: a run settles it first, and may then have less to read", ds.Name, doc.Pending.Seq)
	}
	if ds, err = commit.ClockOf(doc, ds); err != nil {
		return d, err
	}
	if ds.Mode == hunting.ModeSnapshot {
		err = pl.snapshot(ctx, ds, pl.between(ds, doc, &d), &d)
		return d, err
	}
	look, err := pl.exporter.Look(ctx, ds, doc)
	if err != nil {
		return d, err
	}
	ds, doc.Progress = look.Dataset, look.Progress
	d.Rows = new(int64)
	for _, w := range pl.between(ds, doc, &d) {
		if err := pl.window(ctx, ds, doc.Pace, w, look.Ahead, &d); err != nil {
			return d, err
		}
	}
	// Whether rows would come nobody has asked yet, or with which columns.
	if d.Rows == nil || ds.Query != "" && d.From != nil {
		if err := pl.reader.Probe(ctx, ds, hunting.Window{Start: *d.From, End: *d.To}); err != nil {
			return d, err
		}
	}
	if pl.backfill == nil {
		err = pl.gaps(ctx, ds, doc, &d)
	}
	return d, errors.Join(err, look.Err)
}

// between is what is to be read, which the plan says from where to where.
func (pl *planning) between(ds hunting.Dataset, doc state.Document, d *report.PlannedDataset) []hunting.Window {
	windows := pl.windows(ds, doc)
	if len(windows) > 0 {
		d.From, d.To = &windows[0].Start, &windows[len(windows)-1].End
	}
	return windows
}

// load is the dataset's state, or what a first run would make it, unless a run would
// refuse it.
func (pl *planning) load(ctx context.Context, ds hunting.Dataset) (state.Document, error) {
	doc, err := pl.documents.Load(ctx, ds.Name)
	if errors.Is(err, state.ErrNone) {
		err = nil
		doc = state.Document{Dataset: ds.Name, Progress: state.Progress{Watermark: pl.start}}
		if pl.backfill != nil {
			doc.Watermark = pl.backfill.Window.End
		}
	}
	if err != nil {
		return doc, err
	}
	e := *pl.exporter
	if pl.cfg.Kafka.Enabled() { // which cluster it is nobody has asked
		e.Destinations.Cluster, e.Destinations.Topic = doc.Destinations.Cluster, pl.cfg.Kafka.Topic
	}
	return doc, e.Fits(ctx, ds, doc)
}

// windows is what is to be read, in order of time.
func (pl *planning) windows(ds hunting.Dataset, doc state.Document) []hunting.Window {
	switch {
	case ds.Mode == hunting.ModeSnapshot:
		if pl.now.Before(doc.Snapshot.Add(pl.cfg.Limits().Snapshot)) {
			return nil
		}
		return []hunting.Window{{Start: pl.now, End: pl.now.Add(hunting.Tick)}}
	case pl.backfill != nil && pl.backfill.Newest:
		return days(pipeline.Missing(doc.Progress, pl.backfill.Window))
	case pl.backfill != nil:
		return pipeline.Missing(doc.Progress, pl.backfill.Window)
	case doc.Watermark.Before(pl.horizon):
		return []hunting.Window{{Start: doc.Watermark, End: pl.horizon}}
	}
	return nil
}

// days cuts windows at midnight, as a backfill from the newest on does.
func days(windows []hunting.Window) (cut []hunting.Window) {
	const day = 24 * time.Hour
	for _, w := range windows {
		for at := w.Start.Truncate(day).Add(day); at.Before(w.End); at = at.Add(day) {
			cut = append(cut, hunting.Window{Start: w.Start, End: at})
			w.Start = at
		}
		cut = append(cut, w)
	}
	return cut
}

// window plans one window by the API's counts of it. Counts that do not come keep no run
// from reading.
func (pl *planning) window(ctx context.Context, ds hunting.Dataset, pace hunting.Estimate, w hunting.Window, tally *hunting.Tally, d *report.PlannedDataset) error {
	asked := pl.backfill == nil && pl.cfg.Limits().Reconcile > 0
	if tally == nil && !asked && ds.Mode == hunting.ModeAppend && ds.TimeColumn != "" {
		width := pipeline.BinWidth(w)
		bins, err := pl.reader.Count(ctx, hunting.Counting{Dataset: ds, Window: w, Width: width})
		if err == nil {
			tally = &hunting.Tally{Window: w, Width: width, Bins: bins}
		} else if ctx.Err() != nil {
			return err
		}
	}
	planned, err := pl.reader.Plan(ctx, hunting.Reading{Dataset: ds, Parts: []hunting.Part{{Window: w}}, Pace: pace, Tally: tally})
	if err != nil {
		return err
	}
	for i, rows := range planned.Rows {
		d.Windows = append(d.Windows, commit.WindowRows{Window: planned.Windows[i], Rows: rows})
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
func (pl *planning) snapshot(ctx context.Context, ds hunting.Dataset, due []hunting.Window, d *report.PlannedDataset) error {
	if len(due) == 0 {
		d.Rows, d.Note = new(int64), ds.Name+": the last snapshot is younger than EXPORT_SNAPSHOT_INTERVAL"
		return nil
	}
	var g errgroup.Group
	g.Go(func() error {
		defer crash.Exit()
		rows, err := pl.reader.Count(ctx, hunting.Counting{Dataset: ds})
		if err == nil {
			n := total(rows)
			d.Rows = &n
		}
		if err == nil && ds.Query == "" {
			return nil
		}
		return pl.reader.Probe(ctx, ds, due[0])
	})
	planned, err := pl.reader.Plan(ctx, hunting.Reading{Dataset: ds, Parts: []hunting.Part{{Window: due[0]}}})
	d.Calls = calls(planned)
	return cmp.Or(err, g.Wait())
}

// gaps plans what a run tries again. A slice of a stretch is a call of its own.
func (pl *planning) gaps(ctx context.Context, ds hunting.Dataset, doc state.Document, d *report.PlannedDataset) error {
	q := hunting.Reading{Dataset: ds, Pace: doc.Pace}
	for _, g := range doc.Gaps {
		d.Gaps++
		if g.N > 1 {
			d.Calls++
			continue
		}
		q.Parts = append(q.Parts, hunting.Part{Window: g.Window})
	}
	planned, err := pl.reader.Plan(ctx, q)
	d.Calls += calls(planned)
	return err
}

func total(bins []hunting.Count) (rows int64) {
	for _, b := range bins {
		rows += b.Rows
	}
	return rows
}
