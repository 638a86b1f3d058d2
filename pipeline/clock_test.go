package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
)

// withoutIngestion makes ingestion_time() null in the lab's table.
func (l *lab) withoutIngestion() {
	l.t.Helper()
	if err := l.tenant.WithoutIngestionTime(l.table.Name); err != nil {
		l.t.Fatal(err)
	}
}

// TestClockIsChosenByTheRows: a table whose rows turn out to have no ingestion time is read
// by event time, from where it began, and goes on so.
func TestClockIsChosenByTheRows(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(1, l.at(10*24*time.Hour), time.Time{}) // the table is there, and empty for now
		l.withoutIngestion()
		for range 3 {
			time.Sleep(12 * time.Hour)
			l.run()
		}
		l.add(5, l.at(time.Minute), time.Time{}) // longer ago than late rows are looked for
		for range 3 {
			time.Sleep(quarter)
			l.add(5, time.Now().UTC().Add(-time.Minute), time.Time{})
			l.run()
		}
		if doc := l.document(); doc.Clock != string(hunting.ClockEvent) {
			t.Errorf("clock %q", doc.Clock)
		}
		l.holds(l.rows - 1)
	})
}

// TestClockStays: rows without ingestion time that turn up once others were exported are
// told of, by every run and by a backfill; what was exported is not exported again.
func TestClockStays(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.table.Name = "AlertInfo" // of the catalogue: that it has ingestion times is known
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		l.withoutIngestion()
		for _, backfill := range []bool{false, true, false} {
			time.Sleep(quarter)
			if backfill {
				l.backfill(0, time.Hour)
			}
			var unclocked *pipeline.UnclockedError
			if err := l.try().Err; !errors.As(err, &unclocked) || unclocked.Rows != 5 {
				t.Errorf("backfill %v: %v", backfill, err)
			}
		}
		l.holds(5)
	})
}

// TestNoWaitOutlastsTheRun: a refusal that says to wait beyond the run's end ends it.
func TestNoWaitOutlastsTheRun(t *testing.T) {
	for name, refused := range map[string]func(asked) bool{
		"counts": func(q asked) bool { return q.counts },
		"rows":   func(q asked) bool { return !q.counts },
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.add(5, l.at(time.Minute), time.Time{})
				time.Sleep(quarter)
				l.fault = func(q asked) tenant.Fault {
					if refused(q) {
						return q.QuotaExceeded(10 * time.Minute)
					}
					return tenant.Fault{}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				l.within = ctx
				begun := time.Now()
				if err := l.try().Err; !errors.Is(err, pipeline.ErrStopped) {
					t.Errorf("got %v", err)
				}
				if d := time.Since(begun) - 2*lease; d > time.Minute {
					t.Errorf("took %s", d)
				}
			})
		})
	}
}

// TestTablesMeet: tables that are ready at different times are counted in one call, and
// nobody waits for one that has ended or that takes long.
func TestTablesMeet(t *testing.T) {
	for name, tt := range map[string]struct {
		slow  time.Duration // how long the state of one table takes
		held  bool          // one is held by another run
		most  time.Duration
		calls int
	}{
		"one is slow":      {slow: 2 * time.Second, most: 3 * time.Second, calls: 1},
		"one is very slow": {slow: time.Minute, most: 2 * time.Minute, calls: 2},
		"one has ended":    {held: true, most: time.Second, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { meet(t, tt.slow, tt.held, tt.most, tt.calls) })
		})
	}
}

func meet(t *testing.T, slow time.Duration, held bool, most time.Duration, calls int) {
	l := newLab(t)
	l.add(1, l.at(time.Minute), time.Time{})
	if err := l.tenant.Add("Other", eventColumns); err != nil {
		t.Fatal(err)
	}
	l.others = []hunting.Dataset{{Name: "Other", Clock: hunting.ClockIngestion, TimeColumn: "Timestamp"}}
	time.Sleep(quarter)
	c := &client{w: l.world, beforePut: func(key string, _ []byte, _ func()) error {
		if strings.HasSuffix(key, "/Other.json") {
			time.Sleep(slow)
			slow = 0
		}
		return nil
	}}
	store := state.NewStore(objects{c, "state/"}, state.LockCAS, lease)
	if held {
		claim, err := store.Acquire(t.Context(), "Other", "somebody", func() state.Document { return state.Document{} }, func(state.Document) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		defer claim.Release(t.Context())
	}
	l.change = func(e *pipeline.Exporter) { e.Stores.State = store }
	begun := time.Now()
	l.run()
	if d := time.Since(begun) - 2*lease; d > most {
		t.Errorf("took %s", d)
	}
	if got := l.counts(); got != calls {
		t.Errorf("%d calls for counts, want %d", got, calls)
	}
}
