package commit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/stopping"
	"hunting-exporter/state"
)

// Session is one dataset's share of a run: it holds the claim and carries the protocol.
type Session struct {
	*Protocol
	// Doc is the document as last written or read by this run.
	Doc     state.Document
	dataset hunting.Dataset
	hooks   Hooks
	log     *slog.Logger
	claim   *state.Claim // nil: none, such as for a look
	decider Decider      // nil: no Kafka
	// marker is what Kafka showed after the last fence, or what this run put there.
	marker Marker
	open   bool // a transaction may be open
}

func (c *Protocol) session(ds hunting.Dataset, hooks Hooks) *Session {
	return &Session{Protocol: c, dataset: ds, hooks: hooks, log: c.Log.With("dataset", ds.Name)}
}

// View is a session that only looks: what it updates is its own copy of the document.
func (c *Protocol) View(ds hunting.Dataset, doc state.Document) *Session {
	s := c.session(ds, nil)
	s.Doc = doc
	return s
}

// Acquire is step 1: it refuses before changing anything where what is recorded and what
// is configured do not fit. start is where a dataset without state begins.
func (c *Protocol) Acquire(ctx context.Context, ds hunting.Dataset, start time.Time, hooks Hooks) (*Session, error) {
	fresh := func() state.Document {
		return state.Document{Progress: state.Progress{Watermark: start}, Destinations: c.Destinations, Meaning: c.meaning(ds)}
	}
	fits := func(doc state.Document) error { return c.Fits(ctx, ds, doc) }
	claim, err := c.Stores.State.Acquire(ctx, ds.Name, c.Run, fresh, fits)
	for errors.Is(err, errMeanwhile) {
		claim, err = c.Stores.State.Acquire(ctx, ds.Name, c.Run, fresh, fits)
	}
	if err != nil {
		return nil, err
	}
	s := c.session(ds, hooks)
	s.claim = claim
	s.step(StepAcquire)
	return s, nil
}

// Held is ctx until the claim ends.
func (s *Session) Held(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		defer crash.Exit()
		select {
		case <-s.claim.Over():
			cancel(s.claim.Err())
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Close ends what may be open in Kafka. It returns err, or why the claim was over: whatever
// else failed, it failed because of that.
func (s *Session) Close(ctx context.Context, err error) error {
	if s.decider != nil {
		s.closeTransaction(ctx)
		err = errors.Join(err, s.decider.Close())
	}
	if cause := s.claim.Err(); cause != nil {
		return cause
	}
	return err
}

// End releases the claim and notes how the run ended.
func (s *Session) End(ctx context.Context, err error, failed bool) {
	end := state.End{Run: s.Run, At: time.Now().UTC(), Reason: inShort(err)}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	s.claim.End(ctx, func(d *state.Document) { d.Ended(end, failed) })
}

// afterwards is for what a run does last, cancelled or stopped or not: a few seconds.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(stopping.With(context.WithoutCancel(ctx), context.Background()), 10*time.Second)
}

// Update changes the document. Without a claim, such as for a look, it does so in memory
// only.
func (s *Session) Update(ctx context.Context, change func(*state.Document)) error {
	if s.claim == nil {
		change(&s.Doc)
		return nil
	}
	doc, err := s.claim.Update(ctx, change)
	if err == nil {
		s.Doc = doc
	}
	return err
}

// Settle is steps 2 to 7: afterwards nothing is pending and nothing older is alive.
func (s *Session) Settle(ctx context.Context) error {
	doc, err := s.claim.Look(ctx)
	if err != nil {
		return err
	}
	s.Doc = doc
	if err := s.own(ctx); err != nil {
		return err
	}
	if s.OpenDecider != nil {
		if s.decider, err = s.OpenDecider(ctx, s.dataset, TransactionalID(doc.ID)); err != nil {
			return err
		}
	}
	asks := s.kafkaDecides() || doc.Pending != nil && doc.Pending.Decider == state.DeciderKafka
	found := false
	if asks {
		if found, err = s.fence(ctx); err != nil {
			return err
		}
	} else {
		s.step(StepLook)
	}
	if err := s.recover(ctx, found); err != nil {
		return err
	}
	s.step(StepRecover)
	if err := s.same(s.dataset, s.Doc); err != nil {
		return err
	}
	if err := s.record(ctx); err != nil {
		return err
	}
	if err := s.deleted(ctx); err != nil {
		return err
	}
	if s.kafkaDecides() {
		if err := s.base(ctx, found); err != nil {
			return err
		}
	}
	return s.sweep(ctx)
}

// record takes the meaning of the rows into a document that an earlier version wrote
// without. What it recorded is the same: acquire and settle refuse anything else.
func (s *Session) record(ctx context.Context) error {
	m := s.meaning(s.dataset)
	if s.Doc.Meaning == m {
		return nil
	}
	if err := s.Update(ctx, func(d *state.Document) { d.Meaning = m }); err != nil {
		return err
	}
	s.log.Info("the state now records whose rows these are and what they mean, and refuses others", "tenant_id", m.Tenant, "cloud", m.Cloud, "kind", m.Kind)
	return nil
}

// sweep is step 7: uploads of dead attempts are aborted. Only epochs below ours. They
// harm nobody: where that fails, the next run tries again.
func (s *Session) sweep(ctx context.Context) error {
	for _, p := range s.Publishers {
		if err := p.Sweep(ctx, s.dataset.Name, s.Doc.Epoch); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("sweep uploads of earlier runs: %w", err)
			}
			s.log.WarnContext(ctx, "uploads of earlier runs may lie around until a lifecycle rule of the bucket drops them", "error", err)
		}
	}
	if len(s.Publishers) > 0 {
		s.step(StepSweep)
	}
	return nil
}

// own claims the dataset's place in the lake for this state document: two
// deployments with two states would both write every row.
func (s *Session) own(ctx context.Context) error {
	if len(s.Publishers) == 0 {
		return nil
	}
	err := PutOnce(ctx, s.Stores.Meta, ownerKey(s.dataset.Name), ownerBody(s.Doc))
	if errors.Is(err, ErrForeignObject) {
		return s.foreign(s.dataset, s.Doc.ID)
	}
	if err != nil {
		return fmt.Errorf("claim the dataset's place in the lake: %w", err)
	}
	return nil
}
