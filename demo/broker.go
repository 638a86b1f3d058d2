package demo

import (
	"context"
	"fmt"
	"io"
	"time"

	"hunting-exporter/report"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Broker is an imitation of a broker inside this process. Only demo and tests use it.
type Broker struct {
	cluster *kfake.Cluster
	Address string
}

// StartBroker starts one.
func StartBroker() (*Broker, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(3), kfake.AllowAutoTopicCreation())
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	return &Broker{cluster: cluster, Address: cluster.ListenAddrs()[0]}, nil
}

// Close ends it.
func (k *Broker) Close() { k.cluster.Close() }

// show reads every topic as a SIEM does, read_committed: as many events as the lake
// has rows.
func (k *Broker) show(ctx context.Context, w io.Writer, rep report.Run, rows int) error {
	topics := make([]string, 0, len(rep.Datasets))
	for _, d := range rep.Datasets {
		topics = append(topics, "defender."+d.Dataset)
	}
	records, err := ReadCommitted(ctx, k.Address, topics...)
	if err != nil {
		return err
	}
	if len(records) != rows {
		return fmt.Errorf("the topics hold %d events, the lake %d rows: please report this with the seed", len(records), rows)
	}
	fmt.Fprintf(w, "\nFive events, read_committed:\n")
	for _, r := range records[:min(5, len(records))] {
		fmt.Fprintf(w, "  %s, key %s: %s\n", r.Topic, r.Key, shortened(r.Value))
	}
	_, err = fmt.Fprintf(w, "All topics together hold %d events, as many as the lake has rows.\n", len(records))
	return err
}

func shortened(value []byte) string {
	const most = 160
	if len(value) <= most {
		return string(value)
	}
	return string(value[:most]) + "…"
}

// ReadCommitted reads topics from their beginning to where the last transaction ends.
func ReadCommitted(ctx context.Context, broker string, topics ...string) (records []*kgo.Record, err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topics...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	left := map[string]int64{} // by partition, the offset that is still to come
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[fmt.Sprint(o.Topic, "/", o.Partition)] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("read topics: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			partition := fmt.Sprint(r.Topic, "/", r.Partition)
			if r.Offset+1 >= left[partition] {
				delete(left, partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records, nil
}
