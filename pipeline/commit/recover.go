package commit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sethvargo/go-retry"

	"hunting-exporter/hunting"
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
func (s *Session) recover(ctx context.Context, found bool) error {
	p := s.Doc.Pending
	if p == nil {
		return nil
	}
	in, err := readIntent(ctx, s.Stores.Intents, p)
	if err != nil {
		return err
	}
	if p.Decider == state.DeciderState || found && s.marker.ID == p.Commit {
		s.log.Info("finishing a decided commit of an earlier run", "seq", p.Seq, "commit", p.Commit)
		return s.publish(ctx, in)
	}
	if !found || s.marker.ID != p.Prev {
		return s.refuseMarker(ctx, p, found)
	}
	return s.drop(ctx, in)
}

// refuseMarker ends the run on a marker that is neither the pending commit nor its
// predecessor: expired, deleted, or of another history. It never counts as undecided.
func (s *Session) refuseMarker(ctx context.Context, p *state.Pending, found bool) error {
	if _, err := s.claim.Look(ctx); err != nil {
		return err // somebody newer moved the marker: not our concern any more
	}
	shown := "no marker"
	if found {
		shown = fmt.Sprintf("marker %s of commit %d", s.marker.ID, s.marker.Seq)
	}
	return hunting.Alarm("commit %d (%s) is pending and Kafka shows %s, neither the commit nor its predecessor %s: nobody can tell whether it took place; "+
		"look for its rows in topic %s, then `exporter state resolve %s --committed` or `--not-committed`",
		p.Seq, p.Commit, shown, orNone(p.Prev), p.Destinations.Topic, s.dataset.Name)
}

// drop ends an undecided commit: its uploads are aborted and it is forgotten. Its
// windows are read again.
func (s *Session) drop(ctx context.Context, in intent) error {
	p := s.Doc.Pending
	s.log.Info("dropping an undecided commit", "seq", p.Seq, "commit", p.Commit)
	err := in.abort(ctx, s)
	if errors.Is(err, ErrForeignObject) {
		return hunting.Alarm("commit %d (%s) did not take place, yet a file of it is visible: %v; somebody else writes this lake; report it, then `exporter state resolve %s`",
			p.Seq, p.Commit, err, s.dataset.Name)
	}
	if err != nil {
		return fmt.Errorf("abort uploads of undecided commit %d: %w", p.Seq, err)
	}
	return s.Update(ctx, func(d *state.Document) { d.Pending = nil })
}

// publish is steps 12 and 13 for the pending commit, known to be decided: whoever
// runs them, the outcome is the same.
func (s *Session) publish(ctx context.Context, in intent) error {
	p := s.Doc.Pending
	if err := s.complete(ctx, p, in); err != nil {
		return err
	}
	body, err := encodeManifest(in.Manifest)
	if err != nil {
		return err
	}
	err = PutOnce(ctx, s.Stores.Meta, manifestKey(s.dataset.Name, p.Seq), body)
	if errors.Is(err, ErrForeignObject) {
		return hunting.Alarm("manifest of commit %d: %v: somebody else writes this lake; report it", p.Seq, err)
	}
	if err != nil {
		return fmt.Errorf("write manifest of commit %d: %w", p.Seq, err)
	}
	s.step(StepPublish)
	return s.finish(ctx, in)
}

// patience is how long to wait for an upload that is gone. It is short where no other run
// can be at it and the rows are nowhere but in this commit, so that waiting saves nothing.
func patience(doc state.Document, p *state.Pending) time.Duration {
	alone := p.Epoch == doc.Epoch || time.Since(p.Since) > gonePatience
	if alone && p.Destinations.Cluster == "" {
		return alonePatience
	}
	return gonePatience
}

// complete publishes what every publisher has, waiting for a Complete that another
// process may still be running.
func (s *Session) complete(ctx context.Context, p *state.Pending, in intent) error {
	deadline := time.Now().Add(patience(s.Doc, p))
	pauses := retry.WithCappedDuration(time.Minute, retry.NewExponential(time.Second))
	for {
		err := in.publish(ctx, s)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrForeignObject):
			return hunting.Alarm("commit %d (%s) is decided, but %v: somebody else writes these keys; move the object away, then run again", p.Seq, p.Commit, err)
		case !errors.Is(err, ErrUploadGone):
			return fmt.Errorf("publish commit %d: %w", p.Seq, err)
		}
		doc, lookErr := s.claim.Look(ctx)
		if lookErr != nil {
			return lookErr
		}
		if doc.Seq >= p.Seq {
			return &state.LostError{Dataset: s.dataset.Name, Run: doc.Run, Epoch: doc.Epoch}
		}
		if time.Now().After(deadline) {
			return uploadGone(s.dataset.Name, p, err)
		}
		wait, _ := pauses.Next()
		s.log.Warn("an upload of a decided commit is gone; another run may be completing it", "seq", p.Seq, "wait", wait)
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
func uploadGone(dataset string, p *state.Pending, err error) error {
	way := "read its windows again with `exporter state resolve %s --not-committed`"
	if p.Destinations.Cluster != "" {
		way = "it is not fetched again, since Kafka may have its rows; see `exporter state resolve %s`"
	}
	return hunting.Alarm("commit %d (%s) is decided, but %v: a lifecycle rule, a person or a restart of the store removed it; the commit stays pending: "+way,
		p.Seq, p.Commit, err, dataset)
}

// finish is step 13: the watermark moves only when every sink shows the commit.
func (s *Session) finish(ctx context.Context, in intent) error {
	p := *s.Doc.Pending
	err := s.Update(ctx, func(d *state.Document) {
		d.Seq, d.Progress = p.Seq, p.Next
		s.hooks.Learned(d)
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
	s.step(StepFinish)
	s.Forget(ctx, in.Dropped)
	m := in.Manifest
	o := Outcome{
		Kind: m.Kind, Seq: p.Seq, Rows: p.Rows, Rejected: p.Rejected, Files: len(m.Files), Events: m.Events,
		EventsRejected: m.EventsRejected, Topic: m.Topic, Rejects: m.Rejects,
	}
	for _, f := range m.Files {
		o.Bytes += f.Size
	}
	s.hooks.Committed(o)
	return nil
}
