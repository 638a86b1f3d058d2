package kafka_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"hunting-exporter/internal/setting"
	"hunting-exporter/sink/kafka"
)

// TestSilentBrokersHoldUpNobody: brokers that accept and never answer cost a moment
// each, so that one at the end of the list is reached.
func TestSilentBrokersHoldUpNobody(t *testing.T) {
	t.Parallel()
	var brokers []string
	for range 4 { // one after the other, these take longer than Connect does
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer func() { _ = l.Close() }()
		brokers = append(brokers, l.Addr().String())
	}
	connect(t, config(t, append(brokers, fake(t).ListenAddrs()...)))
}

// TestNoTransactions: a service without transactions is a matter of configuration, told
// at once, and at-least-once delivery to it is none.
func TestNoTransactions(t *testing.T) {
	t.Parallel()
	lacking := kversion.Stable()
	for _, k := range []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.EndTxn, kmsg.TxnOffsetCommit} {
		lacking.SetMaxKeyVersion(k.Int16(), -1)
	}
	refusing := fake(t)
	refusing.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.InvalidRequest, Count: -1, TopLevel: true,
		When: func(r kmsg.Request) bool { return r.(*kmsg.FindCoordinatorRequest).CoordinatorType == 1 },
	})
	for name, c := range map[string]*kfake.Cluster{"lacking": fake(t, kfake.MaxVersions(lacking)), "refusing": refusing} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := kafka.Connect(t.Context(), config(t, c.ListenAddrs()), kafka.Options{})
			var wrong *setting.Error
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "KAFKA_DELIVERY=at-least-once") || !strings.Contains(err.Error(), c.ListenAddrs()[0]) {
				t.Errorf("after %s: %v; want a wrong setting that names the broker and KAFKA_DELIVERY=at-least-once", time.Since(began), err)
			}
			cfg := config(t, c.ListenAddrs())
			cfg.Delivery = kafka.AtLeastOnce
			l := open(t, connect(t, cfg))
			must(t, begin(t, l, attempt(1), 0, 10).Send(t.Context()))
		})
	}
}

// TestDeadBrokerIsNamed while a run waits for it, and in the error at the end.
func TestDeadBrokerIsNamed(t *testing.T) {
	t.Parallel()
	broker := fake(t)
	addr := broker.ListenAddrs()[0]
	var logged bytes.Buffer
	c, err := kafka.Connect(t.Context(), config(t, []string{addr}), kafka.Options{Log: slog.New(slog.NewTextHandler(&logged, nil))})
	must(t, err)
	l := open(t, c)
	must(t, l.Fence(t.Context()))
	c.SetPatience(time.Second, 300*time.Millisecond)
	broker.Close()
	if err := l.Fence(t.Context()); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("the error %v does not name %s", err, addr)
	}
	if said := logged.String(); strings.Count(said, "trying again") != 1 || !strings.Contains(said, "dial tcp "+addr) {
		t.Errorf("while waiting for %s the log says %s", addr, said)
	}
}
