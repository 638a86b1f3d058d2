package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// run is one dataset's share of a run: it holds the claim and carries the protocol.
type run struct {
	*Exporter
	ds    hunting.Dataset
	log   *slog.Logger
	claim *state.Claim
	doc   state.Document // as last written or read by this run
	kafka Log            // nil: no Kafka
	// marker is what Kafka showed after the last fence, or what this run put there.
	marker Marker
	open   bool // a transaction may be open
	cached cachedLedger
	// columns are those that the dataset has had so far.
	columns *schema.Evolution
	arrive  func()         // tells the other datasets that this one is ready to count, or will not
	large   *TooLargeError // nil: every event of the commits that this run finished was taken
	result  Result
}

// export runs one dataset: acquire, recover, then commits until caught up.
func (e *Exporter) export(ctx, stop context.Context, ds hunting.Dataset) Result {
	r := &run{Exporter: e, ds: ds, log: e.Log.With("dataset", ds.Name), result: Result{Dataset: ds.Name}}
	r.arrive = sync.OnceFunc(e.together.arrive)
	defer r.arrive()
	defer e.Watch.Ended(ds.Name)
	err := r.acquire(ctx)
	if err == nil {
		err = r.claimed(ctx, stop)
		if r.large != nil {
			err = errors.Join(err, r.large)
		}
		end := state.End{Run: r.Run, At: time.Now().UTC(), Reason: inShort(err)}
		after, cancel := afterwards(ctx)
		r.claim.End(after, func(d *state.Document) { d.Ended(end, Failed(err)) })
		cancel()
	}
	r.result.Watermark, r.result.Gaps, r.result.Check = r.doc.Watermark, r.doc.Gaps, r.doc.Check
	if ds.Mode == hunting.ModeSnapshot {
		r.result.Watermark = r.doc.Snapshot
	}
	if err != nil {
		r.result.Err = fmt.Errorf("dataset %s: %w", ds.Name, err)
	}
	return r.result
}

// claimed does everything that needs the claim. It ends early when the claim does.
func (r *run) claimed(ctx, stop context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		defer crash.Exit()
		select {
		case <-r.claim.Over():
			cancel(r.claim.Err())
		case <-ctx.Done():
		}
	}()
	err := r.settle(ctx)
	if err == nil {
		r.ds = timed(r.ds, r.doc.Columns)
		r.columns, err = schema.Evolve(r.doc.Columns)
	}
	if err == nil {
		err = r.work(ctx, stop)
	}
	if r.kafka != nil {
		r.closeTransaction(ctx)
		err = errors.Join(err, r.kafka.Close())
	}
	if cause := r.claim.Err(); cause != nil {
		return cause // whatever else failed, it failed because the claim was gone
	}
	return err
}

