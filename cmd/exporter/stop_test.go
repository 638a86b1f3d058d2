package main

import (
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestSecondSignalAbortsTheTransaction: a run that is told twice to end, in the middle of a
// commit, leaves no read_committed consumer waiting, and no claim to wait for.
func TestSecondSignalAbortsTheTransaction(t *testing.T) {
	t.Parallel()
	a := adopting{newMatrix(t), t}
	a.kafka(t)
	a.env["KAFKA_BROKERS"] = a.broker
	sent, end := make(chan struct{}), make(chan struct{})
	var marks atomic.Int32
	a.cluster.ControlKey(int16(kmsg.AddOffsetsToTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		a.cluster.KeepControl()
		if marks.Add(1) == 2 { // after the base marker: the commit's, whose events are sent
			close(sent)
			a.cluster.SleepControl(func() { <-end })
		}
		return nil, nil, false
	})
	cmd, out, errs := child(t, a.env, "run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-sent
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} { // which of them comes first does not matter
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait()
	close(end)
	if code := cmd.ProcessState.ExitCode(); code != 143 && code != 130 {
		t.Errorf("exit code %d, want 143 or 130\n%s%s", code, out, errs)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(a.broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const topic = "defender.AlertInfo"
	newest, err := kadm.NewClient(client).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	stable, err := kadm.NewClient(client).ListCommittedOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	filled := false
	newest.Each(func(o kadm.ListedOffset) {
		filled = filled || o.Offset > 0
		if s, _ := stable.Lookup(topic, o.Partition); s.Offset != o.Offset {
			t.Errorf("partition %d: read_committed consumers wait at %d of %d", o.Partition, s.Offset, o.Offset)
		}
	})
	if !filled {
		t.Error("nothing was sent")
	}
	a.run(a.env, 0, `"rows":100`, "run")
	a.events(topic, 100)
}
