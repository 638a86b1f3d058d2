package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// demoKafka is an imitation of a broker inside this process. Only demo uses it.
type demoKafka struct {
	cluster *kfake.Cluster
	broker  string
}

func startDemoKafka() (*demoKafka, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(3), kfake.AllowAutoTopicCreation())
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	return &demoKafka{cluster: cluster, broker: cluster.ListenAddrs()[0]}, nil
}

func (k *demoKafka) close() { k.cluster.Close() }

// show reads every topic as a SIEM does, read_committed, and compares the number of
// events with the lake's rows.
func (k *demoKafka) show(ctx context.Context, w io.Writer, rep report) error {
	total := 0
	for i, d := range rep.Datasets {
		records, err := readCommitted(ctx, k.broker, "defender."+d.Dataset)
		if err != nil {
			return err
		}
		total += len(records)
		if i > 0 {
			continue
		}
		fmt.Fprintf(w, "\nFive events of topic defender.%s, read_committed:\n", d.Dataset)
		for _, r := range records[:min(5, len(records))] {
			fmt.Fprintf(w, "  key %s: %s\n", r.Key, shortened(r.Value))
		}
	}
	_, err := fmt.Fprintf(w, "All topics together hold %d events.\n", total)
	return err
}

func shortened(value []byte) string {
	const most = 160
	if len(value) <= most {
		return string(value)
	}
	return string(value[:most]) + "…"
}

// readCommitted reads a topic from its beginning to where it ends now.
func readCommitted(ctx context.Context, broker, topic string) (records []*kgo.Record, err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w", topic, err)
	}
	defer client.Close()
	for {
		poll, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		fetches := client.PollFetches(poll)
		quiet := poll.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		records = append(records, fetches.Records()...)
		if quiet && fetches.NumRecords() == 0 {
			return records, nil
		}
	}
}
