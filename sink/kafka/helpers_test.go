package kafka_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/sink/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenant = "11111111-2222-3333-4444-555555555555"
	txID   = "hunting-exporter.doc1"
)

var (
	devices = hunting.Dataset{Name: "DeviceEvents", TimeColumn: "Timestamp", Key: "DeviceId"}
	late    = time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)
)

// fake starts a fake cluster.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.DefaultNumPartitions(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func config(t *testing.T, brokers []string) kafka.Config {
	t.Helper()
	return kafka.Config{Brokers: brokers, Topic: "defender.{table}", Format: "record", Delivery: "exactly-once", Spill: t.TempDir()}
}

// connect connects with a patience fit for tests.
func connect(t *testing.T, cfg kafka.Config) *kafka.Cluster {
	t.Helper()
	c, err := kafka.Connect(t.Context(), cfg, kafka.Options{Log: slog.New(slog.DiscardHandler), TenantID: tenant})
	if err != nil {
		t.Fatal(err)
	}
	c.SetPatience(10*time.Second, 5*time.Second)
	return c
}

func open(t *testing.T, c *kafka.Cluster) commit.Decider {
	t.Helper()
	l, err := c.Log(t.Context(), devices, txID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// rows makes a batch of device events named from, from+1, … n of them.
func rows(from, n int) hunting.Batch {
	s := arrow.NewSchema([]arrow.Field{
		field("Timestamp", "DateTime"), field("DeviceId", "String"), field("ActionType", "String"), field("ReportId", "Int64"),
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	hashes := make([][16]byte, n)
	for i := range n {
		at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC).Add(time.Duration(from+i) * time.Millisecond)
		b.Field(0).(*array.ExtensionBuilder).Builder.(*array.Int64Builder).Append(schema.ToTicks(at))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("device-%d", (from+i)%17))
		b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("event-%d", from+i))
		b.Field(3).(*array.Int64Builder).Append(int64(from + i))
		sum := sha256.Sum256(fmt.Append(nil, from+i))
		hashes[i] = [16]byte(sum[:])
	}
	return hunting.Batch{Record: b.NewRecord(), Hashes: hashes}
}

// oneRow makes a batch of one event of a device.
func oneRow(at time.Time, device, name, text string) hunting.Batch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		field("Timestamp", "DateTime"), field("DeviceId", "String"), field("ActionType", "String"), field("Text", "String"),
	}, nil))
	defer b.Release()
	b.Field(0).(*array.ExtensionBuilder).Builder.(*array.Int64Builder).Append(schema.ToTicks(at))
	for i, v := range []string{device, name, text} {
		b.Field(i + 1).(*array.StringBuilder).Append(v)
	}
	return hunting.Batch{Record: b.NewRecord(), Hashes: [][16]byte{{1}}}
}

func field(name, apiType string) arrow.Field {
	return arrow.Field{
		Name: name, Type: schema.ArrowType(apiType), Nullable: true,
		Metadata: arrow.NewMetadata([]string{schema.MetaName, schema.MetaType}, []string{name, apiType}),
	}
}

func names(from, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("event-%d", from+i))
	}
	return sorted(out)
}

func sorted(s []string) []string { slices.Sort(s); return s }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var lastID atomic.Int64

// attempt gives the seq'th commit, each call another id.
func attempt(seq int64) commit.Attempt {
	return commit.Attempt{Dataset: devices, Seq: seq, Epoch: 1, ID: fmt.Sprintf("%032x", lastID.Add(1)), From: time.Now()}
}

func marker(a commit.Attempt) commit.Marker { return commit.Marker{Seq: a.Seq, ID: a.ID} }

// keep wants no event to be refused.
func keep(t *testing.T) commit.Refuse {
	return func(_ context.Context, r hunting.Reject) error {
		t.Errorf("refused %s: %s", r.Key, r.Reason)
		return nil
	}
}

// begin opens a writer for the attempt and writes n rows.
func begin(t *testing.T, l commit.Decider, a commit.Attempt, from, n int) commit.EventWriter {
	t.Helper()
	w, err := l.Begin(a, keep(t))
	must(t, err)
	t.Cleanup(func() { _ = w.Close() })
	b := rows(from, n)
	defer b.Release()
	must(t, w.Write(t.Context(), b))
	return w
}

// committed reads the topic as a read_committed consumer does, to its stable end,
// and returns the events' names.
func committed(t *testing.T, brokers []string, opts ...kgo.Opt) []string {
	t.Helper()
	var out []string
	for _, r := range fetch(t, brokers, opts...) {
		out = append(out, between(string(r.Value), `"ActionType":"`, `"`))
	}
	return sorted(out)
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// fetch returns every committed record, told to be the end by a sentinel that a plain
// producer writes behind them into each partition.
func fetch(t *testing.T, brokers []string, opts ...kgo.Opt) []*kgo.Record {
	t.Helper()
	const topic = "defender.DeviceEvents"
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.FetchMaxWait(100 * time.Millisecond), kgo.MetadataMinAge(50 * time.Millisecond),
	}, opts...)...)
	must(t, err)
	defer cl.Close()
	left := partitionsOf(t, cl, topic)
	end := fmt.Sprintf("end-%d", time.Now().UnixNano())
	for p := range left {
		must(t, cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: p, Value: []byte(end)}).FirstErr())
	}
	var out []*kgo.Record
	for len(left) > 0 {
		f := cl.PollFetches(ctx)
		must(t, f.Err())
		f.EachRecord(func(r *kgo.Record) {
			switch {
			case string(r.Value) == end:
				delete(left, r.Partition)
			case !strings.HasPrefix(string(r.Value), "end-"):
				out = append(out, r)
			}
		})
	}
	return out
}
