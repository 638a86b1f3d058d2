package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/spill"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// attempt gathers the batches of one commit on local disk, in every sink.
type attempt struct {
	*commit.Draft
	run  *session
	pass pass
	mid  bool           // the last part has more pages to come, so there can be no commit
	done []hunting.Part // read to the end, gaps included
	keys *keyLog        // of the rows, for the ledger; nil: not kept

	// Of the first batch with rows.
	schema  string
	columns []schema.Column
	stages  []*sinkStage
}

// begin starts an attempt with the part that comes first.
func (r reader) begin(j pass, first hunting.Part) *attempt {
	a := &attempt{Draft: r.Draft(r.ds, j.kind, first), run: r.session, pass: j}
	a.Next = a.next
	if r.books.reconciles() {
		a.keys = newKeyLog(r.session, a.Attempt)
	}
	return a
}

// accepts reports whether b can be of the same commit as what the attempt holds: the
// rows of a file have one schema, and the windows of a commit ascend.
func (a *attempt) accepts(b hunting.Batch) bool {
	if !a.mid && (b.More || b.Start.Before(a.To)) {
		return false
	}
	return a.schema == "" || b.Rows() == 0 || a.schema == fingerprint(b)
}

func fingerprint(b hunting.Batch) string { return schema.Fingerprint(b.Record.Schema()) }

// add takes over the batch and hands it to every sink.
func (a *attempt) add(ctx context.Context, from held[hunting.Batch]) error {
	defer from.release()
	defer func() { from.v.Release() }()
	a.run.Watch.Read(a.Dataset.Name, from.v.Rows()+int64(len(from.v.Rejects)))
	if err := a.note(ctx, &from.v); err != nil {
		return err
	}
	b := &from.v
	rows := b.Rows()
	if rows > 0 && a.schema == "" {
		a.columns = schema.Columns(b.Record.Schema())
		if err := a.open(ctx, fingerprint(*b)); err != nil {
			return err
		}
	}
	if rows > 0 {
		for _, s := range a.stages {
			if err := s.send(ctx, from); err != nil {
				return err
			}
		}
	}
	if err := a.Reject(ctx, b.Rejects); err != nil {
		return err
	}
	a.Rows += rows
	a.Windows = append(a.Windows, commit.WindowRows{Window: b.Window, Slice: b.Slice, Rows: rows})
	return a.arrived(*b)
}

// arrived notes that a page of a part has come, or that it never will.
func (a *attempt) arrived(b hunting.Batch) error {
	if b.Gap != nil {
		if err := a.lack(*b.Gap); err != nil {
			return err
		}
	}
	if a.mid = b.More; !a.mid {
		a.done = append(a.done, b.Part)
		a.To = b.End
	}
	return nil
}

// lack notes what the API does not deliver. A snapshot has all of it or none.
func (a *attempt) lack(g hunting.Gap) error {
	if a.pass.kind == commit.KindSnapshot {
		return fmt.Errorf("snapshot of %s: nothing of it is exported, since the API does not deliver slice %d of %d: %s",
			a.Dataset.Name, g.Slice.I, g.Slice.N, g.Reason)
	}
	g.Late = a.pass.seen != nil
	a.run.log.Warn("the API does not deliver this; it is kept as a gap and tried again", "window", g.Window.String(), "kind", a.pass.kind, "reason", g.Reason)
	a.Gaps = append(a.Gaps, g)
	return nil
}

// note enters the batch's rows in the ledger, and takes those out of it that were
// exported already.
func (a *attempt) note(ctx context.Context, b *hunting.Batch) error {
	if a.keys == nil {
		return nil
	}
	return a.keys.add(ctx, b, a.pass.seen)
}

// open opens the attempt in each sink and starts its stage.
func (a *attempt) open(ctx context.Context, fingerprint string) error {
	a.schema = fingerprint
	sinks, err := a.Open(timed(a.Dataset, a.columns))
	for _, write := range sinks {
		a.stages = append(a.stages, startSink(ctx, a.run.Limits.Buffer, write))
	}
	return err
}

// commit commits what the attempt holds.
func (a *attempt) commit(ctx context.Context) error {
	if err := a.close(); err != nil {
		return err
	}
	return a.run.Commit(ctx, a.Draft)
}

// close ends the sink stages: everything is on local disk, or there is an error.
func (a *attempt) close() (err error) {
	for _, s := range a.stages {
		err = errors.Join(err, s.close())
	}
	a.stages = nil
	return err
}

// explained says how much local disk a commit takes, where it has no more room.
func (a *attempt) explained(err error) error {
	full, ok := errors.AsType[*spill.FullError](err)
	if !ok {
		return err
	}
	limit, takes := a.run.Limits.Rows, ""
	if full.Rows > 0 {
		takes = fmt.Sprintf(", which need %s or more", spill.Size(int64(float64(full.Bytes)/float64(full.Rows)*float64(limit))))
	}
	return fmt.Errorf("%w; a commit may have EXPORT_COMMIT_ROWS=%d rows%s: lower it where there is no such room; nothing is lost, the next run exports commit %d", err, limit, takes, a.Seq)
}

// next is the progress after this attempt, its ledger written, and the objects that
// are then of no more use.
func (a *attempt) next(ctx context.Context) (next state.Progress, dropped []string, err error) {
	next = a.pass.after(a.run.Doc.Progress, a, time.Now().UTC())
	if len(next.Gaps) > maxGaps {
		return next, nil, fmt.Errorf("the API does not deliver %d stretches, the newest because %s: more than %d gaps are not kept; find out what is wrong with the dataset or the tenant, then run again",
			len(next.Gaps), next.Gaps[len(next.Gaps)-1].Reason, maxGaps)
	}
	switch {
	case a.keys == nil && a.pass.kind == commit.KindSnapshot:
		return next, nil, nil
	case a.keys == nil && next.Ledger.Key != "": // it would lack these rows
		dropped, next.Ledger = []string{next.Ledger.Key}, state.Ledger{}
		return next, dropped, nil
	case a.keys == nil:
		return next, nil, nil
	}
	next.Ledger, dropped, err = a.keys.write(ctx, next, a)
	return next, dropped, err
}

// maxGaps bounds the gaps of a dataset, since its document must stay small.
const maxGaps = 150

// discard removes local files. It never touches what was sent or uploaded.
func (a *attempt) discard() error {
	if a == nil {
		return nil
	}
	_ = a.close() // reported already where it mattered
	return a.Close()
}

// timed is a table that the catalogue does not know by the time that its columns show,
// if they are known yet: Timestamp, else TimeGenerated, else the first time there is.
func timed(ds hunting.Dataset, columns []schema.Column) hunting.Dataset {
	if _, known := schema.Lookup(ds.Name); known || ds.Query != "" || ds.Mode != hunting.ModeAppend || len(columns) == 0 {
		return ds
	}
	var times []string
	for _, c := range columns {
		if c.Type == dateTime && c.Name != schema.IngestionTime {
			times = append(times, c.Name)
		}
	}
	for _, name := range []string{ds.TimeColumn, "TimeGenerated"} {
		if slices.Contains(times, name) {
			ds.TimeColumn = name
			return ds
		}
	}
	if len(times) > 0 {
		ds.TimeColumn = times[0]
	}
	return ds
}

// dateTime is the API's name of a time's type.
const dateTime = "DateTime"
