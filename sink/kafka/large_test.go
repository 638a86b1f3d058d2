package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/kafka"
)

// refused collects what a writer refuses.
type refused struct {
	mu   sync.Mutex
	list []hunting.Reject
}

func (r *refused) take(_ context.Context, rej hunting.Reject) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, rej)
	return nil
}

// oneEvent makes a row of this name, whose text hardly compresses.
func oneEvent(name string, size int) hunting.Batch {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	b := oneRow(at, "of "+name, name, noise(size))
	copy(b.Hashes[0][:], name)
	return b
}

// large writes n events, of which each tenth is larger than 100,000 bytes compressed, and
// returns the names of the others.
func large(t *testing.T, l commit.Decider, a commit.Attempt, n int, refuse commit.Refuse) (w commit.EventWriter, small []string) {
	t.Helper()
	w, err := l.Begin(a, refuse)
	must(t, err)
	t.Cleanup(func() { _ = w.Close() })
	for i := range n {
		name, size := fmt.Sprintf("event-%d", i), 8_000
		if i%10 == 0 {
			size = 200_000
		} else {
			small = append(small, name)
		}
		b := oneEvent(name, size)
		must(t, w.Write(t.Context(), b))
		b.Release()
	}
	return w, sorted(small)
}

// TestEventTooLarge: events that the topic does not take are refused, once each, however
// often everything is sent; all others are sent. The limit is read, or the broker alone
// knows it, which then is asked with ever smaller batches.
func TestEventTooLarge(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("limit known %v", known), func(t *testing.T) {
			cluster := fake(t)
			must(t, cluster.CreateTopic("defender.DeviceEvents", 2, map[string]string{"max.message.bytes": "100000"}))
			if !known {
				cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			}
			l := open(t, connect(t, config(t, cluster.ListenAddrs())))
			var r refused
			a := attempt(1)
			w, small := large(t, l, a, 60, r.take)
			for range 3 {
				must(t, l.Fence(t.Context()))
				must(t, w.Send(t.Context()))
			}
			must(t, w.Decide(t.Context(), marker(a)))
			if diff := cmp.Diff(small, committed(t, cluster.ListenAddrs())); diff != "" {
				t.Errorf("visible events (-want +got):\n%s", diff)
			}
			if w.Events() != int64(len(small)) {
				t.Errorf("%d events, want %d", w.Events(), len(small))
			}
			var got []string
			for _, rej := range r.list {
				var v struct {
					Properties struct{ ActionType, Text string } `json:"properties"`
				}
				must(t, json.Unmarshal(rej.Row, &v))
				got = append(got, v.Properties.ActionType)
				if rej.Key != "of "+v.Properties.ActionType || len(v.Properties.Text) < 190_000 || rej.Time.Format(time.RFC3339) != "2026-03-01T10:00:00Z" ||
					rej.Sink != "kafka" || !strings.Contains(rej.Reason, "defender.DeviceEvents") || !strings.Contains(rej.Reason, "max.message.bytes") {
					t.Errorf("refused %s of %s at %s: %s", rej.Sink, rej.Key, rej.Time, rej.Reason)
				}
			}
			want := sorted([]string{"event-0", "event-10", "event-20", "event-30", "event-40", "event-50"})
			if diff := cmp.Diff(want, sorted(got)); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEventAtTheLimit: the topic takes a batch of exactly its limit, and no byte more.
func TestEventAtTheLimit(t *testing.T) {
	cluster := fake(t)
	var sizes sync.Map // of the batches that arrived, by topic
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Count: -1, When: func(r kmsg.Request) bool {
		t := r.(*kmsg.ProduceRequest).Topics[0]
		sizes.Store(t.Topic, len(t.Partitions[0].Records))
		return false
	}})
	send := func(topic string, max int, take commit.Refuse) {
		t.Helper()
		must(t, cluster.CreateTopic(topic+".DeviceEvents", 1, map[string]string{"max.message.bytes": fmt.Sprint(max)}))
		cfg := config(t, cluster.ListenAddrs())
		cfg.Topic = topic + ".{table}"
		l := open(t, connect(t, cfg))
		must(t, l.Fence(t.Context()))
		w, err := l.Begin(attempt(1), take)
		must(t, err)
		defer func() { _ = w.Close() }()
		b := oneEvent("event", 50_000)
		defer b.Release()
		must(t, w.Write(t.Context(), b))
		must(t, w.Send(t.Context()))
	}
	send("roomy", 1_000_000, keep(t))
	n, _ := sizes.Load("roomy.DeviceEvents")
	send("exact", n.(int), keep(t))
	var r refused
	send("small", n.(int)-1, r.take)
	if sent, ok := sizes.Load("small.DeviceEvents"); len(r.list) != 1 || ok {
		t.Errorf("%d events are refused where the limit is one byte too low, and %v bytes are sent; want 1 and none", len(r.list), sent)
	}
}

