package kafka_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"hunting-exporter/internal/stopping"
	"hunting-exporter/pipeline/commit"
)

// TestStopEndsRepeats: once the run is asked to end, a request that fails is not repeated,
// one whose transaction is only still being worked on is.
func TestStopEndsRepeats(t *testing.T) {
	cluster := fake(t)
	c := connect(t, config(t, cluster.ListenAddrs()))
	l := open(t, c)
	must(t, l.Fence(t.Context()))
	a := attempt(1)
	w := begin(t, l, a, 0, 200)
	c.SetPatience(time.Hour, time.Minute)
	stop, ask := context.WithCancel(t.Context())
	ctx := stopping.With(t.Context(), stop)

	outage := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: -1})
	ended := make(chan error)
	go func() { ended <- w.Send(ctx) }()
	ask()
	if err := <-ended; !errors.Is(err, commit.ErrUnknown) {
		t.Errorf("Send = %v, want ErrUnknown", err)
	}
	outage.Remove()

	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID, kmsg.EndTxn}, Err: kerr.ConcurrentTransactions, Count: 3})
	must(t, l.Fence(ctx))
	must(t, w.Send(ctx))
	must(t, w.Decide(ctx, marker(a)))
}
