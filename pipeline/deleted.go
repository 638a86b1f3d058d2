package pipeline

import (
	"context"

	"hunting-exporter/state"
)

// deleted says so where the topic has had fewer records than this dataset alone has sent:
// somebody deleted it. Its events are gone, and nothing brings them back.
func (r *run) deleted(ctx context.Context) error {
	sent := r.doc.Sent
	if r.kafka == nil || sent.Events == 0 || sent.Cluster != r.kafka.Cluster() || sent.Topic != r.kafka.Topic() {
		return nil
	}
	end, err := r.kafka.End(ctx)
	if err != nil {
		r.log.Debug("whether the topic was deleted since the last commit is not known", "error", err)
		return nil
	}
	if end >= sent.Events {
		return nil
	}
	r.log.Warn("the topic was deleted since the last commit, or its brokers lost records: the events that it had got are gone and are not sent again; the lake has their rows, if there is one",
		"topic", sent.Topic, "events", sent.Events, "records_since", end)
	doc, err := r.claim.Update(ctx, func(d *state.Document) { d.Sent.Events = 0 })
	if err == nil {
		r.doc = doc
	}
	return err
}
