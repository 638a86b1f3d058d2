package commit

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// Draft is an attempt whose rows are gathered on local disk, in every sink. Its caller
// says what came of which part.
type Draft struct {
	Attempt
	Kind     Kind
	To       time.Time // up to where parts are read
	Rows     int64
	Rejected int64
	Windows  []WindowRows
	Gaps     []hunting.Gap
	// Next is the progress after this attempt, all that it names written, and the objects
	// that are then of no more use.
	Next func(ctx context.Context) (next state.Progress, dropped []string, err error)

	session *Session
	rejects rejectLog
	files   []file      // of the publishers; none: no rows yet
	events  EventWriter // nil: no rows yet, or no decider
}

// file is what one publisher writes of an attempt.
type file struct {
	publisher string
	Writer
}

// Draft begins an attempt at the next commit, with the part that comes first.
func (s *Session) Draft(ds hunting.Dataset, kind Kind, first hunting.Part) *Draft {
	d := &Draft{
		Attempt: s.Attempt(ds, first.Start),
		Kind:    kind,
		To:      first.Start,
		session: s,
	}
	d.Seq++
	d.rejects = rejectLog{objects: s.Stores.Meta, attempt: d.Attempt}
	return d
}

// Attempt names what is written under a name of its own beside the last commit.
func (s *Session) Attempt(ds hunting.Dataset, from time.Time) Attempt {
	return Attempt{Dataset: ds, Seq: s.Doc.Seq, Epoch: s.Doc.Epoch, ID: state.NewID(), From: from}
}

// Open opens the attempt in each sink and returns what takes rows there.
func (d *Draft) Open(ds hunting.Dataset) (sinks []func(context.Context, hunting.Batch) error, err error) {
	s := d.session
	d.Dataset = ds
	for _, p := range s.Publishers {
		w, err := p.Begin(d.Attempt)
		if err != nil {
			return sinks, err
		}
		d.files = append(d.files, file{p.Name(), w})
		sinks = append(sinks, w.Write)
	}
	if s.decider != nil {
		if d.events, err = s.decider.Begin(d.Attempt, d.rejects.refuse); err != nil {
			return sinks, err
		}
		sinks = append(sinks, d.events.Write)
	}
	return sinks, nil
}

// Reject keeps rows that could not be converted.
func (d *Draft) Reject(ctx context.Context, rejects []hunting.Reject) error {
	d.Rejected += int64(len(rejects))
	return d.rejects.add(ctx, rejects)
}

// prepare is step 9: files uploaded, seen runs and ledger written, all of it invisible.
func (d *Draft) prepare(ctx context.Context) (in intent, err error) {
	in.Receipts = map[string]json.RawMessage{}
	files := []ManifestFile{}
	for _, f := range d.files {
		ready, err := f.Prepare(ctx, d.To) // which writes the last rows
		if err != nil {
			return intent{}, err
		}
		in.Receipts[f.publisher] = ready.Receipt
		files = append(files, ready.Files...)
	}
	in.Manifest = Manifest{
		Dataset: d.Dataset.Name, Kind: d.Kind, Seq: d.Seq, Commit: d.ID, Version: d.session.Version,
		From: d.From, To: d.To, Rows: d.Rows, Rejected: d.Rejected, Sinks: d.session.Destinations,
		Windows: d.Windows, Files: files,
	}
	for _, g := range d.Gaps {
		in.Manifest.Gaps = append(in.Manifest.Gaps, ManifestGap(g))
	}
	in.Next, in.Dropped, err = d.Next(ctx)
	return in, err
}

// settle completes the intent: only once events are sent is it known which of them the
// topic does not take.
func (d *Draft) settle(ctx context.Context, in *intent) (err error) {
	m := &in.Manifest
	if m.Rejects, m.EventsRejected, err = d.rejects.flush(ctx); err != nil || d.events == nil {
		return err
	}
	m.Topic, m.Events = d.session.decider.Topic(), d.events.Events()
	return nil
}

// Close removes local files. It never touches what was sent or uploaded.
func (d *Draft) Close() (err error) {
	for _, f := range d.files {
		err = errors.Join(err, f.Close())
	}
	if d.events != nil {
		err = errors.Join(err, d.events.Close())
	}
	return err
}
