package commit

import (
	"context"

	"hunting-exporter/state"
)

// deleted says so where the topic has had fewer records than this dataset alone has sent:
// somebody deleted it. Its events are gone, and nothing brings them back.
func (s *Session) deleted(ctx context.Context) error {
	sent := s.Doc.Sent
	if s.decider == nil || sent.Events == 0 || sent.Cluster != s.decider.Cluster() || sent.Topic != s.decider.Topic() {
		return nil
	}
	end, err := s.decider.End(ctx)
	if err != nil {
		s.log.Debug("whether the topic was deleted since the last commit is not known", "error", err)
		return nil
	}
	if end >= sent.Events {
		return nil
	}
	s.log.Warn("the topic was deleted since the last commit, or its brokers lost records: the events that it had got are gone and are not sent again; the lake has their rows, if there is one",
		"topic", sent.Topic, "events", sent.Events, "records_since", end)
	return s.Update(ctx, func(d *state.Document) { d.Sent.Events = 0 })
}
