package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// session is one dataset's share of a run.
type session struct {
	*Exporter
	*commit.Session // once the dataset is claimed
	ds              hunting.Dataset
	log             *slog.Logger
	cached          cachedLedger
	// columns are those that the dataset has had so far.
	columns *schema.Evolution
	arrive  func()         // tells the other datasets that this one is ready to count, or will not
	large   *TooLargeError // nil: every event of the commits that this run finished was taken
	result  Result

	books   books
	counter counter
	reader  reader
}

func (e *Exporter) session(ds hunting.Dataset) *session {
	r := &session{Exporter: e, ds: ds, log: e.Log.With("dataset", ds.Name), arrive: func() {}, result: Result{Dataset: ds.Name}}
	r.books, r.counter, r.reader = books{r}, counter{r}, reader{r}
	return r
}

// export runs one dataset: acquire, recover, then commits until caught up.
func (e *Exporter) export(ctx, stop context.Context, ds hunting.Dataset) Result {
	r := e.session(ds)
	r.arrive = sync.OnceFunc(e.together.arrive)
	defer r.arrive()
	defer e.Watch.Ended(ds.Name)
	start := e.Start().UTC().Truncate(hunting.Tick)
	if b := e.Backfill; b != nil { // what comes after it is for the next run
		start = b.Window.End
	}
	var err error
	if r.Session, err = e.Acquire(ctx, ds, start, r); err == nil {
		err = r.claimed(ctx, stop)
		if r.large != nil {
			err = errors.Join(err, r.large)
		}
		r.End(ctx, err, Failed(err))
		r.result.Watermark, r.result.Gaps, r.result.Check = r.Doc.Watermark, r.Doc.Gaps, r.Doc.Check
		if ds.Mode == hunting.ModeSnapshot {
			r.result.Watermark = r.Doc.Snapshot
		}
	}
	if err != nil {
		r.result.Err = fmt.Errorf("dataset %s: %w", ds.Name, err)
	}
	return r.result
}

// claimed does everything that needs the claim. It ends early when the claim does.
func (r *session) claimed(ctx, stop context.Context) error {
	ctx, release := r.Held(ctx)
	defer release()
	err := r.Settle(ctx)
	if err == nil {
		r.ds = timed(r.ds, r.Doc.Columns)
		r.columns, err = schema.Evolve(r.Doc.Columns)
	}
	if err == nil {
		err = r.work(ctx, stop)
	}
	return r.Close(ctx, err)
}

// Committed counts a commit that this run made visible.
func (r *session) Committed(o commit.Outcome) {
	r.result.Commits++
	r.result.Rows += o.Rows
	r.result.Rejected += o.Rejected
	r.result.Files += o.Files
	r.result.Bytes += o.Bytes
	r.result.Events += o.Events
	r.result.EventsRejected += o.EventsRejected
	if o.Kind == commit.KindLate {
		r.result.Late += o.Rows
	}
	if o.EventsRejected > 0 {
		r.large = &TooLargeError{Events: r.result.EventsRejected, Topic: o.Topic, Rejects: slices.Max(o.Rejects)}
		r.log.Warn("events are too large for their topic", "seq", o.Seq, "events", o.EventsRejected, "topic", o.Topic, "rejects", o.Rejects)
	}
	r.log.Info("committed", "kind", o.Kind, "seq", o.Seq, "rows", o.Rows, "rejected", o.Rejected, "files", o.Files,
		"events", o.Events, "watermark", r.Doc.Watermark.Format(time.RFC3339Nano))
}

// Learned keeps in the document what later runs need to know of the dataset.
func (r *session) Learned(d *state.Document) {
	if p := r.Source.Pace(r.ds.Name); p != (hunting.Estimate{}) {
		d.Pace = p
	}
	if d.Clock == "" {
		d.Clock = string(r.ds.Clock)
	}
}

// Look is what the state and the API's counts say of a dataset before any of its rows is
// read.
type Look struct {
	Dataset  hunting.Dataset // by the clock that its rows have
	Progress state.Progress  // from where a run or a backfill goes on
	Ahead    *hunting.Tally  // the API's counts of what a run reads; nil: not counted
	Err      error           // what of it stays incomplete, whatever is read; nil: nothing
}

// Look asks what Export asks before it reads rows, and changes nothing. An error is one
// that would end the dataset there.
func (e *Exporter) Look(ctx context.Context, ds hunting.Dataset, doc state.Document) (Look, error) {
	r := e.session(ds)
	r.Session = e.View(ds, doc)
	ahead, incomplete, err := r.look(ctx)
	return Look{r.ds, r.Doc.Progress, ahead, errors.Join(incomplete, r.delivered())}, err
}

func (r *session) look(ctx context.Context) (ahead *hunting.Tally, incomplete, err error) {
	if r.ds, err = commit.ClockOf(r.Doc, r.ds); err != nil {
		return nil, nil, err
	}
	if b := r.Backfill; b != nil {
		if incomplete, err = r.counter.lost(ctx, ctx, b.Window); err == nil && len(Missing(r.Doc.Progress, b.Window)) > 0 {
			_, err = r.books.ledger(ctx) // in which a commit enters its rows
		}
		return nil, incomplete, err
	}
	horizon := r.Horizon().UTC().Truncate(hunting.Tick)
	c, err := r.counter.count(ctx, ctx, horizon)
	if err != nil {
		return nil, nil, err
	}
	return c.ahead, r.incomplete(c, horizon), r.bury(ctx, horizon)
}
