package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/source"
	"hunting-exporter/state"
)

func (pl *planning) dataset(ctx context.Context, ds pipeline.Dataset) (datasetPlan, error) {
	d := datasetPlan{Dataset: ds.Name}
	doc, err := pl.load(ctx, ds)
	if err != nil {
		return d, err
	}
	if doc.Pending != nil {
		d.Note = fmt.Sprintf("%s: commit %d is pending: a run settles it first, and may then have less to read", ds.Name, doc.Pending.Seq)
	}
	if ds, err = pipeline.ClockOf(doc, ds); err != nil {
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

// load is the dataset's state, or what a first run would make it, unless a run would
// refuse it.
func (pl *planning) load(ctx context.Context, ds pipeline.Dataset) (state.Document, error) {
	doc, err := pl.documents.Load(ctx, ds.Name)
	if errors.Is(err, state.ErrNone) {
		err = nil
		doc = state.Document{Dataset: ds.Name, Progress: state.Progress{Watermark: pl.start}}
		if pl.backfill != nil {
			doc.Watermark = pl.backfill.Window.End
		}
	}
	if err != nil || pl.exporter == nil {
		return doc, err
	}
	e := *pl.exporter
	if pl.cfg.Kafka.Enabled() { // which cluster it is nobody has asked
		e.Destinations.Cluster, e.Destinations.Topic = doc.Destinations.Cluster, pl.cfg.Kafka.Topic
	}
	return doc, e.Fits(ctx, ds, doc)
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
		defer crash.Exit()
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
