package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hunting-exporter/internal/stopping"
	"hunting-exporter/state"
)

// How long to wait for an object whose upload has disappeared: another process's Complete
// may still be running, or this one's own, whose answer was lost.
const (
	gonePatience  = 15 * time.Minute
	alonePatience = time.Minute
)

// recover is step 5: it ends what an earlier run, or this one, left pending. It
// follows what the pending commit recorded, never today's settings.
func (r *run) recover(ctx context.Context, found bool) error {
	p := r.doc.Pending
	if p == nil {
		return nil
	}
	in, err := readIntent(ctx, r.Stores.Intents, p)
	if err != nil {
		return err
	}
	if p.Decider == state.DeciderState || found && r.marker.ID == p.Commit {
		r.log.Info("finishing a decided commit of an earlier run", "seq", p.Seq, "commit", p.Commit)
		return r.publish(ctx, in)
	}
	if !found || r.marker.ID != p.Prev {
		return r.refuseMarker(ctx, p, found)
	}
	return r.drop(ctx, in)
}

// refuseMarker ends the run on a marker that is neither the pending commit nor its
// predecessor: expired, deleted, or of another history. It never counts as undecided.
func (r *run) refuseMarker(ctx context.Context, p *state.Pending, found bool) error {
	if _, err := r.claim.Look(ctx); err != nil {
		return err // somebody newer moved the marker: not our concern any more
	}
	shown := "no marker"
	if found {
		shown = fmt.Sprintf("marker %s of commit %d", r.marker.ID, r.marker.Seq)
	}
	return alarm("commit %d (%s) is pending and Kafka shows %s, neither the commit nor its predecessor %s: nobody can tell whether it took place; "+
		"look for its rows in topic %s, then `exporter state resolve %s --committed` or `--not-committed`",
		p.Seq, p.Commit, shown, orNone(p.Prev), p.Destinations.Topic, r.ds.Name)
}

// drop ends an undecided commit: its uploads are aborted and it is forgotten. Its
// windows are read again.
func (r *run) drop(ctx context.Context, in intent) error {
	p := r.doc.Pending
	r.log.Info("dropping an undecided commit", "seq", p.Seq, "commit", p.Commit)
	if len(in.Files) > 0 {
		err := r.Lake.Abort(ctx, r.ds.Name, in.Files)
		if errors.Is(err, ErrForeignObject) {
			return alarm("commit %d (%s) did not take place, yet a file of it is visible: %v; somebody else writes this lake; report it, then `exporter state resolve %s`",
				p.Seq, p.Commit, err, r.ds.Name)
		}
		if err != nil {
			return fmt.Errorf("abort uploads of undecided commit %d: %w", p.Seq, err)
		}
	}
	doc, err := r.claim.Update(ctx, func(d *state.Document) { d.Pending = nil })
	if err != nil {
		return err
	}
	r.doc = doc
	return nil
}

// publish is steps 12 and 13 for the pending commit, known to be decided: whoever
// runs them, the outcome is the same.
func (r *run) publish(ctx context.Context, in intent) error {
	p := r.doc.Pending
	if len(in.Files) > 0 {
		if err := r.complete(ctx, p, in.Files); err != nil {
			return err
		}
	}
	body, err := encodeManifest(in.Manifest)
	if err != nil {
		return err
	}
	err = putOnce(ctx, r.Stores.Meta, manifestKey(r.ds.Name, p.Seq), body)
	if errors.Is(err, ErrForeignObject) {
		return alarm("manifest of commit %d: %v: somebody else writes this lake; report it", p.Seq, err)
	}
	if err != nil {
		return fmt.Errorf("write manifest of commit %d: %w", p.Seq, err)
	}
	r.step(StepPublish)
	return r.finish(ctx, in)
}

