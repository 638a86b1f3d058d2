package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sethvargo/go-retry"

	"hunting-exporter/blob"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/stopping"
)

// Claim is an acquired document. All of a run's writes go through its one
// goroutine, so that renewal, intent and finish never race.
type Claim struct {
	store   *Store
	dataset string
	epoch   int64
	updates chan update
	stopped chan struct{} // closed when the goroutine has ended
	release chan struct{} // closed to end it
	once    sync.Once

	// Owned by the goroutine.
	doc  Document
	etag string

	mu  sync.Mutex
	err error // why the claim is over; set before stopped is closed
}

type update struct {
	ctx    context.Context
	change func(*Document)
	done   chan result
}

type result struct {
	doc Document
	err error
}

// errStale: somebody else wrote the document after it was read.
var errStale = errors.New("document has changed since it was read")

// Acquire takes the dataset for a run: epoch+1. check sees the document as it stands
// and can refuse before anything is changed. fresh makes the document of a dataset
// that has none. HeldError: another run has it.
func (s *Store) Acquire(ctx context.Context, dataset, run string, fresh func() Document, check func(Document) error) (*Claim, error) {
	for {
		c, err := s.acquire(ctx, dataset, run, fresh, check)
		if !errors.Is(err, errStale) { // an old owner renewed between our read and write
			return c, err
		}
	}
}

func (s *Store) acquire(ctx context.Context, dataset, run string, fresh func() Document, check func(Document) error) (*Claim, error) {
	doc, etag, err := s.load(ctx, dataset)
	switch {
	case errors.Is(err, ErrNone):
		doc = fresh()
		doc.Version, doc.ID, doc.Dataset = version, NewID(), dataset
	case err != nil:
		return nil, err
	}
	if err := check(doc); err != nil {
		return nil, err
	}
	if time.Now().Before(doc.Lease) {
		return nil, &HeldError{Dataset: dataset, Run: doc.Run, Until: doc.Lease}
	}
	c := &Claim{
		store: s, dataset: dataset, epoch: doc.Epoch + 1, doc: doc, etag: etag,
		updates: make(chan update), stopped: make(chan struct{}), release: make(chan struct{}),
	}
	doc.Epoch++
	doc.Run = run
	if err := c.write(ctx, doc); err != nil {
		var lost *LostError
		if errors.As(err, &lost) { // somebody was faster: say who runs
			return nil, &HeldError{Dataset: dataset, Run: lost.Run, Until: time.Now().Add(s.lease)}
		}
		return nil, err
	}
	go func() {
		defer crash.Exit()
		c.loop(context.WithoutCancel(ctx))
	}()
	return c, nil
}

// Update writes the document with change applied. It returns once the outcome is
// known (nil, LostError), or cannot be known (UnknownError): then the claim is over.
func (c *Claim) Update(ctx context.Context, change func(*Document)) (Document, error) {
	u := update{ctx: ctx, change: change, done: make(chan result, 1)}
	select {
	case c.updates <- u:
	case <-c.stopped:
		return Document{}, c.Err()
	case <-ctx.Done():
		return Document{}, fmt.Errorf("%s: state: write not begun: %w", c.dataset, ctx.Err())
	}
	r := <-u.done // the goroutine always answers: its store calls end with ctx
	return r.doc, r.err
}

// Look reads the document again. LostError: another run has taken over.
func (c *Claim) Look(ctx context.Context) (Document, error) {
	doc, _, err := c.store.load(ctx, c.dataset)
	if err != nil {
		return Document{}, err
	}
	if doc.Epoch != c.epoch {
		return Document{}, &LostError{Dataset: c.dataset, Run: doc.Run, Epoch: doc.Epoch}
	}
	return doc, nil
}

// Over is closed when the claim has ended, for whatever reason.
func (c *Claim) Over() <-chan struct{} { return c.stopped }

// Err says why the claim is over; nil while it is not, or after Release.
func (c *Claim) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Release ends the claim, so that the next run need not wait for the lease. Errors
// do not matter: the lease runs out by itself.
func (c *Claim) Release(ctx context.Context) { c.End(ctx, func(*Document) {}) }

// End releases the claim, with one more change in the same write.
func (c *Claim) End(ctx context.Context, change func(*Document)) {
	if c.Err() == nil {
		_, _ = c.Update(ctx, func(d *Document) {
			change(d)
			d.Lease = time.Time{}
		})
	}
	c.once.Do(func() { close(c.release) })
	<-c.stopped
}

// loop is the one goroutine that writes the document.
func (c *Claim) loop(ctx context.Context) {
	defer close(c.stopped)
	renew := time.NewTicker(c.store.lease / 3)
	defer renew.Stop()
	for {
		var err error
		select {
		case <-c.release:
			return
		case <-renew.C:
			err = c.write(ctx, c.doc)
		case u := <-c.updates:
			next := c.doc
			next.Lease = time.Now().Add(c.store.lease)
			u.change(&next)
			if next.Lease.IsZero() {
				renew.Stop() // or a tick of meanwhile would claim anew what is released
			}
			err = c.writeAs(u.ctx, next)
			u.done <- result{doc: c.doc, err: err}
		}
		if err != nil {
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			return
		}
	}
}

// write writes doc with the lease renewed.
func (c *Claim) write(ctx context.Context, doc Document) error {
	doc.Lease = time.Now().Add(c.store.lease)
	return c.writeAs(ctx, doc)
}

// writeAs writes doc under a nonce of its own and finds out what became of it. The
// cases are those of the protocol's table "a state write whose answer is not known".
func (c *Claim) writeAs(ctx context.Context, doc Document) error {
	doc.Nonce = NewID()
	body, err := encode(doc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.store.patient)
	defer cancel()
	pauses := retry.WithCappedDuration(2*time.Second, retry.NewExponential(50*time.Millisecond))
	for {
		etag, err := c.store.put(ctx, doc, body, c.etag)
		if err == nil {
			c.doc, c.etag = doc, etag
			return nil
		}
		if settled, lookErr := c.settle(ctx, doc); settled {
			return lookErr
		}
		if errors.Is(err, blob.ErrDenied) || errors.Is(err, blob.ErrSetting) { // a clear no, not a lost answer
			return fmt.Errorf("write %s: %w", Key(c.dataset), err)
		}
		// Not there, and nobody else's: the request may still arrive. Only the very
		// same request may follow it.
		wait, _ := pauses.Next()
		select {
		case <-ctx.Done():
			return &UnknownError{Dataset: doc.Dataset, Err: err}
		case <-stopping.Asked(ctx):
			return &UnknownError{Dataset: doc.Dataset, Err: err}
		case <-time.After(wait):
		}
	}
}

// settle reads the document after a write of want without a good answer. settled
// is false as long as the same request must be sent again.
func (c *Claim) settle(ctx context.Context, want Document) (settled bool, err error) {
	found, etag, err := c.store.load(ctx, want.Dataset)
	switch {
	case errors.Is(err, ErrNone) && c.etag == "":
		return false, nil
	case errors.Is(err, ErrNone):
		return true, fmt.Errorf("%s was deleted while this run held it: restore it before the next run: %w", Key(want.Dataset), blob.ErrNotFound)
	case err != nil:
		return false, nil
	case found.Nonce == want.Nonce:
		c.doc, c.etag = want, etag
		return true, nil
	case found.Epoch != c.doc.Epoch:
		return true, &LostError{Dataset: want.Dataset, Run: found.Run, Epoch: found.Epoch}
	case found.Nonce != c.doc.Nonce:
		return true, fmt.Errorf("%s: %w", Key(want.Dataset), errStale)
	default: // unchanged
		return false, nil
	}
}
