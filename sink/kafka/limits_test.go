package kafka_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/event"
	"hunting-exporter/sink/kafka"
)

// noise is text that hardly compresses.
func noise(n int) string {
	rng := rand.New(rand.NewChaCha8([32]byte{1}))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('!' + rng.IntN(90))
	}
	return strings.NewReplacer(`"`, "x", `\`, "x").Replace(string(b))
}

// limited is a cluster whose one topic takes batches of max bytes.
func limited(t *testing.T, max string) (brokers []string, l commit.Decider) {
	t.Helper()
	cluster := fake(t)
	must(t, cluster.CreateTopic("defender.DeviceEvents", 2, map[string]string{"max.message.bytes": max}))
	return cluster.ListenAddrs(), open(t, connect(t, config(t, cluster.ListenAddrs())))
}

func TestLargeEventsAreSplitOverBatches(t *testing.T) {
	brokers, l := limited(t, "100000")
	must(t, l.Fence(t.Context()))
	a := attempt(1)
	w, err := l.Begin(a, keep(t))
	must(t, err)
	defer func() { _ = w.Close() }()
	text := noise(2_000_000)
	var want []string
	for i := range 100 {
		name := fmt.Sprintf("event-%d", i)
		want = append(want, name)
		b := oneRow(late, "d", name, text[i*20_000:(i+1)*20_000])
		must(t, w.Write(t.Context(), b))
		b.Release()
	}
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	if diff := cmp.Diff(sorted(want), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}

func TestRecords(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	c, err := kafka.Connect(t.Context(), config(t, brokers), kafka.Options{TenantID: tenant})
	must(t, err)
	l := open(t, c)
	must(t, l.Fence(t.Context()))
	a := attempt(1)
	w := begin(t, l, a, 0, 100)
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))

	java := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	b := rows(0, 100)
	defer b.Release()
	hash := map[string]string{}
	for i := range 100 {
		hash[b.Record.Column(2).(*array.String).Value(i)] = fmt.Sprintf("%x", b.Hashes[i])
	}
	records := fetch(t, brokers)
	if len(records) != 100 {
		t.Fatalf("%d records, want 100", len(records))
	}
	for _, r := range records {
		v := string(r.Value)
		got := map[string]string{}
		for _, h := range r.Headers {
			got[h.Key] = string(h.Value)
		}
		want := map[string]string{
			"ce_specversion": "1.0", "content-type": "application/json",
			"ce_type": "com.microsoft.defender.hunting.DeviceEvents", "ce_source": "/tenants/" + tenant + "/tables/DeviceEvents",
			"ce_id": hash[between(v, `"ActionType":"`, `"`)], "ce_time": between(v, `"time":"`, `"`),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("headers (-want +got):\n%s", diff)
		}
		if string(r.Key) != between(v, `"DeviceId":"`, `"`) {
			t.Fatalf("key %q of %s", r.Key, v)
		}
		if n := java.Partition(r, 3); int32(n) != r.Partition {
			t.Fatalf("key %s in partition %d, Java's partitioner says %d", r.Key, r.Partition, n)
		}
	}
}

func TestPartitionerEqualsJavas(t *testing.T) {
	java := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		key := make([]byte, 1+rng.IntN(40))
		for i := range key {
			key[i] = byte(rng.Uint32())
		}
		n := 1 + rng.IntN(50)
		if got, want := kafka.PartitionOf(key, [16]byte{}, n), java.Partition(&kgo.Record{Key: key}, n); got != want {
			t.Fatalf("key %x of %d partitions: %d, want %d", key, n, got, want)
		}
	}
}

func TestRowsWithoutKeySpreadByHash(t *testing.T) {
	seen := map[int]int{}
	b := rows(0, 300)
	defer b.Release()
	for _, h := range b.Hashes {
		p := kafka.PartitionOf(nil, h, 3)
		if p != kafka.PartitionOf([]byte{}, h, 3) {
			t.Fatal("an empty key goes elsewhere than none")
		}
		seen[p]++
	}
	for p := range 3 {
		if seen[p] < 60 {
			t.Errorf("partition %d has %d of 300 rows", p, seen[p])
		}
	}
}

func TestTopicIsCreated(t *testing.T) {
	cluster := fake(t, kfake.DefaultNumPartitions(5))
	var logged strings.Builder
	c, err := kafka.Connect(t.Context(), config(t, cluster.ListenAddrs()), kafka.Options{Log: slog.New(slog.NewTextHandler(&logged, nil))})
	must(t, err)
	open(t, c)
	info := cluster.TopicInfo("defender.DeviceEvents")
	if info == nil || len(cluster.PartitionInfos("defender.DeviceEvents")) != 5 {
		t.Errorf("topic %v, want one with the broker's 5 partitions", info)
	}
	if !strings.Contains(logged.String(), "created the topic") {
		t.Errorf("log %q does not say that a topic was created", &logged)
	}
}

func TestTopicMayNotBeCreated(t *testing.T) {
	cluster := fake(t)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	_, err := connect(t, config(t, cluster.ListenAddrs())).Log(t.Context(), devices, txID)
	if !errors.Is(err, kafka.ErrDenied) || !strings.Contains(err.Error(), "defender.DeviceEvents") || !strings.Contains(err.Error(), "grant Create") {
		t.Errorf("error = %v, want ErrDenied naming the topic and the right", err)
	}
}

func TestTopicNameTooLong(t *testing.T) {
	ds := hunting.Dataset{Name: strings.Repeat("a", 245)}
	if _, err := connect(t, config(t, fake(t).ListenAddrs())).Log(t.Context(), ds, txID); err == nil {
		t.Error("a topic name of 254 characters was taken")
	}
}

func TestUnknownLimitIsNoObstacle(t *testing.T) {
	cluster := fake(t)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	l := open(t, connect(t, config(t, cluster.ListenAddrs())))
	must(t, l.Fence(t.Context()))
	must(t, begin(t, l, attempt(1), 0, 10).Send(t.Context()))
}

func TestLocalFileLeavesNothing(t *testing.T) {
	cfg := config(t, fake(t).ListenAddrs())
	l := open(t, connect(t, cfg))
	w := begin(t, l, attempt(1), 0, 10)
	must(t, l.Fence(t.Context()))
	must(t, w.Send(t.Context())) // has flushed
	if left := files(t, cfg.Spill); len(left) != 0 {
		t.Errorf("a killed process would leave %v", left)
	}
	must(t, w.Close())
	must(t, w.Close())
	b := rows(0, 1)
	defer b.Release()
	if w.Write(t.Context(), b) == nil || w.Send(t.Context()) == nil {
		t.Error("a closed writer still takes calls")
	}

	must(t, os.RemoveAll(cfg.Spill))
	if _, err := l.Begin(attempt(2), keep(t)); err == nil || !strings.Contains(err.Error(), "PIPELINE_SPILL") {
		t.Errorf("error without a directory = %v, want one that names PIPELINE_SPILL", err)
	}
}

func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func BenchmarkEncode(b *testing.B) {
	batch := rows(0, 10_000)
	defer batch.Release()
	f, err := event.New(event.Record, devices, tenant)
	if err != nil {
		b.Fatal(err)
	}
	e := kafka.Encoder{Format: f}
	buf, err := e.EncodeAll(nil, batch)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = e.EncodeAll(buf[:0], batch); err != nil {
			b.Fatal(err)
		}
	}
	_, _ = io.Discard.Write(buf)
}
