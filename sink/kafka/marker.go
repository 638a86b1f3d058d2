package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"hunting-exporter/pipeline"
)

// The marker is the group's offset (seq) and metadata (commit id) on partition 0 of
// the dataset's topic. KAFKA_TOPIC may have changed since it was written, so every
// topic of the group is looked at and the newest marker counts.

// Marker reads what the last committed transaction left. It must follow a Fence:
// before, a transaction that is still being committed shows its predecessor.
func (p *producer) Marker(ctx context.Context) (m pipeline.Marker, ok bool, err error) {
	if p.session == nil {
		return m, false, fmt.Errorf("read marker of %s: %w", p.id, errNotFenced)
	}
	// The first request names the topic, so that a missing right is an error; the
	// second leaves topics out that the login may not see.
	for _, topics := range []map[string][]int{{p.topic: {0}}, nil} {
		err := p.cluster.patience.retry(ctx, func(ctx context.Context) error {
			return p.fetchMarker(ctx, topics, &m, &ok)
		})
		if err != nil {
			return pipeline.Marker{}, false, fmt.Errorf("read marker of %s: %w", p.id, named(err))
		}
	}
	return m, ok, nil
}

// fetchMarker replaces m by the newest marker of the topics where that is newer. An
// error is never "no marker": only offset -1 without one is, or the coordinator's
// statement that the group does not exist (Kafka itself answers -1 for such a group,
// other brokers may not). Callers refuse on "none" where a commit is pending.
func (p *producer) fetchMarker(ctx context.Context, topics map[string][]int, m *pipeline.Marker, ok *bool) error {
	res, err := p.client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: p.id, Topics: topics})
	if err != nil {
		return err
	}
	if errors.Is(res.Error, kafkago.GroupIdNotFound) {
		return nil
	}
	if res.Error != nil {
		return res.Error
	}
	if topics != nil && len(res.Topics[p.topic]) != 1 {
		return fmt.Errorf("OffsetFetch answered for %d partitions, not 1", len(res.Topics[p.topic]))
	}
	for _, partitions := range res.Topics {
		for _, o := range partitions {
			if o.Error != nil {
				return o.Error
			}
			if o.CommittedOffset >= 0 && (!*ok || o.CommittedOffset > m.Seq) {
				*m, *ok = pipeline.Marker{Seq: o.CommittedOffset, ID: o.Metadata}, true
			}
		}
	}
	return nil
}
