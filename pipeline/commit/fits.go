package commit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// errMeanwhile: another run has made or changed the dataset's state since it was looked for.
var errMeanwhile = errors.New("another run has just changed the state of this dataset: run again")

// Fits refuses, before anything is changed, a dataset whose state or whose place in the
// lake is not what this run would go on with. A pending commit is recovered by what it
// recorded; without one, what the state itself records counts.
func (c *Protocol) Fits(ctx context.Context, ds hunting.Dataset, doc state.Document) error {
	if doc.Epoch == 0 { // there is no state yet
		return c.free(ctx, ds)
	}
	err := c.same(ds, doc)
	if doc.Pending != nil {
		err = c.recoverable(ds, doc.Pending)
	}
	if err != nil {
		return err
	}
	if err := c.ours(ctx, ds, doc); err != nil {
		return err
	}
	return c.newest(ctx, ds, doc)
}

// recoverable refuses a pending commit that this run must not end.
func (c *Protocol) recoverable(ds hunting.Dataset, p *state.Pending) error {
	if p.Destinations.Lake != "" && p.Destinations.Lake != c.Destinations.Lake {
		return hunting.Refuse("commit %d waits in lake %s, this run is configured for %s: run once with LAKE_URL=%s, or settle it with `exporter state resolve %s`",
			p.Seq, p.Destinations.Lake, orNone(c.Destinations.Lake), p.Destinations.Lake, ds.Name)
	}
	if p.Decider != state.DeciderKafka || p.Destinations.Cluster == c.Destinations.Cluster {
		return nil
	}
	if c.Destinations.Cluster == "" {
		return hunting.Refuse("a commit waits for Kafka: commit %d is decided by cluster %s; run once with KAFKA_BROKERS set to it, or settle it with `exporter state resolve %s`",
			p.Seq, p.Destinations.Cluster, ds.Name)
	}
	return hunting.Refuse("a commit waits for Kafka: commit %d is decided by cluster %s, KAFKA_BROKERS leads to cluster %s; run once with the former, or settle it with `exporter state resolve %s`",
		p.Seq, p.Destinations.Cluster, c.Destinations.Cluster, ds.Name)
}

// same refuses other destinations, another meaning and another clock than the state's.
func (c *Protocol) same(ds hunting.Dataset, doc state.Document) error {
	if _, err := ClockOf(doc, ds); err != nil {
		return err
	}
	places, meanings := doc.Destinations.Changes(c.Destinations), doc.Meaning.Changes(c.meaning(ds))
	all := slices.Concat(places, meanings)
	if len(all) == 0 {
		return nil
	}
	own := "use a LAKE_URL and STATE_URL of its own for what is new"
	if slices.ContainsFunc(meanings, func(c state.Change) bool { return strings.Contains(c.Setting, "EXPORT_QUERIES") }) {
		own = "give the query a name of its own"
	}
	return hunting.Refuse("the state of %s records other settings than this run has, and rows of both would be mixed: %s; correct them, or %s, or accept them from commit %d on with `exporter state adopt %s`",
		ds.Name, listed(all), own, doc.Seq+1, ds.Name)
}

func listed(all []state.Change) string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = c.String()
	}
	return strings.Join(texts, "; ")
}

// meaning is what this run takes the dataset's rows for.
func (c *Protocol) meaning(ds hunting.Dataset) state.Meaning { return MeaningOf(c.Meaning, ds) }

// MeaningOf adds to a meaning what the dataset itself says.
func MeaningOf(m state.Meaning, ds hunting.Dataset) state.Meaning {
	m.Kind, m.Mode = state.KindTable, string(ds.Mode)
	if ds.Query != "" { // what a table's columns are for is the catalogue's to say
		m.Kind, m.Query, m.Time, m.Key, m.Identity = state.KindQuery, ds.Fingerprint, ds.TimeColumn, ds.Key, strings.Join(ds.Identity, ", ")
	}
	return m
}

// ClockOf is the dataset on the clock that its state says, once it says one: its windows
// mean nothing by the other clock.
func ClockOf(doc state.Document, ds hunting.Dataset) (hunting.Dataset, error) {
	known := hunting.Clock(doc.Clock)
	switch {
	case known == "" || known == ds.Clock || ds.Mode == hunting.ModeSnapshot:
		return ds, nil
	case ds.FixedClock:
		return ds, hunting.Refuse("the state cuts %s by %s time, EXPORT_CURSOR asks for %s time, and windows of the one mean nothing by the other: set EXPORT_CURSOR=%s, or use another STATE_URL and LAKE_URL",
			ds.Name, known, ds.Clock, known)
	}
	ds.Clock = known
	return ds, nil
}