// patience is how long to wait for an upload that is gone. It is short where no other run
// can be at it and the rows are nowhere but in this commit, so that waiting saves nothing.
func (r *run) patience(p *state.Pending) time.Duration {
	alone := p.Epoch == r.doc.Epoch || time.Since(p.Since) > gonePatience
	if alone && p.Destinations.Cluster == "" {
		return alonePatience
	}
	return gonePatience
}

// complete publishes the files, waiting for a Complete that another process may
// still be running.
func (r *run) complete(ctx context.Context, p *state.Pending, files []state.File) error {
	deadline := time.Now().Add(r.patience(p))
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := r.Lake.Publish(ctx, files)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrForeignObject):
			return alarm("commit %d (%s) is decided, but %v: somebody else writes these keys; move the object away, then run again", p.Seq, p.Commit, err)
		case !errors.Is(err, ErrUploadGone):
			return fmt.Errorf("publish commit %d: %w", p.Seq, err)
		}
		doc, lookErr := r.claim.Look(ctx)
		if lookErr != nil {
			return lookErr
		}
		if doc.Seq >= p.Seq {
			return &state.LostError{Dataset: r.ds.Name, Run: doc.Run, Epoch: doc.Epoch}
		}
		if time.Now().After(deadline) {
			return r.uploadGone(p, err)
		}
		r.log.Warn("an upload of a decided commit is gone; another run may be completing it", "seq", p.Seq, "wait", wait)
		select {
		case <-time.After(wait):
		case <-stopping.Asked(ctx):
			return fmt.Errorf("publish commit %d: stopped while waiting for another run that may be completing it; the next run goes on: %w", p.Seq, err)
		case <-ctx.Done():
			return fmt.Errorf("publish commit %d: %w", p.Seq, context.Cause(ctx))
		}
	}
}

// uploadGone leaves the commit to a person: dropping it is right only if nobody has its rows.
func (r *run) uploadGone(p *state.Pending, err error) error {
	way := "read its windows again with `exporter state resolve %s --not-committed`"
	if p.Destinations.Cluster != "" {
		way = "it is not fetched again, since Kafka may have its rows; see `exporter state resolve %s`"
	}
	return alarm("commit %d (%s) is decided, but %v: a lifecycle rule, a person or a restart of the store removed it; the commit stays pending: "+way,
		p.Seq, p.Commit, err, r.ds.Name)
}

// finish is step 13: the watermark moves only when every sink shows the commit.
func (r *run) finish(ctx context.Context, in intent) error {
	p := *r.doc.Pending
	doc, err := r.claim.Update(ctx, func(d *state.Document) {
		d.Seq, d.Progress = p.Seq, p.Next
		r.learned(d)
		d.Rows += p.Rows
		d.Rejected += p.Rejected
		if m := in.Manifest; m.Events > 0 {
			d.Sent = d.Sent.More(m.Sinks.Cluster, m.Topic, m.Events)
		}
		if p.Decider == state.DeciderKafka {
			d.Marker = p.Commit
		}
		d.Pending = nil
	})
	if err != nil {
		return err
	}
	r.doc = doc
	r.step(StepFinish)
	r.forget(ctx, in.Dropped)
	c := Commit{Dataset: r.ds.Name, Kind: in.Manifest.Kind, Seq: p.Seq, Watermark: doc.Watermark, Rows: p.Rows, Rejected: p.Rejected, Files: len(in.Files), Events: in.Manifest.Events, EventsRejected: in.Manifest.EventsRejected}
	for _, f := range in.Files {
		c.Bytes += f.Size
	}
	if c.EventsRejected > 0 {
		r.large = &TooLargeError{Events: r.result.EventsRejected + c.EventsRejected, Topic: in.Manifest.Topic, Rejects: slices.Max(in.Manifest.Rejects)}
		r.log.Warn("events are too large for their topic", "seq", c.Seq, "events", c.EventsRejected, "topic", in.Manifest.Topic, "rejects", in.Manifest.Rejects)
	}
	r.note(c)
	return nil
}
