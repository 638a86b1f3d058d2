package kafka_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"hunting-exporter/pipeline"
	"hunting-exporter/sink/kafka"
)

func rss() string {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "VmHWM") {
			return l
		}
	}
	return ""
}

func TestZPerf(t *testing.T) {
	brokers := []string{"127.0.0.1:39192"}
	for _, d := range []string{"at-least-once", "exactly-once"} {
		var buf bytes.Buffer
		cfg := config(t, brokers)
		cfg.Delivery = d
		cfg.Topic = "perf.{table}"
		c, err := kafka.Connect(t.Context(), cfg, kafka.Options{TenantID: tenant, Log: slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		must(t, err)
		l, err := c.Log(t.Context(), devices, fmt.Sprintf("hunting-exporter.perf%d", time.Now().UnixNano()))
		must(t, err)
		defer l.Close()
		must(t, l.Fence(t.Context()))
		w, err := l.Begin(attempt(1))
		must(t, err)
		bs := []pipeline.Batch{rows(0, 50000), rows(50000, 50000)}
		t.Log("start", rss())
		start := time.Now()
		for i := range 40 {
			must(t, w.Write(t.Context(), bs[i%2]))
		}
		t.Log("write 2M events", time.Since(start), rss())
		start = time.Now()
		must(t, w.Send(t.Context()))
		t.Log(d, "send", time.Since(start), rss())
		if d == "exactly-once" {
			must(t, w.Decide(t.Context(), pipeline.Marker{Seq: 1, ID: "x"}))
		}
		must(t, w.Close())
		t.Log(buf.String())
	}
}
