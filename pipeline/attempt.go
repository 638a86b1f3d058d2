package pipeline

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"hunting-exporter/state"
)

// attempt gathers the batches of one commit on local disk, in every sink.
type attempt struct {
	Attempt
	run      *run
	to       time.Time
	rows     int64
	rejected int64
	windows  []WindowRows
	rejects  rejectLog

	// Opened by the first batch with rows; nil for sinks not in use.
	schema string
	files  LakeWriter
	events LogWriter
	stages []*sinkStage
}

// begin starts an attempt where the last commit ended.
func (r *run) begin(ctx context.Context) *attempt {
	a := &attempt{
		Attempt: Attempt{Dataset: r.ds, Seq: r.doc.Seq + 1, Epoch: r.doc.Epoch, ID: state.NewID(), From: r.doc.Watermark},
		run:     r,
		to:      r.doc.Watermark,
	}
	a.rejects = rejectLog{objects: r.Stores.Meta, attempt: a.Attempt}
	return a
}

// accepts reports whether b has the schema of what the attempt holds.
func (a *attempt) accepts(b Batch) bool {
	return a.schema == "" || b.Record.NumRows() == 0 || a.schema == fingerprint(b)
}

func fingerprint(b Batch) string { return b.Record.Schema().Fingerprint() }

// add takes over the batch and hands it to every sink.
func (a *attempt) add(ctx context.Context, from held[Batch]) error {
	b := from.v
	defer from.release()
	defer b.Release()
	rows := b.Record.NumRows()
	if rows > 0 && a.schema == "" {
		if err := a.open(ctx, fingerprint(b)); err != nil {
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
	a.windows = append(a.windows, WindowRows{Window: b.Window, Rows: rows})
	a.to = b.Window.End
	return nil
}

// open opens the attempt in each sink and starts its stage.
func (a *attempt) open(ctx context.Context, schema string) (err error) {
	r := a.run
	a.schema = schema
	if r.Lake != nil {
		if a.files, err = r.Lake.Begin(a.Attempt); err != nil {
			return err
		}
		a.stages = append(a.stages, startSink(ctx, r.Limits.Buffer, a.files.Write))
	}
	if r.kafka != nil {
		if a.events, err = r.kafka.Begin(a.Attempt); err != nil {
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
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk of PIPELINE_SPILL is full, nothing of commit %d was sent: enlarge it or lower EXPORT_COMMIT_ROWS: %w", a.Seq, err)
	}
	return err
}

// prepare is step 9: files uploaded and rejects written, all of it invisible.
func (a *attempt) prepare(ctx context.Context) (in intent, err error) {
	if a.files != nil {
		if in.Files, err = a.files.Prepare(ctx, a.to); err != nil {
			return intent{}, err
		}
	}
	keys, err := a.rejects.flush(ctx)
	if err != nil {
		return intent{}, err
	}
	in.Manifest = Manifest{
		Dataset: a.Dataset.Name, Seq: a.Seq, Commit: a.ID, Version: a.run.Version,
		From: a.From, To: a.to, Rows: a.rows, Rejected: a.rejected, Sinks: a.run.Destinations,
		Windows: a.windows, Files: make([]ManifestFile, 0, len(in.Files)), Rejects: keys,
	}
	if a.events != nil {
		in.Manifest.Events = a.events.Events()
	}
	for _, f := range in.Files {
		in.Manifest.Files = append(in.Manifest.Files, ManifestFile{Key: f.Key, Size: f.Size, SHA256: f.SHA256, Rows: f.Rows})
	}
	return in, nil
}

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
