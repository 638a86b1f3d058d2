package pipeline

import (
	"context"
	"errors"
	"fmt"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// Resolve ends a pending commit by a person's word, where recovery refuses to guess:
// committed publishes what is there of it, otherwise it is dropped and its windows are
// read again. It refuses a word that Kafka's marker contradicts.
func (e *Exporter) Resolve(ctx context.Context, ds hunting.Dataset, committed bool) error {
	return e.byHand(ctx, ds, e.resolvable, func(r *run) error {
		if err := r.contradicted(ctx, committed); err != nil {
			return err
		}
		in, err := readIntent(ctx, r.Stores.Intents, r.doc.Pending)
		if err != nil {
			return err
		}
		if committed {
			if in, err = r.present(ctx, in); err == nil {
				err = r.publish(ctx, in)
			}
		} else {
			err = r.drop(ctx, in)
		}
		if err != nil {
			return err
		}
		// Whatever marker stands, the person's word is newer.
		_, err = r.claim.Update(ctx, func(d *state.Document) { d.Marker = "" })
		return err
	})
}

// byHand runs one change under the dataset's claim. check refuses before anything changes.
func (e *Exporter) byHand(ctx context.Context, ds hunting.Dataset, check func(state.Document) error, change func(*run) error) error {
	if _, err := e.Stores.State.Load(ctx, ds.Name); err != nil {
		return err
	}
	r, err := e.hold(ctx, ds, func() state.Document { return state.Document{} }, check)
	if err != nil {
		return err
	}
	defer r.claim.Release(ctx)
	err = change(r)
	if r.kafka != nil {
		err = errors.Join(err, r.kafka.Close())
	}
	return err
}

// hold claims the dataset for a person.
func (e *Exporter) hold(ctx context.Context, ds hunting.Dataset, fresh func() state.Document, check func(state.Document) error) (*run, error) {
	r := &run{Exporter: e, ds: ds, log: e.Log.With("dataset", ds.Name), result: Result{Dataset: ds.Name}}
	claim, err := e.Stores.State.Acquire(ctx, ds.Name, e.Run, fresh, check)
	if err != nil {
		return nil, err
	}
	r.claim = claim
	if r.doc, err = claim.Look(ctx); err != nil {
		claim.Release(ctx)
		return nil, err
	}
	return r, nil
}

func (e *Exporter) resolvable(doc state.Document) error {
	p := doc.Pending
	switch {
	case p == nil:
		return refuse("%s has no pending commit: there is nothing to resolve", doc.Dataset)
	case p.Destinations.Lake != "" && p.Destinations.Lake != e.Destinations.Lake:
		return refuse("commit %d waits in lake %s, the configuration names %s: set LAKE_URL=%s", p.Seq, p.Destinations.Lake, orNone(e.Destinations.Lake), p.Destinations.Lake)
	}
	return nil
}

// present publishes file by file and leaves out those that are gone for good: only a
// person may accept that the lake lacks rows of a decided commit.
func (r *run) present(ctx context.Context, in intent) (intent, error) {
	files, listed := in.Files, in.Manifest.Files
	in.Files, in.Manifest.Files = nil, make([]ManifestFile, 0, len(listed))
	for i, f := range files {
		err := r.Lake.Publish(ctx, []state.File{f})
		switch {
		case errors.Is(err, ErrUploadGone):
			r.log.Error("the lake lacks a file of this commit; export its stretch again", "file", f.Key, "rows", f.Rows,
				"from", in.Manifest.From, "to", in.Manifest.To)
			continue
		case err != nil:
			return intent{}, fmt.Errorf("publish commit %d: %w", in.Manifest.Seq, err)
		}
		in.Files, in.Manifest.Files = append(in.Files, f), append(in.Manifest.Files, listed[i])
	}
	return in, nil
}

// contradicted refuses a word that differs from the marker, where the deciding cluster
// is within reach and its marker tells.
func (r *run) contradicted(ctx context.Context, committed bool) error {
	p := r.doc.Pending
	if p.Decider != state.DeciderKafka || r.OpenLog == nil || p.Destinations.Cluster != r.Destinations.Cluster {
		return nil
	}
	var err error
	if r.kafka, err = r.OpenLog(ctx, r.ds, TransactionalID(r.doc.ID)); err != nil {
		return err
	}
	found, err := r.fence(ctx)
	if err != nil {
		return err
	}
	if found && (r.marker.ID == p.Commit && !committed || r.marker.ID == p.Prev && committed) {
		return refuse("Kafka's marker %s says the contrary of commit %d: start a run, it settles the commit by itself", r.marker.ID, p.Seq)
	}
	return nil
}
