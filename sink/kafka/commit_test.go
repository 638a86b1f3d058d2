package kafka_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"hunting-exporter/pipeline/commit"
)

func partitionsOf(t *testing.T, cl *kgo.Client, topic string) map[int32]bool {
	t.Helper()
	d, err := kadm.NewClient(cl).ListTopics(t.Context(), topic)
	must(t, err)
	out := map[int32]bool{}
	for p := range d[topic].Partitions {
		out[p] = true
	}
	return out
}

func TestCommitIsVisibleExactlyOnce(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	l := open(t, connect(t, config(t, brokers)))
	must(t, l.Fence(t.Context()))
	a := attempt(1)
	w := begin(t, l, a, 0, 500)
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	if diff := cmp.Diff(names(0, 500), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
	if w.Events() != 500 {
		t.Errorf("Events() = %d, want 500", w.Events())
	}
}

func TestUndecidedIsInvisibleAndDiesWithTheFence(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	l := open(t, connect(t, config(t, brokers)))
	must(t, l.Fence(t.Context()))
	dropped := begin(t, l, attempt(1), 0, 100)
	must(t, dropped.Send(t.Context()))
	must(t, l.Fence(t.Context())) // aborts
	a := attempt(1)
	w := begin(t, l, a, 1000, 100)
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	if diff := cmp.Diff(names(1000, 100), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}

func TestFenceKillsAnOlderProducer(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	c := connect(t, config(t, brokers))
	old, young := open(t, c), open(t, c)

	must(t, old.Fence(t.Context()))
	a := attempt(1)
	sent := begin(t, old, a, 0, 50)
	must(t, sent.Send(t.Context()))
	must(t, young.Fence(t.Context()))
	if err := sent.Decide(t.Context(), marker(a)); !errors.Is(err, commit.ErrUnknown) {
		t.Errorf("Decide of a fenced producer = %v, want ErrUnknown", err)
	}

	must(t, old.Fence(t.Context()))
	must(t, young.Fence(t.Context()))
	if err := begin(t, old, attempt(1), 100, 50).Send(t.Context()); !errors.Is(err, commit.ErrFenced) {
		t.Errorf("Send of a fenced producer = %v, want ErrFenced", err)
	}
	if got := committed(t, brokers); len(got) != 0 {
		t.Errorf("%d events of fenced producers are visible", len(got))
	}
}

func TestMarker(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	l := open(t, connect(t, config(t, brokers)))
	expect := func(want commit.Marker, wantOK bool) {
		t.Helper()
		must(t, l.Fence(t.Context()))
		got, ok, err := l.Marker(t.Context())
		must(t, err)
		if got != want || ok != wantOK {
			t.Errorf("Marker() = %v, %v; want %v, %v", got, ok, want, wantOK)
		}
	}
	expect(commit.Marker{}, false)
	base := commit.Marker{Seq: 0, ID: "base-00112233445566778899aabbccddeeff"}
	must(t, l.Mark(t.Context(), base))
	expect(base, true)
	must(t, l.Mark(t.Context(), base)) // as every run does
	expect(base, true)

	a := attempt(1)
	w := begin(t, l, a, 0, 10)
	must(t, w.Send(t.Context()))
	must(t, l.Fence(t.Context()))
	expect(base, true) // undecided

	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	expect(marker(a), true)
}

func TestMarkerSurvivesAnotherTopic(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	cfg := config(t, brokers)
	l := open(t, connect(t, cfg))
	must(t, l.Fence(t.Context()))
	want := commit.Marker{Seq: 7, ID: "0123"}
	must(t, l.Mark(t.Context(), want))

	cfg.Topic = "other.{table}"
	other := open(t, connect(t, cfg))
	must(t, other.Fence(t.Context()))
	if got, ok, err := other.Marker(t.Context()); got != want || !ok || err != nil {
		t.Errorf("Marker() = %v, %v, %v; want %v", got, ok, err, want)
	}
	newer := commit.Marker{Seq: 8, ID: "4567"}
	must(t, other.Mark(t.Context(), newer))
	must(t, l.Fence(t.Context()))
	if got, _, err := l.Marker(t.Context()); got != newer || err != nil {
		t.Errorf("Marker() by the old topic = %v, %v; want %v", got, err, newer)
	}
}

func TestSendIsRepeatedAfterAFence(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	l := open(t, connect(t, config(t, brokers)))
	a := attempt(1)
	w := begin(t, l, a, 0, 300)
	for range 3 {
		must(t, l.Fence(t.Context()))
		must(t, w.Send(t.Context()))
	}
	must(t, w.Decide(t.Context(), marker(a)))
	if diff := cmp.Diff(names(0, 300), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}

func TestOneTransactionPerFence(t *testing.T) {
	l := open(t, connect(t, config(t, fake(t).ListenAddrs())))
	a := attempt(1)
	w := begin(t, l, a, 0, 5)
	if err := w.Send(t.Context()); err == nil {
		t.Error("Send without a fence succeeded")
	}
	if _, _, err := l.Marker(t.Context()); err == nil {
		t.Error("Marker without a fence succeeded")
	}
	must(t, l.Fence(t.Context()))
	if err := w.Decide(t.Context(), marker(a)); err == nil {
		t.Error("Decide without Send succeeded")
	}
	must(t, w.Send(t.Context()))
	if err := w.Send(t.Context()); err == nil {
		t.Error("a second Send in one epoch succeeded")
	}
	must(t, w.Decide(t.Context(), marker(a)))
	if err := w.Decide(t.Context(), marker(a)); err == nil {
		t.Error("a second Decide in one epoch succeeded")
	}
	if err := l.Mark(t.Context(), marker(a)); err == nil {
		t.Error("Mark in a used epoch succeeded")
	}
}

func TestAttemptWithoutEventsCommitsItsMarker(t *testing.T) {
	l := open(t, connect(t, config(t, fake(t).ListenAddrs())))
	must(t, l.Fence(t.Context()))
	a := attempt(4)
	w, err := l.Begin(a, keep(t))
	must(t, err)
	defer func() { _ = w.Close() }()
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	must(t, l.Fence(t.Context()))
	if got, ok, err := l.Marker(t.Context()); got != marker(a) || !ok || err != nil {
		t.Errorf("Marker() = %v, %v, %v; want %v", got, ok, err, marker(a))
	}
}

func TestAtLeastOnce(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	cfg := config(t, brokers)
	cfg.Delivery = "at-least-once"
	l := open(t, connect(t, cfg))
	w := begin(t, l, attempt(1), 0, 200)
	must(t, w.Send(t.Context()))
	if diff := cmp.Diff(names(0, 200), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
	must(t, l.Fence(t.Context())) // recovery of an exactly-once run needs both
	_, ok, err := l.Marker(t.Context())
	if ok || err != nil {
		t.Errorf("Marker() = %v, %v; want none", ok, err)
	}
	must(t, w.Send(t.Context()))
	if got := committed(t, brokers); len(got) != 400 {
		t.Errorf("after a second Send %d events are visible, want 400", len(got))
	}
}

// TestAtLeastOnceIsIdempotent: within one Send a repeated request adds nothing.
func TestAtLeastOnceIsIdempotent(t *testing.T) {
	opt, lose := loseAnswers(t)
	brokers := fake(t, opt).ListenAddrs()
	cfg := config(t, brokers)
	cfg.Delivery = "at-least-once"
	l := open(t, connect(t, cfg))
	w := begin(t, l, attempt(1), 0, 200)
	lose(kmsg.Produce, 2)
	must(t, w.Send(t.Context()))
	if diff := cmp.Diff(names(0, 200), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}

// TestAtLeastOnceWithoutIdempotence: the right to it may be refused.
func TestAtLeastOnceWithoutIdempotence(t *testing.T) {
	cluster := fake(t)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ClusterAuthorizationFailed, Count: -1})
	cfg := config(t, cluster.ListenAddrs())
	cfg.Delivery = "at-least-once"
	w := begin(t, open(t, connect(t, cfg)), attempt(1), 0, 200)
	must(t, w.Send(t.Context()))
	if diff := cmp.Diff(names(0, 200), committed(t, cluster.ListenAddrs(), kgo.DisableIdempotentWrite())); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}

func TestCancelledSendStops(t *testing.T) {
	l := open(t, connect(t, config(t, fake(t).ListenAddrs())))
	must(t, l.Fence(t.Context()))
	w := begin(t, l, attempt(1), 0, 10)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	cancel()
	if err := w.Send(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, commit.ErrUnknown) {
		t.Errorf("Send after cancel = %v, want context.Canceled and ErrUnknown", err)
	}
}
