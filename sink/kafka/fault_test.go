package kafka_test

import (
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/kafka"
)

// lossy is a listener whose connections can be told to lose the answers to one API:
// the broker does the work and the client never hears of it.
type lossy struct {
	net.Listener
	key  *atomic.Int32 // API whose answers are lost; -1: none
	left *atomic.Int32 // how many
}

func loseAnswers(t *testing.T) (kfake.Opt, func(key kmsg.Key, n int32)) {
	t.Helper()
	key, left := new(atomic.Int32), new(atomic.Int32)
	key.Store(-1)
	opt := kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return lossy{l, key, left}, err
	})
	return opt, func(k kmsg.Key, n int32) { left.Store(n); key.Store(int32(k)) }
}

func (l lossy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lossyConn{Conn: c, l: l}, nil
}

type lossyConn struct {
	net.Conn
	l    lossy
	last atomic.Int32 // API of the request read last
	skip int          // bytes of it still to come
}

// Read notes the API key of each request: size, then key.
func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for at := 0; at < n; {
		if c.skip == 0 && n-at >= 6 {
			c.skip = 4 + (int(b[at])<<24 | int(b[at+1])<<16 | int(b[at+2])<<8 | int(b[at+3]))
			c.last.Store(int32(b[at+4])<<8 | int32(b[at+5]))
		} else if c.skip == 0 { // the size alone: kfake reads it by itself
			c.skip = int(b[at])<<24 | int(b[at+1])<<16 | int(b[at+2])<<8 | int(b[at+3])
			c.last.Store(-2)
			at += 4
			continue
		} else if c.last.Load() == -2 && n-at >= 2 {
			c.last.Store(int32(b[at])<<8 | int32(b[at+1]))
		}
		step := min(c.skip, n-at)
		c.skip -= step
		at += step
	}
	return n, err
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if k := c.l.key.Load(); k >= 0 && c.last.Load() == k && c.l.left.Add(-1) >= 0 {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

const forever = 1 << 30

// TestLostAnswerOnce: the same request again finds its work done.
func TestLostAnswerOnce(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.OffsetFetch} {
		t.Run(key.Name(), func(t *testing.T) {
			opt, lose := loseAnswers(t)
			brokers := fake(t, opt).ListenAddrs()
			l := open(t, connect(t, config(t, brokers)))
			a := attempt(1)
			w := begin(t, l, a, 0, 200)
			lose(key, 1)
			must(t, l.Fence(t.Context()))
			must(t, w.Send(t.Context()))
			must(t, w.Decide(t.Context(), marker(a)))
			must(t, l.Fence(t.Context()))
			if got, ok, err := l.Marker(t.Context()); got != marker(a) || !ok || err != nil {
				t.Errorf("Marker() = %v, %v, %v; want %v", got, ok, err, marker(a))
			}
			if diff := cmp.Diff(names(0, 200), committed(t, brokers)); diff != "" {
				t.Errorf("visible events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLostProduceAnswers: the protocol's way out of a produce whose answer never comes.
func TestLostProduceAnswers(t *testing.T) {
	opt, lose := loseAnswers(t)
	brokers := fake(t, opt).ListenAddrs()
	c := connect(t, config(t, brokers))
	l := open(t, c)
	c.SetPatience(300*time.Millisecond, 100*time.Millisecond)
	must(t, l.Fence(t.Context()))
	a := attempt(1)
	w := begin(t, l, a, 0, 200)
	lose(kmsg.Produce, forever)
	if err := w.Send(t.Context()); !errors.Is(err, commit.ErrUnknown) {
		t.Fatalf("Send without answers = %v, want ErrUnknown", err)
	}
	lose(kmsg.Produce, 0)
	must(t, l.Fence(t.Context()))
	if _, ok, err := l.Marker(t.Context()); ok || err != nil {
		t.Fatalf("Marker() = %v, %v; want none", ok, err)
	}
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	if diff := cmp.Diff(names(0, 200), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}

// TestLostDecision: the marker says what EndTxn did not.
func TestLostDecision(t *testing.T) {
	for _, c := range []struct {
		key       kmsg.Key
		committed bool
	}{{kmsg.AddOffsetsToTxn, false}, {kmsg.TxnOffsetCommit, false}, {kmsg.EndTxn, true}} {
		t.Run(c.key.Name(), func(t *testing.T) {
			opt, lose := loseAnswers(t)
			brokers := fake(t, opt).ListenAddrs()
			cluster := connect(t, config(t, brokers))
			l := open(t, cluster)
			cluster.SetPatience(300*time.Millisecond, 100*time.Millisecond)
			must(t, l.Fence(t.Context()))
			a := attempt(1)
			w := begin(t, l, a, 0, 200)
			must(t, w.Send(t.Context()))
			lose(c.key, forever)
			if err := w.Decide(t.Context(), marker(a)); !errors.Is(err, commit.ErrUnknown) {
				t.Fatalf("Decide without answers = %v, want ErrUnknown", err)
			}
			lose(c.key, 0)
			must(t, l.Fence(t.Context()))
			got, ok, err := l.Marker(t.Context())
			must(t, err)
			if ok != c.committed {
				t.Fatalf("Marker() = %v, %v; want committed %v", got, ok, c.committed)
			}
			if !ok {
				must(t, w.Send(t.Context()))
				must(t, w.Decide(t.Context(), marker(a)))
			}
			if diff := cmp.Diff(names(0, 200), committed(t, brokers)); diff != "" {
				t.Errorf("visible events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBrokerErrors: each error code of the rules has its meaning.
func TestBrokerErrors(t *testing.T) {
	send := func(t *testing.T, l commit.Decider, w commit.EventWriter, a commit.Attempt) error {
		return w.Send(t.Context())
	}
	decide := func(t *testing.T, l commit.Decider, w commit.EventWriter, a commit.Attempt) error {
		must(t, w.Send(t.Context()))
		return w.Decide(t.Context(), marker(a))
	}
	read := func(t *testing.T, l commit.Decider, w commit.EventWriter, a commit.Attempt) error {
		_, _, err := l.Marker(t.Context())
		return err
	}
	fence := func(t *testing.T, l commit.Decider, w commit.EventWriter, a commit.Attempt) error {
		return l.Fence(t.Context())
	}
	for _, c := range []struct {
		name  string
		key   kmsg.Key
		err   *kerr.Error
		count int
		do    func(*testing.T, commit.Decider, commit.EventWriter, commit.Attempt) error
		want  error
	}{
		{"moved leader", kmsg.Produce, kerr.NotLeaderForPartition, 3, send, nil},
		{"time-out after append", kmsg.Produce, kerr.RequestTimedOut, 2, send, nil},
		{"produce fenced 47", kmsg.Produce, kerr.InvalidProducerEpoch, 1, send, commit.ErrFenced},
		{"produce fenced 90", kmsg.Produce, kerr.ProducerFenced, 1, send, commit.ErrFenced},
		{"sequence gap", kmsg.Produce, kerr.OutOfOrderSequenceNumber, 1, send, commit.ErrUnknown},
		{"duplicate", kmsg.Produce, kerr.DuplicateSequenceNumber, 1, send, nil},
		{"produce denied", kmsg.Produce, kerr.TopicAuthorizationFailed, 1, send, kafka.ErrDenied},
		{"partitions concurrent", kmsg.AddPartitionsToTxn, kerr.ConcurrentTransactions, 4, send, nil},
		{"partitions fenced", kmsg.AddPartitionsToTxn, kerr.ProducerFenced, 1, send, commit.ErrFenced},
		{"offsets fenced", kmsg.AddOffsetsToTxn, kerr.ProducerFenced, 1, decide, commit.ErrUnknown},
		{"group loading", kmsg.TxnOffsetCommit, kerr.CoordinatorLoadInProgress, 2, decide, nil},
		{"end fenced 47", kmsg.EndTxn, kerr.InvalidProducerEpoch, 1, decide, commit.ErrUnknown},
		{"end fenced 90", kmsg.EndTxn, kerr.ProducerFenced, 1, decide, commit.ErrUnknown},
		{"end without transaction", kmsg.EndTxn, kerr.InvalidTxnState, 1, decide, commit.ErrUnknown},
		{"end concurrent", kmsg.EndTxn, kerr.ConcurrentTransactions, 4, decide, nil},
		{"end denied", kmsg.EndTxn, kerr.TransactionalIDAuthorizationFailed, 1, decide, kafka.ErrDenied},
		{"marker 14", kmsg.OffsetFetch, kerr.CoordinatorLoadInProgress, 2, read, nil},
		{"marker 15", kmsg.OffsetFetch, kerr.CoordinatorNotAvailable, 2, read, nil},
		{"marker 16", kmsg.OffsetFetch, kerr.NotCoordinator, 2, read, nil},
		{"marker denied", kmsg.OffsetFetch, kerr.GroupAuthorizationFailed, -1, read, kafka.ErrDenied},
		{"fence concurrent", kmsg.InitProducerID, kerr.ConcurrentTransactions, 4, fence, nil},
		{"fence with a lower limit", kmsg.InitProducerID, kerr.InvalidTransactionTimeout, 3, fence, nil},
		{"fence with no limit", kmsg.InitProducerID, kerr.InvalidTransactionTimeout, -1, fence, kerr.InvalidTransactionTimeout},
		{"fence denied", kmsg.InitProducerID, kerr.TransactionalIDAuthorizationFailed, 1, fence, kafka.ErrDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := fake(t)
			l := open(t, connect(t, config(t, cluster.ListenAddrs())))
			must(t, l.Fence(t.Context()))
			a := attempt(1)
			w := begin(t, l, a, 0, 50)
			h := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{c.key}, Err: c.err, Count: c.count})
			err := c.do(t, l, w, a)
			if h.Hits() == 0 {
				t.Error("the fault was never met")
			}
			if errors.As(c.want, new(*kerr.Error)) {
				if err == nil || !strings.Contains(err.Error(), "[50]") {
					t.Errorf("error = %v, want %v", err, c.want)
				}
				return
			}
			if !errors.Is(err, c.want) {
				t.Errorf("error = %v, want %v", err, c.want)
			}
		})
	}
}

// TestMarkerIsNeverNoneByError: an error that lasts ends in an error.
func TestMarkerIsNeverNoneByError(t *testing.T) {
	cluster := fake(t)
	c := connect(t, config(t, cluster.ListenAddrs()))
	l := open(t, c)
	must(t, l.Fence(t.Context()))
	must(t, l.Mark(t.Context(), commit.Marker{Seq: 1, ID: "x"}))
	must(t, l.Fence(t.Context()))
	c.SetPatience(200*time.Millisecond, 100*time.Millisecond)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.NotCoordinator, Count: -1})
	if m, ok, err := l.Marker(t.Context()); err == nil {
		t.Errorf("Marker() = %v, %v without an error", m, ok)
	}
}

// TestRandomLoss: whatever answers get lost, every committed attempt's events are
// visible exactly once.
func TestRandomLoss(t *testing.T) {
	opt, lose := loseAnswers(t)
	brokers := fake(t, opt).ListenAddrs()
	c := connect(t, config(t, brokers))
	l := open(t, c)
	c.SetPatience(60*time.Millisecond, 30*time.Millisecond)
	keys := []kmsg.Key{kmsg.Produce, kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn}
	rng := rand.New(rand.NewPCG(1, 2))
	prev := ""
	for seq := range int64(12) {
		a := attempt(seq)
		w := begin(t, l, a, int(seq)*100, 100)
		for done := false; !done; {
			must(t, l.Fence(t.Context()))
			m, ok, err := l.Marker(t.Context())
			must(t, err)
			switch {
			case ok && m.ID == a.ID:
				done = true
				continue
			case ok && m.ID != prev:
				t.Fatalf("marker %v is neither %s nor %s", m, a.ID, prev)
			}
			lose(keys[rng.IntN(len(keys))], rng.Int32N(12))
			if w.Send(t.Context()) == nil && w.Decide(t.Context(), marker(a)) == nil {
				done = true
			}
			lose(kmsg.Produce, 0)
		}
		prev = a.ID
	}
	if diff := cmp.Diff(names(0, 1200), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}
