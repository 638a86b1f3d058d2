package kafka

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// End is the sum of the partitions' end offsets: each record has moved one of them on, and
// neither its expiry, nor compaction, nor more partitions move one back.
func (p *producer) End(ctx context.Context) (end int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	err = p.cluster.patience.retry(ctx, func(ctx context.Context) error {
		end, err = p.end(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("end of topic %s: %w", p.topic, named(err))
	}
	return end, nil
}

// end asks for each partition. kafka-go's own client takes one without answer for empty.
func (p *producer) end(ctx context.Context) (sum int64, err error) {
	asked := listoffsets.RequestTopic{Topic: p.topic}
	for n := range p.partitions {
		asked.Partitions = append(asked.Partitions, listoffsets.RequestPartition{
			Partition: int32(n), CurrentLeaderEpoch: -1, Timestamp: kafkago.LastOffset,
		})
	}
	m, err := p.transport.RoundTrip(ctx, p.client.Addr, &listoffsets.Request{ReplicaID: -1, Topics: []listoffsets.RequestTopic{asked}})
	if err != nil {
		return 0, err
	}
	answers := 0
	for _, t := range m.(*listoffsets.Response).Topics {
		for _, a := range t.Partitions {
			if a.ErrorCode != 0 {
				return 0, kafkago.Error(a.ErrorCode)
			}
			answers++
			sum += a.Offset
		}
	}
	if answers != p.partitions {
		return 0, fmt.Errorf("ListOffsets answered for %d partitions, not %d", answers, p.partitions)
	}
	return sum, nil
}