// free refuses to begin a dataset of which the lake holds something already: all of it
// would be exported again beside that.
func (c *Protocol) free(ctx context.Context, ds hunting.Dataset) error {
	if len(c.Publishers) == 0 {
		return nil
	}
	owner, err := c.owner(ctx, ds.Name)
	if err != nil {
		return err
	}
	found := "belongs to the state document " + owner
	if owner == "" {
		key, err := c.holds(ctx, ds.Name)
		if err != nil || key == "" {
			return err
		}
		found = "holds files of it, such as " + key
	}
	if _, err := c.Stores.State.Load(ctx, ds.Name); err == nil {
		return errMeanwhile
	} else if !errors.Is(err, state.ErrNone) {
		return err
	}
	return hunting.Refuse("%s has no state, yet its place in the lake %s %s: a new state would export everything again; restore _meta/ as the last run left it (an older copy exports again what came after it; nothing may delete it, no expiry rule either), "+
		"or set STATE_URL to where its state is, or use another LAKE_URL, or, if the state is lost for good, go on where the files end with `exporter state adopt %s --start <time>`",
		ds.Name, c.Destinations.Lake, found, ds.Name)
}

// holds names a file of the dataset that somebody has published; empty: there is none.
func (c *Protocol) holds(ctx context.Context, dataset string) (key string, err error) {
	for _, p := range c.Publishers {
		if key, err = p.Holds(ctx, dataset); err != nil || key != "" {
			break
		}
	}
	return key, err
}

// ours refuses a lake that another state document writes, or that is not the one that
// this one's commits went to.
func (c *Protocol) ours(ctx context.Context, ds hunting.Dataset, doc state.Document) error {
	if len(c.Publishers) == 0 {
		return nil
	}
	owner, err := c.owner(ctx, ds.Name)
	switch {
	case err != nil || owner == doc.ID:
		return err
	case owner != "":
		return c.foreign(ds, doc.ID)
	case doc.Seq == 0 && doc.Pending == nil:
		return nil
	}
	return hunting.Refuse("the state of %s knows commits in the lake %s, where %s/_meta/%s is missing: the lake was emptied, or it is another store of the same name; restore it, or correct LAKE_URL and AWS_ENDPOINT_URL_S3, or go on in this one with `exporter state adopt %s`",
		ds.Name, c.Destinations.Lake, c.Destinations.Lake, ownerKey(ds.Name), ds.Name)
}

// newest refuses a state that ends before commits that took place: one from a backup, or a
// copy. The manifest of a commit is there only after the state has named the commit.
func (c *Protocol) newest(ctx context.Context, ds hunting.Dataset, doc state.Document) error {
	last := doc.Seq
	if doc.Pending != nil {
		last = doc.Pending.Seq
	}
	_, _, err := c.Stores.Meta.Get(ctx, manifestKey(ds.Name, last+1))
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for commits after the state's last: %w", err)
	}
	now, err := c.Stores.State.Load(ctx, ds.Name)
	switch {
	case err != nil:
		return err
	case now.Epoch != doc.Epoch || now.Seq != doc.Seq || now.Pending != nil && doc.Pending == nil:
		return errMeanwhile
	}
	return older(ds, doc, last+1)
}

func older(ds hunting.Dataset, doc state.Document, seq int64) error {
	return hunting.Refuse("the state of %s ends with commit %d, at %s, and %s of a later one is there: the state was restored from a backup, or is a copy, and rows would be exported again; restore its newest version, or correct STATE_URL, "+
		"or, if that is lost for good, delete this one, %s, and go on where the files end with `exporter state adopt %s --start <time>`",
		ds.Name, doc.Seq, doc.Watermark.Format(time.RFC3339), manifestKey(ds.Name, seq), state.Key(ds.Name), ds.Name)
}

func (c *Protocol) foreign(ds hunting.Dataset, id string) error {
	return hunting.Refuse("the lake already holds %s from another state document (%s/_meta/%s names it, ours is %s): use that deployment's STATE_URL or another LAKE_URL, or accept this state with `exporter state adopt %s`",
		ds.Name, c.Destinations.Lake, ownerKey(ds.Name), id, ds.Name)
}

func (c *Protocol) owner(ctx context.Context, dataset string) (id string, err error) {
	return Owner(ctx, c.Stores.Meta, dataset)
}

// Owner is the id of the state document that the dataset's place in the lake belongs to;
// empty: none yet.
func Owner(ctx context.Context, meta Objects, dataset string) (id string, err error) {
	data, _, err := meta.Get(ctx, ownerKey(dataset))
	if errors.Is(err, blob.ErrNotFound) {
		return "", nil
	}
	var body ownership
	if err == nil {
		err = json.Unmarshal(data, &body)
	}
	if err != nil {
		return "", fmt.Errorf("read whose the dataset's place in the lake is: %w", err)
	}
	return body.State, nil
}

type ownership struct {
	State string `json:"state"`
}

func ownerKey(dataset string) string { return "owner/" + dataset + ".json" }

func ownerBody(doc state.Document) []byte { return fmt.Appendf(nil, "{\"state\":%q}\n", doc.ID) }
