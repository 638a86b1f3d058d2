package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"hunting-exporter/pipeline/commit"
)

// unlisted is a lake whose store lists no uploads in progress.
type unlisted struct {
	commit.Publisher
	cancel context.CancelFunc // nil: the run goes on meanwhile
}

var errUnlisted = errors.New("list uploads: 501 NotImplemented")

func (l unlisted) Sweep(ctx context.Context, _ string, _ int64) error {
	if l.cancel != nil {
		l.cancel()
		return ctx.Err()
	}
	return errUnlisted
}

// TestSweepThatFails: what cannot be cleaned up is told, and stops no dataset.
func TestSweepThatFails(t *testing.T) {
	for _, m := range modes {
		if !m.lake {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 70)
				w.atLeast = m.least
				e := m.exporter(w, &client{w: w}, "first")
				var log bytes.Buffer
				e.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
				e.Publishers = []commit.Publisher{unlisted{Publisher: e.Publishers[0]}}
				if r := export(t.Context(), e); r.Err != nil || r.Commits == 0 {
					t.Errorf("%d commits, %v", r.Commits, r.Err)
				}
				if got := strings.Count(log.String(), errUnlisted.Error()); got != 1 {
					t.Errorf("told %d times, want once: %s", got, &log)
				}
				m.quiet(t, w)
			})
		})
	}
}

// TestSweepThatIsInterrupted: a run that is over does not go on behind its sweep.
func TestSweepThatIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		ctx, cancel := context.WithCancel(t.Context())
		e := onlyLake.exporter(w, &client{w: w}, "first")
		e.Publishers = []commit.Publisher{unlisted{e.Publishers[0], cancel}}
		if r := export(ctx, e); !errors.Is(r.Err, context.Canceled) || !strings.Contains(r.Err.Error(), "sweep") {
			t.Errorf("%v, want the sweep's interruption", r.Err)
		}
	})
}