// acquire is step 1: it refuses before changing anything where what is recorded and what
// is configured do not fit.
func (r *run) acquire(ctx context.Context) error {
	fresh := func() state.Document {
		start := r.Start().UTC().Truncate(hunting.Tick)
		if b := r.Backfill; b != nil { // what comes after it is for the next run
			start = b.Window.End
		}
		return state.Document{Progress: state.Progress{Watermark: start}, Destinations: r.Destinations, Meaning: r.meaning(r.ds)}
	}
	fits := func(doc state.Document) error { return r.Fits(ctx, r.ds, doc) }
	claim, err := r.Stores.State.Acquire(ctx, r.ds.Name, r.Run, fresh, fits)
	for errors.Is(err, errMeanwhile) {
		claim, err = r.Stores.State.Acquire(ctx, r.ds.Name, r.Run, fresh, fits)
	}
	if err != nil {
		return err
	}
	r.claim = claim
	r.step(StepAcquire)
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// settle is steps 2 to 7: afterwards nothing is pending and nothing older is alive.
func (r *run) settle(ctx context.Context) error {
	doc, err := r.claim.Look(ctx)
	if err != nil {
		return err
	}
	r.doc = doc
	if err := r.own(ctx); err != nil {
		return err
	}
	if r.OpenLog != nil {
		if r.kafka, err = r.OpenLog(ctx, r.ds, TransactionalID(doc.ID)); err != nil {
			return err
		}
	}
	asks := r.kafkaDecides() || doc.Pending != nil && doc.Pending.Decider == state.DeciderKafka
	found := false
	if asks {
		if found, err = r.fence(ctx); err != nil {
			return err
		}
	} else {
		r.step(StepLook)
	}
	if err := r.recover(ctx, found); err != nil {
		return err
	}
	r.step(StepRecover)
	if err := r.same(r.ds, r.doc); err != nil {
		return err
	}
	if err := r.record(ctx); err != nil {
		return err
	}
	if err := r.deleted(ctx); err != nil {
		return err
	}
	if r.kafkaDecides() {
		if err := r.base(ctx, found); err != nil {
			return err
		}
	}
	return r.sweep(ctx)
}

// record takes the meaning of the rows into a document that an earlier version wrote
// without. What it recorded is the same: acquire and settle refuse anything else.
func (r *run) record(ctx context.Context) error {
	m := r.meaning(r.ds)
	if r.doc.Meaning == m {
		return nil
	}
	doc, err := r.claim.Update(ctx, func(d *state.Document) { d.Meaning = m })
	if err != nil {
		return err
	}
	r.doc = doc
	r.log.Info("the state now records whose rows these are and what they mean, and refuses others", "tenant_id", m.Tenant, "cloud", m.Cloud, "kind", m.Kind)
	return nil
}

// fence is steps 2 to 4. It returns whether a marker exists.
func (r *run) fence(ctx context.Context) (found bool, err error) {
	if err := r.kafka.Fence(ctx); err != nil {
		return false, err
	}
	r.open = false
	r.step(StepFence)
	if r.doc, err = r.claim.Look(ctx); err != nil {
		return false, err
	}
	r.step(StepLook)
	r.marker, found, err = r.kafka.Marker(ctx)
	if err != nil {
		return false, err
	}
	r.step(StepMarker)
	return found, nil
}

// basePrefix begins the id of a marker that stands for no commit.
const basePrefix = "base-"

// base is step 6: a marker always exists, so that "none" can later only mean lost.
// An existing one is committed again, since the broker forgets idle ones (7 days).
func (r *run) base(ctx context.Context, found bool) error {
	m := r.marker
	switch {
	case !found:
		m = Marker{Seq: r.doc.Seq, ID: basePrefix + state.NewID()}
	case m.Seq > r.doc.Seq, m.Seq == r.doc.Seq && r.doc.Marker != "" && m.ID != r.doc.Marker && !strings.HasPrefix(m.ID, basePrefix):
		return alarm("Kafka's marker says commit %d (%s), the state ends at commit %d (%s): the state was restored from a backup or copied; "+
			"restore its newest version, or, if rows after %s may be repeated, delete the consumer group %s and run again",
			m.Seq, m.ID, r.doc.Seq, orNone(r.doc.Marker), r.doc.Watermark.Format(time.RFC3339), TransactionalID(r.doc.ID))
	}
	if err := r.kafka.Mark(ctx, m); err != nil {
		return fmt.Errorf("commit base marker: %w", err)
	}
	r.marker = m
	r.step(StepBase)
	return nil
}

// sweep is step 7: uploads of dead attempts are aborted. Only epochs below ours. They
// harm nobody: where that fails, the next run tries again.
func (r *run) sweep(ctx context.Context) error {
	if r.Lake == nil {
		return nil
	}
	if err := r.Lake.Sweep(ctx, r.ds.Name, r.doc.Epoch); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("sweep uploads of earlier runs: %w", err)
		}
		r.log.WarnContext(ctx, "uploads of earlier runs may lie around until a lifecycle rule of the bucket drops them", "error", err)
	}
	r.step(StepSweep)
	return nil
}

// own claims the dataset's place in the lake for this state document: two
// deployments with two states would both write every row.
func (r *run) own(ctx context.Context) error {
	if r.Lake == nil {
		return nil
	}
	err := putOnce(ctx, r.Stores.Meta, ownerKey(r.ds.Name), ownerBody(r.doc))
	if errors.Is(err, ErrForeignObject) {
		return r.foreign(r.ds, r.doc.ID)
	}
	if err != nil {
		return fmt.Errorf("claim the dataset's place in the lake: %w", err)
	}
	return nil
}

// note counts a commit that this run made visible.
func (r *run) note(c Commit) {
	r.result.Commits++
	r.result.Rows += c.Rows
	r.result.Rejected += c.Rejected
	r.result.Files += c.Files
	r.result.Bytes += c.Bytes
	r.result.Events += c.Events
	r.result.EventsRejected += c.EventsRejected
	if c.Kind == KindLate {
		r.result.Late += c.Rows
	}
	r.log.Info("committed", "kind", c.Kind, "seq", c.Seq, "rows", c.Rows, "rejected", c.Rejected, "files", c.Files,
		"events", c.Events, "watermark", c.Watermark.Format(time.RFC3339Nano))
}

// learned keeps in the document what later runs need to know of the dataset.
func (r *run) learned(d *state.Document) {
	if r.Source == nil { // a person settles a commit
		return
	}
	if p := r.Source.Pace(r.ds.Name); p != (hunting.Estimate{}) {
		d.Pace = p
	}
	if d.Clock == "" {
		d.Clock = string(r.ds.Clock)
	}
}
