package commit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// maxSends bounds how often a commit's events are sent anew after lost answers.
const maxSends = 5

// Commit carries an attempt, all of which is on local disk, through steps 8 to 13.
func (s *Session) Commit(ctx context.Context, d *Draft) error {
	if d.Rows == 0 && d.Rejected == 0 { // nothing that could be half visible
		return d.pass(ctx)
	}
	s.step(StepWrite)
	in, err := d.prepare(ctx)
	if err != nil {
		return err
	}
	if s.kafkaDecides() && d.events == nil { // only rejects: the marker decides all the same
		if d.events, err = s.decider.Begin(d.Attempt, d.rejects.refuse); err != nil {
			return err
		}
	}
	prev := ""
	if d.events != nil {
		if prev, err = d.send(ctx); err != nil {
			return err
		}
	}
	if err := d.settle(ctx, &in); err != nil {
		return err
	}
	s.step(StepPrepare)
	if err := d.intend(ctx, in, prev); err != nil {
		return err
	}
	s.step(StepIntent)
	if !s.kafkaDecides() {
		return s.publish(ctx, in)
	}
	return d.decide(ctx, in)
}

// pass notes parts that were read and had no rows to export.
func (d *Draft) pass(ctx context.Context) error {
	s := d.session
	next, dropped, err := d.Next(ctx)
	if err != nil {
		return err
	}
	if err := s.Update(ctx, func(doc *state.Document) {
		doc.Progress = next
		s.hooks.Learned(doc)
	}); err != nil {
		return err
	}
	s.Forget(ctx, dropped)
	return nil
}

// Forget deletes objects that nothing names any more. One that stays does no harm.
func (s *Session) Forget(ctx context.Context, keys []string) {
	for _, key := range keys {
		if err := s.Stores.Meta.Delete(ctx, key); err != nil {
			s.log.Debug("an object that is of no more use stays", "key", key, "error", err)
		}
	}
}

// send sends the attempt's events and returns the marker that stands if the
// attempt does not take place. A lost answer means a new producer epoch and all
// events again: a late batch of the old one can then never become visible.
func (d *Draft) send(ctx context.Context) (prev string, err error) {
	s := d.session
	if s.AtLeastOnce {
		return "", d.events.Send(ctx)
	}
	before := s.marker
	for try := 1; ; try++ {
		found, err := s.fence(ctx)
		if err != nil {
			return "", err
		}
		if !found || s.marker != before {
			return "", hunting.Alarm("Kafka's marker changed from %s to %s while this run held the dataset: the consumer group %s was deleted or reset; nothing of this commit is visible; run again",
				before.ID, orNone(s.marker.ID), TransactionalID(s.Doc.ID))
		}
		s.open = true
		err = d.events.Send(ctx)
		if err == nil {
			return s.marker.ID, nil
		}
		if !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrFenced) || try == maxSends {
			return "", fmt.Errorf("send events of commit %d: %w", d.Seq, err)
		}
		s.log.Warn("sending all events again under a new producer epoch", "seq", d.Seq, "try", try, "error", err)
	}
}

// intend is step 10: the commit is written into the state, after its body.
func (d *Draft) intend(ctx context.Context, in intent, prev string) error {
	s := d.session
	p := &state.Pending{
		Commit: d.ID, Seq: d.Seq, Epoch: d.Epoch, From: d.From, To: d.To,
		Rows: d.Rows, Rejected: d.Rejected, Destinations: s.Destinations,
		Decider: state.DeciderState, Prev: prev, Next: in.Next, Body: intentKey(d.Attempt), Since: time.Now().UTC(),
	}
	if s.kafkaDecides() {
		p.Decider = state.DeciderKafka
	}
	var err error
	if p.BodySHA256, err = writeIntent(ctx, s.Stores.Intents, p.Body, in); err != nil {
		return err
	}
	// On an error never clean up: the intent may still arrive, or be somebody's to finish.
	return s.Update(ctx, func(doc *state.Document) { doc.Pending = p })
}

// decide is step 11. When the outcome is not known, only the marker says, read
// after a fence: the same recovery as after a crash.
func (d *Draft) decide(ctx context.Context, in intent) error {
	s := d.session
	m := Marker{Seq: d.Seq, ID: d.ID}
	err := d.events.Decide(ctx, m)
	if err == nil {
		s.marker, s.open = m, false
		s.step(StepDecide)
		return s.publish(ctx, in)
	}
	if !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrFenced) {
		return fmt.Errorf("decide commit %d: %w", d.Seq, err)
	}
	s.log.Warn("outcome of the transaction unknown; asking the marker", "seq", d.Seq, "error", err)
	found, fenceErr := s.fence(ctx)
	if fenceErr != nil {
		return errors.Join(err, fenceErr)
	}
	if err := s.recover(ctx, found); err != nil {
		return err
	}
	if s.marker.ID != d.ID {
		return fmt.Errorf("commit %d did not take place and was dropped, the next run reads its windows again: %w", d.Seq, err)
	}
	return nil
}
