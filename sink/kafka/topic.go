package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/sethvargo/go-retry"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/stopping"
	"hunting-exporter/pipeline/commit"
)

const (
	topicTimeout           = 30 * time.Second
	defaultMaxMessageBytes = 1048588 // the broker's own default
	defaultPartitions      = -1      // the broker's num.partitions
	defaultReplication     = -1      // the broker's default.replication.factor
)

// Log opens the dataset's producer and makes sure that its topic exists. A missing
// topic is created with the broker's defaults.
func (c *Cluster) Log(ctx context.Context, ds hunting.Dataset, transactionalID string) (commit.Decider, error) {
	topic := c.cfg.TopicFor(strings.ToLower(c.opts.TenantID), ds.Name)
	if err := checkTopicName(topic); err != nil {
		return nil, fmt.Errorf("topic of dataset %s: %w", ds.Name, err)
	}
	t := c.transport(topic)
	p := &producer{
		cluster:   c,
		dataset:   ds,
		id:        transactionalID,
		topic:     topic,
		log:       c.opts.Log.With("dataset", ds.Name, "topic", topic),
		transport: t,
		client:    &kafkago.Client{Addr: kafkago.TCP(c.cfg.Brokers...), Transport: t, Timeout: c.patience.request},
		timeout:   transactionTimeout,
	}
	if err := p.openTopic(ctx); err != nil {
		t.CloseIdleConnections()
		return nil, fmt.Errorf("open topic %s of dataset %s: %w", topic, ds.Name, err)
	}
	return p, nil
}

// openTopic learns the topic's partitions and limit, creating it if need be.
func (p *producer) openTopic(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	created := false
	pauses := retry.WithCappedDuration(time.Second, retry.NewExponential(50*time.Millisecond))
	for {
		n, err := p.countPartitions(ctx)
		switch {
		case err == nil:
			p.partitions = n
			p.maxBytes, p.maxKnown = p.maxMessageBytes(ctx)
			return nil
		case judge(err) == denied:
			return fmt.Errorf("the login may not see the topic; grant Describe and Write on it: %w", named(err))
		case judge(err) == final:
			return err
		case errors.Is(err, kafkago.UnknownTopicOrPartition) && !created:
			createErr := p.createTopic(ctx)
			if createErr != nil && judge(createErr) != again {
				return createErr
			}
			created = createErr == nil
		}
		pause, _ := pauses.Next()
		select {
		case <-time.After(pause):
		case <-stopping.Asked(ctx):
			return fmt.Errorf("not ready before the run was stopped: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("not ready within %s: %w", topicTimeout, err)
		}
		// The answer is cached: a new connection pool is how to ask again.
		p.transport.CloseIdleConnections()
	}
}

func (p *producer) countPartitions(ctx context.Context) (int, error) {
	m, err := p.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{p.topic}})
	if err != nil {
		return 0, err
	}
	if len(m.Topics) != 1 {
		return 0, kafkago.UnknownTopicOrPartition
	}
	t := m.Topics[0]
	if t.Error != nil {
		return 0, t.Error
	}
	if len(t.Partitions) == 0 {
		return 0, kafkago.LeaderNotAvailable
	}
	return len(t.Partitions), nil
}

func (p *producer) createTopic(ctx context.Context) error {
	// kafka-go waits for the topic to show in its cache, which the cache may never do.
	ctx, cancel := context.WithTimeout(ctx, 2*metadataTTL)
	defer cancel()
	res, err := p.client.CreateTopics(ctx, &kafkago.CreateTopicsRequest{
		Topics: []kafkago.TopicConfig{{Topic: p.topic, NumPartitions: defaultPartitions, ReplicationFactor: defaultReplication}},
	})
	if err == nil {
		err = res.Errors[p.topic]
	}
	switch {
	case err == nil:
		p.log.Info("created the topic with the broker's default partitions and replication")
		return nil
	case errors.Is(err, kafkago.TopicAlreadyExists):
		return nil
	case judge(err) == denied:
		return fmt.Errorf("it does not exist and the login may not create it; create it, or grant Create on it: %w", named(err))
	}
	return fmt.Errorf("it does not exist; create it: %w", err)
}

// maxMessageBytes asks for the topic's limit on a compressed batch. Being refused
// the answer is no reason to stop: the default is what most topics have.
func (p *producer) maxMessageBytes(ctx context.Context) (n int, known bool) {
	const name = "max.message.bytes"
	res, err := p.client.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{
		Resources: []kafkago.DescribeConfigRequestResource{{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: p.topic, ConfigNames: []string{name},
		}},
	})
	if err == nil {
		for _, r := range res.Resources {
			if r.Error != nil {
				err = r.Error
			}
			for _, e := range r.ConfigEntries {
				if n, convErr := strconv.Atoi(e.ConfigValue); e.ConfigName == name && convErr == nil && n > 0 {
					return n, true
				}
			}
		}
	}
	p.log.Debug("the topic's max.message.bytes is not known, taking the default", "bytes", defaultMaxMessageBytes, "error", err)
	return defaultMaxMessageBytes, false
}

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
