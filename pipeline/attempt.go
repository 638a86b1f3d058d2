package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/spill"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// attempt gathers the batches of one commit on local disk, in every sink.
type attempt struct {
	Attempt
	run      *run
	job      job
	to       time.Time
	mid      bool // the last part has more pages to come, so there can be no commit
	rows     int64
	rejected int64
	windows  []WindowRows
	done     []hunting.Part // read to the end, gaps included
	gaps     []hunting.Gap
	rejects  rejectLog
	keys     *keyLog // of the rows, for the ledger; nil: not kept

	// Opened by the first batch with rows; nil for sinks not in use.
	schema  string
	columns []schema.Column
	files   LakeWriter
	events  LogWriter
	stages  []*sinkStage
}

// begin starts an attempt with the part that comes first.
func (r *run) begin(j job, first hunting.Part) *attempt {
	a := &attempt{
		Attempt: Attempt{Dataset: r.ds, Seq: r.doc.Seq + 1, Epoch: r.doc.Epoch, ID: state.NewID(), From: first.Start},
		run:     r,
		job:     j,
		to:      first.Start,
	}
	a.rejects = rejectLog{objects: r.Stores.Meta, attempt: a.Attempt}
	if r.reconciles() {
		a.keys = newKeyLog(r, a.Attempt)
	}
	return a
}

// accepts reports whether b can be of the same commit as what the attempt holds: the
// rows of a file have one schema, and the windows of a commit ascend.
func (a *attempt) accepts(b hunting.Batch) bool {
	if !a.mid && (b.More || b.Start.Before(a.to)) {
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
	if err := a.rejects.add(ctx, b.Rejects); err != nil {
		return err
	}
	a.rows += rows
	a.rejected += int64(len(b.Rejects))
	a.windows = append(a.windows, WindowRows{Window: b.Window, Slice: b.Slice, Rows: rows})
	return a.pass(*b)
}

// pass notes that a page of a part has come, or that it never will.
func (a *attempt) pass(b hunting.Batch) error {
	if b.Gap != nil {
		if err := a.lack(*b.Gap); err != nil {
			return err
		}
	}
	if a.mid = b.More; !a.mid {
		a.done = append(a.done, b.Part)
		a.to = b.End
	}
	return nil
}

// lack notes what the API does not deliver. A snapshot has all of it or none.
func (a *attempt) lack(g hunting.Gap) error {
	if a.job.kind == KindSnapshot {
		return fmt.Errorf("snapshot of %s: nothing of it is exported, since the API does not deliver slice %d of %d: %s",
			a.Dataset.Name, g.Slice.I, g.Slice.N, g.Reason)
	}
	g.Late = a.job.seen != nil
	a.run.log.Warn("the API does not deliver this; it is kept as a gap and tried again", "window", g.Window.String(), "kind", a.job.kind, "reason", g.Reason)
	a.gaps = append(a.gaps, g)
	return nil
}

// note enters the batch's rows in the ledger, and takes those out of it that were
// exported already.
func (a *attempt) note(ctx context.Context, b *hunting.Batch) error {
	if a.keys == nil {
		return nil
	}
	return a.keys.add(ctx, b, a.job.seen)
}

// open opens the attempt in each sink and starts its stage.
func (a *attempt) open(ctx context.Context, fingerprint string) (err error) {
	r := a.run
	a.schema = fingerprint
	a.Dataset = timed(a.Dataset, a.columns)
	if r.Lake != nil {
		if a.files, err = r.Lake.Begin(a.Attempt); err != nil {
			return err
		}
		a.stages = append(a.stages, startSink(ctx, r.Limits.Buffer, a.files.Write))
	}
	if r.kafka != nil {
		if a.events, err = r.kafka.Begin(a.Attempt, a.rejects.refuse); err != nil {
			return err
		}
		a.stages = append(a.stages, startSink(ctx, r.Limits.Buffer, a.events.Write))
	}
	return nil
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

// prepare is step 9: files uploaded, seen runs and ledger written, all of it invisible.
func (a *attempt) prepare(ctx context.Context) (in intent, err error) {
	if a.files != nil {
		if in.Files, err = a.files.Prepare(ctx, a.to); err != nil { // which writes the last rows
			return intent{}, err
		}
	}
	in.Manifest = Manifest{
		Dataset: a.Dataset.Name, Kind: a.job.kind, Seq: a.Seq, Commit: a.ID, Version: a.run.Version,
		From: a.From, To: a.to, Rows: a.rows, Rejected: a.rejected, Sinks: a.run.Destinations,
		Windows: a.windows, Files: make([]ManifestFile, 0, len(in.Files)),
	}
	for _, g := range a.gaps {
		in.Manifest.Gaps = append(in.Manifest.Gaps, ManifestGap(g))
	}
	for _, f := range in.Files {
		in.Manifest.Files = append(in.Manifest.Files, ManifestFile{Key: f.Key, Size: f.Size, SHA256: f.SHA256, Rows: f.Rows})
	}
	in.Next, in.Dropped, err = a.next(ctx)
	return in, err
}

// settle completes the intent: only once events are sent is it known which of them the
// topic does not take.
func (a *attempt) settle(ctx context.Context, in *intent) (err error) {
	m := &in.Manifest
	if m.Rejects, m.EventsRejected, err = a.rejects.flush(ctx); err != nil || a.events == nil {
		return err
	}
	m.Topic, m.Events = a.run.kafka.Topic(), a.events.Events()
	return nil
}

// next is the progress after this attempt, its ledger written, and the objects that
// are then of no more use.
func (a *attempt) next(ctx context.Context) (next state.Progress, dropped []string, err error) {
	next = a.job.after(a.run.doc.Progress, a, time.Now().UTC())
	if len(next.Gaps) > maxGaps {
		return next, nil, fmt.Errorf("the API does not deliver %d stretches, the newest because %s: more than %d gaps are not kept; find out what is wrong with the dataset or the tenant, then run again",
			len(next.Gaps), next.Gaps[len(next.Gaps)-1].Reason, maxGaps)
	}
	switch {
	case a.keys == nil && a.job.kind == KindSnapshot:
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
func (a *attempt) discard() (err error) {
	if a == nil {
		return nil
	}
	_ = a.close() // reported already where it mattered
	if a.files != nil {
		err = a.files.Close()
	}
	if a.events != nil {
		err = errors.Join(err, a.events.Close())
	}
	return err
}
