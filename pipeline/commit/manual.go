package commit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// Resolve ends a pending commit by a person's word, where recovery refuses to guess:
// committed publishes what is there of it, otherwise it is dropped and its windows are
// read again. It refuses a word that Kafka's marker contradicts.
func (c *Protocol) Resolve(ctx context.Context, ds hunting.Dataset, committed bool) error {
	return c.byHand(ctx, ds, c.resolvable, func(s *Session) error {
		if err := contradicted(ctx, s, committed); err != nil {
			return err
		}
		in, err := readIntent(ctx, s.Stores.Intents, s.Doc.Pending)
		if err != nil {
			return err
		}
		if committed {
			if in, err = present(ctx, s, in); err == nil {
				err = s.publish(ctx, in)
			}
		} else {
			err = s.drop(ctx, in)
		}
		if err != nil {
			return err
		}
		// Whatever marker stands, the person's word is newer.
		return s.Update(ctx, func(d *state.Document) { d.Marker = "" })
	})
}

// byHand runs one change under the dataset's claim. check refuses before anything changes.
func (c *Protocol) byHand(ctx context.Context, ds hunting.Dataset, check func(state.Document) error, change func(*Session) error) error {
	if _, err := c.Stores.State.Load(ctx, ds.Name); err != nil {
		return err
	}
	s, err := c.hold(ctx, ds, func() state.Document { return state.Document{} }, check)
	if err != nil {
		return err
	}
	defer s.claim.Release(ctx)
	err = change(s)
	if s.decider != nil {
		err = errors.Join(err, s.decider.Close())
	}
	return err
}

// byWord are the hooks of a session by a person's word, which learns nothing and tells
// nobody.
type byWord struct{}

func (byWord) Learned(*state.Document) {}
func (byWord) Committed(Outcome)       {}

// hold claims the dataset for a person.
func (c *Protocol) hold(ctx context.Context, ds hunting.Dataset, fresh func() state.Document, check func(state.Document) error) (*Session, error) {
	s := c.session(ds, byWord{})
	claim, err := c.Stores.State.Acquire(ctx, ds.Name, c.Run, fresh, check)
	if err != nil {
		return nil, err
	}
	s.claim = claim
	if s.Doc, err = claim.Look(ctx); err != nil {
		claim.Release(ctx)
		return nil, err
	}
	return s, nil
}

func (c *Protocol) resolvable(doc state.Document) error {
	p := doc.Pending
	switch {
	case p == nil:
		return hunting.Refuse("%s has no pending commit: there is nothing to resolve", doc.Dataset)
	case p.Destinations.Lake != "" && p.Destinations.Lake != c.Destinations.Lake:
		return hunting.Refuse("commit %d waits in lake %s, the configuration names %s: set LAKE_URL=%s", p.Seq, p.Destinations.Lake, orNone(c.Destinations.Lake), p.Destinations.Lake)
	}
	return nil
}

// present publishes what is there and leaves out the files that are gone for good: only a
// person may accept that the lake lacks rows of a decided commit.
func present(ctx context.Context, s *Session, in intent) (intent, error) {
	var gone []string
	err := in.each(s.Publishers, func(p Publisher, receipt json.RawMessage) error {
		err := p.Publish(ctx, s.dataset.Name, receipt)
		if e, ok := errors.AsType[*GoneError](err); ok {
			gone = append(gone, e.Keys...)
			return nil
		}
		return err
	})
	if err != nil {
		return intent{}, fmt.Errorf("publish commit %d: %w", in.Manifest.Seq, err)
	}
	in.Manifest.Files = slices.DeleteFunc(in.Manifest.Files, func(f ManifestFile) bool {
		if !slices.Contains(gone, f.Key) {
			return false
		}
		s.log.Error("the lake lacks a file of this commit; export its stretch again", "file", f.Key, "rows", f.Rows,
			"from", in.Manifest.From, "to", in.Manifest.To)
		return true
	})
	in.Receipts = nil // all of them are done
	return in, nil
}

// contradicted refuses a word that differs from the marker, where the deciding cluster
// is within reach and its marker tells.
func contradicted(ctx context.Context, s *Session, committed bool) error {
	p := s.Doc.Pending
	if p.Decider != state.DeciderKafka || s.OpenDecider == nil || p.Destinations.Cluster != s.Destinations.Cluster {
		return nil
	}
	var err error
	if s.decider, err = s.OpenDecider(ctx, s.dataset, TransactionalID(s.Doc.ID)); err != nil {
		return err
	}
	found, err := s.fence(ctx)
	if err != nil {
		return err
	}
	if found && (s.marker.ID == p.Commit && !committed || s.marker.ID == p.Prev && committed) {
		return hunting.Refuse("Kafka's marker %s says the contrary of commit %d: start a run, it settles the commit by itself", s.marker.ID, p.Seq)
	}
	return nil
}
