package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/state"
)

// work is what a run does with a settled dataset. Nothing later in it is held up by a
// stretch that the API does not deliver.
func (r *session) work(ctx, stop context.Context) error {
	if r.ds.Mode == hunting.ModeSnapshot {
		r.arrive()
		return r.snapshot(ctx, stop)
	}
	var err error
	if r.ds, err = commit.ClockOf(r.Doc, r.ds); err != nil {
		return err
	}
	if r.Backfill != nil {
		return r.backfill(ctx, stop)
	}
	horizon := r.Horizon().UTC().Truncate(hunting.Tick)
	c, err := r.counter.count(ctx, stop, horizon)
	if err != nil {
		return err
	}
	if c.ahead != nil {
		r.Watch.Counted(r.ds.Name, total(c.ahead.Bins))
	}
	incomplete := r.incomplete(c, horizon)
	if err := r.bury(ctx, horizon); err != nil {
		return err
	}
	earlier := r.Doc.Gaps
	err = r.catchUp(ctx, stop, c, horizon)
	switch {
	case err == nil:
		return errors.Join(r.retry(ctx, stop, earlier), incomplete, r.delivered())
	case errors.Is(err, ErrStopped):
		return errors.Join(err, incomplete)
	case incomplete != nil: // the error itself may pass
		r.log.Warn("apart from what failed, the export is not complete", "error", incomplete)
	}
	return err
}

// incomplete is what a run cannot set right, whatever it reads; nil: nothing.
func (r *session) incomplete(c counts, horizon time.Time) error {
	return errors.Join(r.expired(horizon), c.unclocked, c.failed, r.unexplained(c))
}

// catchUp reads what is new, then what came late.
func (r *session) catchUp(ctx, stop context.Context, c counts, horizon time.Time) error {
	forward := pass{kind: commit.KindNew, tally: c.ahead}
	if w := (hunting.Window{Start: r.Doc.Watermark, End: horizon}); w.Start.Before(w.End) {
		forward.parts = []hunting.Part{{Window: w}}
	}
	if err := r.reader.read(ctx, stop, forward); err != nil {
		return err
	}
	return r.late(ctx, stop, c)
}

// expired is an error if what is to be read begins before what the API still has.
func (r *session) expired(horizon time.Time) error {
	kept := horizon.Add(-retention - time.Hour) // a run may take a while to get here
	if !r.Doc.Watermark.Before(kept) {
		return nil
	}
	return &ExpiredError{Window: hunting.Window{Start: r.Doc.Watermark, End: kept}}
}

// retry reads gaps of earlier runs again.
func (r *session) retry(ctx, stop context.Context, gaps []state.Gap) error {
	plain, late := pass{kind: commit.KindGap}, pass{kind: commit.KindGap}
	var stretches []hunting.Window // whose exported rows must be told from late ones
	for _, g := range gaps {
		still := func(now state.Gap) bool {
			return now.Start.Equal(g.Start) && now.I == g.I && now.N == g.N && now.Late == g.Late
		}
		if g.N > 1 && !slices.ContainsFunc(r.Doc.Gaps, still) {
			continue // by now part of a larger one, which the next run reads
		}
		part := hunting.Part{Window: g.Window, Slice: hunting.Slice{I: g.I, N: g.N}}
		if !g.Late {
			plain.parts = append(plain.parts, part)
			continue
		}
		bins := hunting.Window{Start: ledger.Start(ledger.Number(g.Start)), End: ceil(g.End)}
		if !r.books.reconciles() || g.Start.Before(r.Doc.Ledger.From) {
			continue // nobody knows any more which of its rows are exported
		}
		late.parts, stretches = append(late.parts, part), state.Union(stretches, bins)
	}
	if err := r.reader.read(ctx, stop, plain); err != nil {
		return err
	}
	return r.unseen(ctx, stop, late, stretches)
}

// bury gives up gaps whose rows have left the API.
func (r *session) bury(ctx context.Context, horizon time.Time) error {
	gone := horizon.Add(-retention - 24*time.Hour)
	dead := func(g state.Gap) bool { return g.End.Before(gone) }
	if !slices.ContainsFunc(r.Doc.Gaps, dead) {
		return nil
	}
	return r.Update(ctx, func(d *state.Document) {
		d.Gaps = slices.DeleteFunc(slices.Clone(d.Gaps), func(g state.Gap) bool {
			if dead(g) {
				r.log.Error("a gap is given up: its rows have left the API", "window", g.Window.String(), "reason", g.Reason)
			}
			return dead(g)
		})
	})
}

// delivered is nil if the dataset has no gaps.
func (r *session) delivered() error {
	if len(r.Doc.Gaps) == 0 {
		return nil
	}
	return &GapsError{Gaps: r.Doc.Gaps}
}

// backfill reads what was never read of a stretch of the past.
func (r *session) backfill(ctx, stop context.Context) error {
	if r.ds.Mode.ByCut() {
		return hunting.Refuse("%s sums up or joins within its windows: the rows of a backfill would depend on how it is cut; run the query for the stretch by hand", r.ds.Name)
	}
	lost, err := r.counter.lost(ctx, stop, r.Backfill.Window, Missing(r.Doc.Progress, r.Backfill.Window)...)
	if err != nil {
		return err
	}
	missing := Missing(r.Doc.Progress, r.Backfill.Window) // which another clock changes
	if r.Backfill.Newest {
		missing = newestFirst(missing)
	}
	j := pass{kind: commit.KindBackfill}
	for _, w := range missing {
		j.parts = append(j.parts, hunting.Part{Window: w})
	}
	if err := r.reader.read(ctx, stop, j); err != nil {
		return err
	}
	return errors.Join(lost, r.delivered())
}

// Missing is what of a stretch was never read. Nothing after the watermark is: that is
// left to the runs to come.
func Missing(p state.Progress, w hunting.Window) []hunting.Window {
	if w.End.After(p.Watermark) {
		w.End = p.Watermark
	}
	if !w.Start.Before(w.End) {
		return nil
	}
	missing := []hunting.Window{w}
	for _, c := range p.Covered {
		missing = state.Minus(missing, c)
	}
	return missing
}

// newestFirst cuts windows at midnight and turns their order round.
func newestFirst(windows []hunting.Window) []hunting.Window {
	var days []hunting.Window
	for _, w := range windows {
		for w.Start.Before(w.End) {
			midnight := w.Start.Truncate(24 * time.Hour).Add(24 * time.Hour)
			if midnight.After(w.End) {
				midnight = w.End
			}
			days = append(days, hunting.Window{Start: w.Start, End: midnight})
			w.Start = midnight
		}
	}
	slices.Reverse(days)
	return days
}

// snapshot exports the table as it stands, unless the last time is not long ago.
func (r *session) snapshot(ctx, stop context.Context) error {
	if r.Backfill != nil {
		return hunting.Refuse("%s holds how things stand now: there is no past to export", r.ds.Name)
	}
	now := time.Now().UTC().Truncate(hunting.Tick)
	if now.Before(r.Doc.Snapshot.Add(r.Limits.Snapshot)) {
		return nil
	}
	part := hunting.Part{Window: hunting.Window{Start: now, End: now.Add(hunting.Tick)}}
	return r.reader.read(ctx, stop, pass{kind: commit.KindSnapshot, parts: []hunting.Part{part}})
}
