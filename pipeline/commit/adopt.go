package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// Adopting is what a person wants to accept.
type Adopting struct {
	// Wanted is what is to count from the next commit on, given what is recorded.
	Wanted func(recorded state.Document) (state.Destinations, state.Meaning)
	// Agree sees what would change, before anything does; an error ends it. No changes:
	// nothing is to be accepted.
	Agree func(changes []state.Change) error
	// Start is where a dataset begins whose state is lost; zero: there must be a state.
	Start time.Time
	// Seq is the last commit that the lake has a manifest of: commits go on after it.
	Seq int64
}

// Adopt accepts other destinations and another meaning from the next commit on, and this
// state as the owner of the dataset's place in the lake.
func (c *Protocol) Adopt(ctx context.Context, ds hunting.Dataset, a Adopting) error {
	doc, err := c.adoptable(ctx, ds, a)
	if err != nil {
		return err
	}
	n := newTerms{owner: doc.ID, identified: len(ds.Identity) > 0}
	n.to, n.meaning = a.Wanted(doc)
	if len(c.Publishers) > 0 {
		if n.owner, err = c.owner(ctx, ds.Name); err != nil {
			return err
		}
	}
	if n.owner == doc.ID && a.Seq > doc.Seq {
		return older(ds, doc, a.Seq)
	}
	changes := n.changes(doc)
	if err := a.Agree(changes); err != nil || len(changes) == 0 {
		return err
	}
	unchanged := func(now state.Document) error {
		if now.Pending != nil || now.Epoch > 0 && (now.ID != doc.ID || now.Destinations != doc.Destinations || now.Meaning != doc.Meaning || now.Clock != doc.Clock) {
			return hunting.Refuse("the state of %s has changed meanwhile: look again", ds.Name)
		}
		return nil
	}
	s, err := c.hold(ctx, ds, func() state.Document { return doc }, unchanged)
	if err != nil {
		return err
	}
	defer s.claim.Release(ctx)
	if len(s.Publishers) > 0 {
		if _, err := s.Stores.Meta.Put(ctx, ownerKey(ds.Name), ownerBody(s.Doc), blob.Condition{}); err != nil {
			return fmt.Errorf("claim the dataset's place in the lake: %w", err)
		}
	}
	return s.Update(ctx, func(d *state.Document) {
		d.Seq = max(d.Seq, a.Seq)
		n.adopt(d)
	})
}

// adoptable is the state as it stands, or as it would begin where it is lost.
func (c *Protocol) adoptable(ctx context.Context, ds hunting.Dataset, a Adopting) (state.Document, error) {
	doc, err := c.Stores.State.Load(ctx, ds.Name)
	switch {
	case errors.Is(err, state.ErrNone) && a.Start.IsZero():
		return doc, hunting.Refuse("%s has no state yet, so there is nothing to adopt: a run makes it; if it is lost, and the lake has files, give --start, the time where they end", ds.Name)
	case errors.Is(err, state.ErrNone):
		return state.Document{Dataset: ds.Name, Seq: a.Seq, Progress: state.Progress{Watermark: a.Start.UTC().Truncate(hunting.Tick)}}, nil
	case err != nil:
		return doc, err
	case !a.Start.IsZero():
		return doc, hunting.Refuse("%s has a state, up to %s: --start is for a dataset whose state is lost", ds.Name, doc.Watermark.Format(time.RFC3339))
	case doc.Pending != nil:
		return doc, hunting.Refuse("%s has pending commit %d for %s: run once with these destinations, or resolve it, before adopting others",
			doc.Dataset, doc.Pending.Seq, describe(doc.Pending.Destinations))
	}
	return doc, nil
}

// newTerms are what counts from the next commit on.
type newTerms struct {
	to         state.Destinations
	meaning    state.Meaning
	owner      string // of the dataset's place in the lake so far
	identified bool   // columns tell its rows apart
}

// changes is all that adopting would change.
func (n newTerms) changes(doc state.Document) []state.Change {
	all := slices.Concat(doc.Destinations.Changes(n.to), doc.Meaning.Changes(n.meaning))
	if doc.ID == "" {
		return append(all, state.Change{What: "state", Setting: "--start", New: "begins " + doc.Watermark.Format(time.RFC3339Nano)})
	}
	if n.owner != doc.ID {
		all = append(all, state.Change{What: "state that its place in the lake belongs to", Setting: "LAKE_URL, STATE_URL", Old: n.owner, New: doc.ID})
	}
	if doc.Ledger.Key != "" && n.forgets(doc) {
		all = append(all, state.Change{
			What: "late rows are looked for", Setting: "EXPORT_RECONCILE",
			Old: "since " + doc.Ledger.From.Format(time.RFC3339), New: "since " + doc.Watermark.Format(time.RFC3339),
		})
	}
	return all
}

// forgets reports whether exported rows cannot be told from late ones any more: the
// ledger lies in the other lake, or its keys mean something else.
func (n newTerms) forgets(doc state.Document) bool {
	if n.owner != doc.ID && doc.ID != "" || doc.Destinations.Lake != n.to.Lake {
		return true
	}
	return doc.Meaning.Kind != "" && !doc.Meaning.SameKeys(n.meaning, n.identified)
}

// adopt changes the document.
func (n newTerms) adopt(d *state.Document) {
	if n.forgets(*d) {
		d.Ledger, d.Check = state.Ledger{}, nil
		d.Gaps = slices.DeleteFunc(slices.Clone(d.Gaps), func(g state.Gap) bool { return g.Late })
	}
	m := n.meaning
	if old := d.Meaning; old.Kind != "" && (old.Kind != m.Kind || old.Mode != m.Mode || old.Query != m.Query || old.Time != m.Time) {
		d.Clock, d.Pace = "", hunting.Estimate{} // the new definition has its own
		if old.Mode == string(hunting.ModeSnapshot) && d.Snapshot.After(d.Watermark) {
			d.Watermark = d.Snapshot
		}
	}
	d.Destinations, d.Meaning = n.to, m
	d.Adopted = append(slices.Clone(d.Adopted), state.Adoption{Seq: d.Seq + 1, Destinations: n.to, Meaning: m})
}
