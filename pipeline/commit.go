package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// maxSends bounds how often a commit's events are sent anew after lost answers.
const maxSends = 5

// read reads a job's parts and commits as it goes. After an error of the source what
// came before it is committed all the same.
func (r *run) read(ctx, stop context.Context, j job) error {
	if len(j.parts) == 0 {
		return nil
	}
	read, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches, readErr := r.batches(read, stop, j)
	err := r.deliver(ctx, j, batches)
	if err == nil {
		return readErr()
	}
	cancel(err) // nobody takes batches any more
	for b := range batches {
		b.v.Release()
		b.release()
	}
	_ = readErr() // the consequence of err
	return err
}

// errTorn: the schema changed between the pages of one part, which one commit must hold.
var errTorn = errors.New("the schema changed while a window was read in slices; nothing of it was committed, run again")

// torn is errTorn, with the columns kept that came up: the next run begins with them, so
// that the same part is not torn again.
func (r *run) torn(ctx context.Context) error {
	doc, err := r.claim.Update(ctx, func(d *state.Document) { d.Columns = r.columns.Columns() })
	if err != nil {
		return errors.Join(errTorn, err)
	}
	r.doc = doc
	return errTorn
}

// deliver gathers batches into attempts and commits each.
func (r *run) deliver(ctx context.Context, j job, batches <-chan held[hunting.Batch]) (err error) {
	var a *attempt
	defer func() { err = errors.Join(err, a.discard()) }()
	timer := time.NewTimer(r.Limits.Interval)
	defer timer.Stop()
	commit := func() error {
		if a == nil || a.mid {
			return nil
		}
		err := errors.Join(a.explained(r.commit(ctx, a)), a.discard())
		a = nil
		timer.Reset(r.Limits.Interval)
		return err
	}
	for {
		select {
		case b, more := <-batches:
			if !more {
				return commit() // the pages of a part that was not read to its end are dropped
			}
			if a != nil && !a.accepts(b.v) {
				if err := commit(); err != nil || a != nil {
					b.v.Release()
					b.release()
					return cmp.Or(err, r.torn(ctx))
				}
			}
			if a == nil {
				a = r.begin(j, b.v.Part)
			}
			if err := a.add(ctx, b); err != nil {
				return a.explained(err)
			}
			if a.rows >= r.Limits.Rows {
				if err := commit(); err != nil {
					return err
				}
			}
		case <-timer.C:
			if err := commit(); err != nil {
				return err
			}
			timer.Reset(r.Limits.Interval)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// commit carries an attempt through steps 8 to 13.
func (r *run) commit(ctx context.Context, a *attempt) error {
	if err := a.close(); err != nil {
		return err
	}
	if a.rows == 0 && a.rejected == 0 { // nothing that could be half visible
		return r.pass(ctx, a)
	}
	r.step(StepWrite)
	in, err := a.prepare(ctx)
	if err != nil {
		return err
	}
	if r.kafkaDecides() && a.events == nil { // only rejects: the marker decides all the same
		if a.events, err = r.kafka.Begin(a.Attempt, a.rejects.refuse); err != nil {
			return err
		}
	}
	prev := ""
	if a.events != nil {
		if prev, err = r.send(ctx, a); err != nil {
			return err
		}
	}
	if err := a.settle(ctx, &in); err != nil {
		return err
	}
	r.step(StepPrepare)
	if err := r.intend(ctx, a, in, prev); err != nil {
		return err
	}
	r.step(StepIntent)
	if !r.kafkaDecides() {
		return r.publish(ctx, in)
	}
	return r.decide(ctx, a, in)
}

// pass notes parts that were read and had no rows to export.
func (r *run) pass(ctx context.Context, a *attempt) error {
	next, dropped, err := a.next(ctx)
	if err != nil {
		return err
	}
	doc, err := r.claim.Update(ctx, func(d *state.Document) {
		d.Progress = next
		r.learned(d)
	})
	if err != nil {
		return err
	}
	r.doc = doc
	r.forget(ctx, dropped)
	return nil
}

// forget deletes objects that nothing names any more. One that stays does no harm.
func (r *run) forget(ctx context.Context, keys []string) {
	for _, key := range keys {
		if err := r.Stores.Meta.Delete(ctx, key); err != nil {
			r.log.Debug("an object that is of no more use stays", "key", key, "error", err)
		}
	}
}

// send sends the attempt's events and returns the marker that stands if the
// attempt does not take place. A lost answer means a new producer epoch and all
// events again: a late batch of the old one can then never become visible.
func (r *run) send(ctx context.Context, a *attempt) (prev string, err error) {
	if r.AtLeastOnce {
		return "", a.events.Send(ctx)
	}
	before := r.marker
	for try := 1; ; try++ {
		found, err := r.fence(ctx)
		if err != nil {
			return "", err
		}
		if !found || r.marker != before {
			return "", alarm("Kafka's marker changed from %s to %s while this run held the dataset: the consumer group %s was deleted or reset; nothing of this commit is visible; run again",
				before.ID, orNone(r.marker.ID), TransactionalID(r.doc.ID))
		}
		r.open = true
		err = a.events.Send(ctx)
		if err == nil {
			return r.marker.ID, nil
		}
		if !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrFenced) || try == maxSends {
			return "", fmt.Errorf("send events of commit %d: %w", a.Seq, err)
		}
		r.log.Warn("sending all events again under a new producer epoch", "seq", a.Seq, "try", try, "error", err)
	}
}

// intend is step 10: the commit is written into the state, after its body.
func (r *run) intend(ctx context.Context, a *attempt, in intent, prev string) error {
	p := &state.Pending{
		Commit: a.ID, Seq: a.Seq, Epoch: a.Epoch, From: a.From, To: a.to,
		Rows: a.rows, Rejected: a.rejected, Destinations: r.Destinations,
		Decider: state.DeciderState, Prev: prev, Next: in.Next, Body: intentKey(a.Attempt), Since: time.Now().UTC(),
	}
	if r.kafkaDecides() {
		p.Decider = state.DeciderKafka
	}
	var err error
	if p.BodySHA256, err = writeIntent(ctx, r.Stores.Intents, p.Body, in); err != nil {
		return err
	}
	doc, err := r.claim.Update(ctx, func(d *state.Document) { d.Pending = p })
	if err != nil {
		return err // never clean up: the intent may still arrive, or be somebody's to finish
	}
	r.doc = doc
	return nil
}

// decide is step 11. When the outcome is not known, only the marker says, read
// after a fence: the same recovery as after a crash.
func (r *run) decide(ctx context.Context, a *attempt, in intent) error {
	m := Marker{Seq: a.Seq, ID: a.ID}
	err := a.events.Decide(ctx, m)
	if err == nil {
		r.marker, r.open = m, false
		r.step(StepDecide)
		return r.publish(ctx, in)
	}
	if !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrFenced) {
		return fmt.Errorf("decide commit %d: %w", a.Seq, err)
	}
	r.log.Warn("outcome of the transaction unknown; asking the marker", "seq", a.Seq, "error", err)
	found, fenceErr := r.fence(ctx)
	if fenceErr != nil {
		return errors.Join(err, fenceErr)
	}
	if err := r.recover(ctx, found); err != nil {
		return err
	}
	if r.marker.ID != a.ID {
		return fmt.Errorf("commit %d did not take place and was dropped, the next run reads its windows again: %w", a.Seq, err)
	}
	return nil
}
