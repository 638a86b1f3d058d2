package pipeline

import (
	"context"
	"errors"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/state"
)

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
	r := &session{Exporter: e, Session: e.View(ds, doc), ds: ds, log: e.Log.With("dataset", ds.Name), arrive: func() {}}
	ahead, incomplete, err := r.look(ctx)
	return Look{r.ds, r.Doc.Progress, ahead, errors.Join(incomplete, r.delivered())}, err
}

func (r *session) look(ctx context.Context) (ahead *hunting.Tally, incomplete, err error) {
	if r.ds, err = commit.ClockOf(r.Doc, r.ds); err != nil {
		return nil, nil, err
	}
	if b := r.Backfill; b != nil {
		if incomplete, err = r.lost(ctx, ctx, b.Window); err == nil && len(Missing(r.Doc.Progress, b.Window)) > 0 {
			_, err = r.ledger(ctx) // in which a commit enters its rows
		}
		return nil, incomplete, err
	}
	horizon := r.Horizon().UTC().Truncate(hunting.Tick)
	c, err := r.count(ctx, ctx, horizon)
	if err != nil {
		return nil, nil, err
	}
	return c.ahead, r.incomplete(c, horizon), r.bury(ctx, horizon)
}
