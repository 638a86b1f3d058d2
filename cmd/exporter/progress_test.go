package main

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/report"
	"hunting-exporter/tenant"
)

// watched is a terminal that says when it has shown a text.
type watched struct {
	text  string
	shown chan struct{}

	mu  sync.Mutex
	out strings.Builder
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := strings.Contains(w.out.String(), w.text)
	n, err := w.out.Write(p)
	if !before && strings.Contains(w.out.String(), w.text) {
		close(w.shown)
	}
	return n, err
}

// A run shows how far it is by the rows that have come, before any of them are committed,
// and by the API's counts, as a backfill does: with one estimate of the time.
func TestProgressOfRunAndBackfill(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"run", "backfill"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b *pipeline.Backfill
			if now := time.Now().UTC().Truncate(hunting.Tick); name == "backfill" { // now, for this may have waited for other tests
				b = &pipeline.Backfill{Window: hunting.Window{Start: now.Add(-2 * time.Hour), End: now}}
			}
			e, env := served(t, tenant.Options{CallsPerMinute: -1})
			fill(t, e.Tenant, "AlertInfo", time.Now().Add(-time.Minute), 30)
			fill(t, e.Tenant, "DeviceLogonEvents", time.Now().Add(-time.Minute), 10)
			screen := &watched{text: "30 of 40 rows", shown: make(chan struct{})}
			e.Tenant.Fault(func(c tenant.Call) tenant.Fault {
				if strings.HasPrefix(c.Query, "DeviceLogonEvents") && !strings.Contains(c.Query, "count()") {
					select { // its rows come when those of the other table are shown
					case <-screen.shown:
					case <-c.Request.Context().Done():
					}
				}
				return tenant.Fault{}
			})
			cfg, problems := judged(t, nil, env)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			term := report.NewConsole(screen, true)
			rep := export(t.Context(), t.Context(), cfg, surroundings{log: slog.New(slog.DiscardHandler), http: e.Client(), term: term, backfill: b})
			term.Close()
			if rep.Code != codeDone || rep.Rows != 40 {
				t.Errorf("%+v", rep)
			}
			line := screen.out.String()
			if !strings.Contains(line, " calls, about a minute left") || strings.Contains(line, "s:") {
				t.Errorf("not one estimate of the time: %q", line)
			}
		})
	}
}
