package kafka_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"hunting-exporter/sink/kafka"
)

func TestZKill(t *testing.T) {
	brokers := []string{"127.0.0.1:39192"}
	cfg := config(t, brokers)
	c, err := kafka.Connect(t.Context(), cfg, kafka.Options{TenantID: tenant})
	must(t, err)
	cl, _ := kgo.NewClient(kgo.SeedBrokers(brokers...))
	_, _ = kadm.NewClient(cl).DeleteTopics(t.Context(), "defender.DeviceEvents")
	cl.Close()
	time.Sleep(time.Second)
	id := fmt.Sprintf("hunting-exporter.kill%d", time.Now().UnixNano())
	l, err := c.Log(t.Context(), devices, id)
	must(t, err)
	defer l.Close()
	start := time.Now()
	n, unknown := 0, 0
	prev := ""
	var worst time.Duration
	for ; time.Since(start) < 60*time.Second; n++ {
		a := attempt(int64(n))
		w := begin(t, l, a, n*200, 200)
		one := time.Now()
		for {
			must(t, l.Fence(t.Context()))
			m, ok, err := l.Marker(t.Context())
			must(t, err)
			if ok && m.ID == a.ID {
				break
			}
			if ok != (prev != "") || ok && m.ID != prev {
				t.Fatal("marker", m, ok, prev, a.ID)
			}
			if err = w.Send(t.Context()); err == nil {
				if err = w.Decide(t.Context(), marker(a)); err == nil {
					break
				}
			}
			unknown++
			t.Log(err)
		}
		worst = max(worst, time.Since(one))
		prev = a.ID
		_ = w.Close()
	}
	t.Log(n, "commits", unknown, "unknown, worst", worst)
	if diff := cmp.Diff(names(0, n*200), committed(t, brokers)); diff != "" {
		t.Errorf("visible events (-want +got):\n%.2000s", diff)
	}
}
