package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"hunting-exporter/pipeline/commit"
)

// TestEndOfTopic: the end moves on with every event, and back only when the topic is deleted:
// not when records are, not with more partitions. What one partition does not tell is an error.
func TestEndOfTopic(t *testing.T) {
	const topic = "defender.DeviceEvents"
	cluster := fake(t)
	brokers := cluster.ListenAddrs()
	c := connect(t, config(t, brokers))
	l := open(t, c)
	end := func(l commit.Decider, atLeast, below int64) {
		t.Helper()
		if got, err := l.End(t.Context()); err != nil || got < atLeast || got >= below {
			t.Errorf("End() = %d, %v; want from %d to below %d", got, err, atLeast, below)
		}
	}
	end(l, 0, 1)
	send := func(events int) {
		t.Helper()
		a := attempt(1)
		must(t, l.Fence(t.Context()))
		w := begin(t, l, a, 0, events)
		must(t, w.Send(t.Context()))
		must(t, w.Decide(t.Context(), marker(a)))
	}
	send(200)
	end(l, 200, 210)
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	must(t, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(t.Context(), topic)
	must(t, err)
	_, err = admin.DeleteRecords(t.Context(), ends.Offsets())
	must(t, err)
	end(l, 200, 210)
	_, err = admin.CreatePartitions(t.Context(), 2, topic)
	must(t, err)
	end(open(t, c), 200, 210)
	send(100)
	end(open(t, c), 300, 330)

	h := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Partitions: []int32{1}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	if got, err := l.End(t.Context()); err == nil {
		t.Errorf("End() = %d, where a partition tells nothing", got)
	}
	h.Remove()
	_, err = admin.DeleteTopics(t.Context(), topic)
	must(t, err)
	end(open(t, c), 0, 1)
}
