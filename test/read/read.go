// Package read reads what a topic holds, as consumers would: with franz-go and
// with librdkafka. It is the judge of what the exporter delivered, so it shares no
// code with it.
//
// It promises the committed records of all partitions up to the end at the time of
// the call, in offset order within a partition, or an error.
package read

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// limit bounds one read.
const limit = 2 * time.Minute

// Committed reads a topic with franz-go, read_committed. A transaction that is
// still open hides what comes after it.
func Committed(t testing.TB, topic string, opts ...kgo.Opt) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	records, err := committed(ctx, topic, opts)
	if err != nil {
		t.Fatalf("read topic %s: %v", topic, err)
	}
	return records
}

// Values are the values of records.
func Values(records []*kgo.Record) []string {
	values := make([]string, len(records))
	for i, r := range records {
		values[i] = string(r.Value)
	}
	return values
}

func committed(ctx context.Context, topic string, opts []kgo.Opt) ([]*kgo.Record, error) {
	left, at, err := positions(ctx, topic, opts)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	// A partition ends in a control record as a rule: without seeing those, a
	// reader would wait for a record that never comes.
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
	}, opts...)...)
	if err != nil {
		return nil, err
	}
	defer client.Close()

	var records []*kgo.Record
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("ends not reached %v: %w", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			end, reading := left[r.Partition]
			if !reading {
				return
			}
			if r.Offset < end && !r.Attrs.IsControl() {
				records = append(records, r)
			}
			if r.Offset >= end-1 {
				delete(left, r.Partition)
			}
		})
	}
	return records, nil
}

// positions are the ends of the partitions that hold something, and their starts.
func positions(ctx context.Context, topic string, opts []kgo.Opt) (map[int32]int64, map[int32]kgo.Offset, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	left, at := map[int32]int64{}, map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, end.Partition)
		if start.Offset < end.Offset {
			left[end.Partition] = end.Offset
			at[end.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	return left, at, nil
}
