package report

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/source/call"
)

// On a terminal the progress is one line, which a log line does not break.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := NewConsole(&out, true)
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
		c.Close()
		c.draw("ended", 1, 2)
		if strings.Contains(out.String(), "ended") || strings.Contains(out.String(), "100%") {
			t.Errorf("progress after its end: %q", out.String())
		}
	})
}

// In a log the progress is one line a minute at most, with the time that the quota
// leaves. What nobody has counted has no end that could be told.
func TestProgressInALog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		cfg := config.Config{Source: call.Config{CallsPerMinute: 10, MaxRows: 100_000}}
		datasets := []hunting.Dataset{{Name: "A"}, {Name: "B"}, {Name: "C"}}
		p := NewProgress(cfg, slog.New(slog.NewTextHandler(&out, nil)), nil, func() int64 { return 100 }, datasets)
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
		end := p.Watch()
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