// TestNothingButLargeEvents: the marker is committed all the same.
func TestNothingButLargeEvents(t *testing.T) {
	brokers, l := limited(t, "100000")
	a := attempt(1)
	var r refused
	w, _ := large(t, l, a, 1, r.take)
	for range 2 {
		must(t, l.Fence(t.Context()))
		must(t, w.Send(t.Context()))
	}
	must(t, w.Decide(t.Context(), marker(a)))
	must(t, l.Fence(t.Context()))
	if got, ok, err := l.Marker(t.Context()); got != marker(a) || !ok || err != nil {
		t.Errorf("Marker() = %v, %v, %v; want %v", got, ok, err, marker(a))
	}
	if got := committed(t, brokers); len(got) != 0 || len(r.list) != 1 || w.Events() != 0 {
		t.Errorf("%d visible, %d refused, %d events; want none, 1, none", len(got), len(r.list), w.Events())
	}
}

// TestRefusedForItsSize: a batch of several events is sent in halves, which the broker
// takes; but not where an earlier try may have been stored, since it would be there twice.
func TestRefusedForItsSize(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    *kerr.Error
		before *kerr.Error // nil: none
		want   error
	}{
		{"message too large", kerr.MessageTooLarge, nil, nil},
		{"larger than a segment", kerr.RecordListTooLarge, nil, nil},
		{"after a time-out", kerr.MessageTooLarge, kerr.RequestTimedOut, commit.ErrUnknown},
		{"after one that was not stored", kerr.MessageTooLarge, kerr.NotEnoughReplicas, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := fake(t, kfake.DefaultNumPartitions(1))
			l := open(t, connect(t, config(t, cluster.ListenAddrs())))
			must(t, l.Fence(t.Context()))
			a := attempt(1)
			w := begin(t, l, a, 0, 100)
			if c.before != nil {
				cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: c.before})
			}
			h := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: c.err, Count: 2})
			if err := w.Send(t.Context()); !errors.Is(err, c.want) || errors.Is(err, kafka.ErrDenied) {
				t.Fatalf("Send = %v, want %v", err, c.want)
			}
			if h.Hits() == 0 {
				t.Error("the fault was never met")
			}
			if c.want != nil {
				must(t, l.Fence(t.Context()))
				must(t, w.Send(t.Context()))
			}
			must(t, w.Decide(t.Context(), marker(a)))
			if diff := cmp.Diff(names(0, 100), committed(t, cluster.ListenAddrs())); diff != "" {
				t.Errorf("visible events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOnlyTheBrokerRefuses: a request that is given up because another partition's batch is
// refused for its size is not refused itself.
func TestOnlyTheBrokerRefuses(t *testing.T) {
	cluster := fake(t)
	must(t, cluster.CreateTopic("defender.DeviceEvents", 2, nil))
	var waiting atomic.Bool
	release := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Partition == 1 && !waiting.Swap(true) {
			cluster.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	cluster.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{0}, Err: kerr.RequestTimedOut}, // and stored
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{0}, Err: kerr.MessageTooLarge},
	)
	l := open(t, connect(t, config(t, cluster.ListenAddrs())))
	a := attempt(1)
	w, err := l.Begin(a, keep(t))
	must(t, err)
	defer func() { _ = w.Close() }()
	for n, partition := 0, 0; partition < 2; n++ {
		name := fmt.Sprintf("event-%d", n)
		b := oneEvent(name, 10)
		if kafka.PartitionOf([]byte("of "+name), b.Hashes[0], 2) == partition {
			must(t, w.Write(t.Context(), b))
			partition++
		}
		b.Release()
	}
	must(t, l.Fence(t.Context()))
	err = w.Send(t.Context())
	close(release)
	if !errors.Is(err, commit.ErrUnknown) {
		t.Fatalf("Send = %v, want ErrUnknown", err)
	}
	must(t, l.Fence(t.Context()))
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	if got := committed(t, cluster.ListenAddrs()); len(got) != 2 || w.Events() != 2 {
		t.Errorf("visible events: %q, want 2", got)
	}
}
