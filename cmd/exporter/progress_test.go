package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/tenant"
)

// On a terminal the progress is one line, which a log line does not break.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := newConsole(&out, true)
		c.draw("50 rows, 7 calls", 50, 0)
		if _, err := c.Write([]byte("a log line\n")); err != nil {
			t.Fatal(err)
		}
		c.draw("50 of 199 rows, 8 calls, about 3m left", 50, 199)
		c.draw("199 of 199 rows, 9 calls", 199, 199)
		c.draw("199 of 250 rows, 9 calls", 199, 250) // there was more to come
		for _, says := range []string{"50 rows, 7 calls", "a log line\n", "50 of 199 rows, 8 calls, about 3m left", "25%", "199 of 199 rows", "199 of 250 rows", "79%"} {
			if !strings.Contains(out.String(), says) {
				t.Errorf("%q is not in %q", says, out.String())
			}
		}
		c.close()
		c.draw("ended", 1, 2)
		if strings.Contains(out.String(), "ended") || strings.Contains(out.String(), "100%") {
			t.Errorf("progress after its end: %q", out.String())
		}
	})
}

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
			fill(t, e.tenant, "AlertInfo", time.Now().Add(-time.Minute), 30)
			fill(t, e.tenant, "DeviceLogonEvents", time.Now().Add(-time.Minute), 10)
			screen := &watched{text: "30 of 40 rows", shown: make(chan struct{})}
			e.tenant.Fault(func(c tenant.Call) tenant.Fault {
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
			term := newConsole(screen, true)
			rep := export(t.Context(), t.Context(), cfg, surroundings{log: slog.New(slog.DiscardHandler), http: e.client(), term: term, backfill: b})
			term.close()
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

// In a log the progress is one line a minute at most, with the time that the quota
// leaves. What nobody has counted has no end that could be told.
func TestProgressInALog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		cfg, _ := judged(t, nil, usable("SOURCE_CALLS_PER_MINUTE", "10"))
		datasets := []hunting.Dataset{{Name: "A"}, {Name: "B"}, {Name: "C"}}
		p := newProgress(cfg, surroundings{log: slog.New(slog.NewTextHandler(&out, nil))}, func() int64 { return 100 }, datasets)
		is := func(want string) {
			t.Helper()
			if got := p.text(p.rows()); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		is("0 rows, 100 calls")
		p.Counted("A", 900_000)
		p.Counted("B", 200_000)
		is("0 rows, 100 calls") // nobody has counted C
		p.Ended("C")
		is("0 of 1100000 rows, 100 calls, about 1m left") // 11 calls at the cap
		end := p.watch()
		p.Read("A", 200_000)
		p.Read("B", 50_000)
		p.Ended("B") // it was stopped, or rows have expired
		time.Sleep(150 * time.Second)
		end()
		if got := strings.Count(out.String(), "\n"); got != 2 {
			t.Errorf("%d lines in 150 s:\n%s", got, out.String())
		}
		is("250000 of 950000 rows, 100 calls, about 28m left") // 280 calls more
		if !strings.Contains(out.String(), "calls=100 rows=250000 of=950000 percent=26 left=28m0s") {
			t.Error(out.String())
		}
		p.Counted("A", 300_000) // late rows
		p.Read("A", 1_000_001)
		is("1250001 of 1250001 rows, 100 calls, about a minute left")
	})
}
