package commit

import (
	"context"
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
	files   LakeWriter // nil: no rows yet, or no lake
	events  LogWriter  // nil: no rows yet, or no Kafka
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
	if s.Lake != nil {
		if d.files, err = s.Lake.Begin(d.Attempt); err != nil {
			return nil, err
		}
		sinks = append(sinks, d.files.Write)
	}
	if s.kafka != nil {
		if d.events, err = s.kafka.Begin(d.Attempt, d.rejects.refuse); err != nil {
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
	if d.files != nil {
		if in.Files, err = d.files.Prepare(ctx, d.To); err != nil { // which writes the last rows
			return intent{}, err
		}
	}
	in.Manifest = Manifest{
		Dataset: d.Dataset.Name, Kind: d.Kind, Seq: d.Seq, Commit: d.ID, Version: d.session.Version,
		From: d.From, To: d.To, Rows: d.Rows, Rejected: d.Rejected, Sinks: d.session.Destinations,
		Windows: d.Windows, Files: make([]ManifestFile, 0, len(in.Files)),
	}
	for _, g := range d.Gaps {
		in.Manifest.Gaps = append(in.Manifest.Gaps, ManifestGap(g))
	}
	for _, f := range in.Files {
		in.Manifest.Files = append(in.Manifest.Files, ManifestFile{Key: f.Key, Size: f.Size, SHA256: f.SHA256, Rows: f.Rows})
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
	m.Topic, m.Events = d.session.kafka.Topic(), d.events.Events()
	return nil
}

// Close removes local files. It never touches what was sent or uploaded.
func (d *Draft) Close() (err error) {
	if d.files != nil {
		err = d.files.Close()
	}
	if d.events != nil {
		err = errors.Join(err, d.events.Close())
	}
	return err
}
