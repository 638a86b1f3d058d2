package pipeline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
)

// TestSurplus: more rows were exported than the API counts, be it that it counts fewer in a
// quarter hour or none at all. Every run says so, in its error, in the comparison and in the
// ledger, and exports what is new and what is late all the same; a look ahead says so too.
func TestSurplus(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		l.add(7, l.at(quarter+time.Minute), time.Time{})
		l.add(6, l.at(2*quarter+time.Minute), time.Time{})
		time.Sleep(3 * quarter)
		l.run()
		l.move()
		l.add(2, l.at(quarter+2*time.Minute), time.Time{})
		l.add(9, l.at(2*quarter+2*time.Minute), time.Time{}) // 3 more than exported: 9 are read as late
		for run := range 2 {
			l.add(4, time.Now().UTC().Add(-time.Second), time.Time{})
			res := l.try()
			var more *pipeline.SurplusError
			if !errors.As(res.Err, &more) || !errors.Is(res.Err, pipeline.ErrIncomplete) || more.Rows < 10 || more.Quarters < 2 || !more.First.Start.Equal(l.began) {
				t.Fatalf("run %d: %v", run, res.Err)
			}
			if res.Rows != []int64{4 + 9, 4}[run] {
				t.Errorf("run %d: %d rows", run, res.Rows)
			}
			if c := res.Check; c.Surplus != more.Rows || c.Differ != more.Quarters || c.Exported-c.Counted != c.Surplus {
				t.Errorf("run %d: check %+v, error %v", run, c, res.Err)
			}
			if got := l.ledger().Bins; got[0].Surplus != 5 || got[1].Surplus != 5 {
				t.Errorf("run %d: ledger %+v", run, got)
			}
		}
		e := l.sinks.exporter(l.world, &client{w: l.world}, "look")
		e.Source, e.Limits, e.Horizon = l.source(), pipeline.Limits{Reconcile: l.reconcile}, time.Now
		if look, err := e.Look(t.Context(), l.table, l.document()); err != nil || !surplus(look.Err) {
			t.Errorf("a look ahead: %v, %v", look.Err, err)
		}
	})
}

// TestSurplusOfRejects: rejected rows explain as much as there are of them, which is noted,
// and no more.
func TestSurplusOfRejects(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(2 * quarter)
		l.run()
		l.move()
		l.add(3, l.at(time.Minute), time.Time{})
		for rejected, want := range map[int64]bool{0: true, 1: true, 2: false, 9: false} {
			l.rewrite(func(d *state.Document) { d.Rejected = rejected })
			res := l.try()
			if got := surplus(res.Err); got != want || res.Check.Surplus != 2 {
				t.Errorf("%d rows were rejected: check %+v, %v", rejected, res.Check, res.Err)
			}
		}
	})
}

// TestNoSurplus: what explains itself is none.
func TestNoSurplus(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *lab){
		"rows have left the API after a month": func(t *testing.T, l *lab) {
			l.reconcile = 29 * 24 * time.Hour
			l.add(5, l.at(time.Minute), time.Time{})
			time.Sleep(quarter)
			l.run()
			time.Sleep(29*24*time.Hour + quarter)
			l.move()
			l.add(1, time.Now().UTC().Add(-time.Second), time.Time{})
			if c := l.run().Check; c.Differ > 0 || c.Surplus > 0 || c.Exported != c.Counted {
				t.Errorf("check %+v", c)
			}
		},
		"rows come in between count and reading": func(t *testing.T, l *lab) {
			l.add(5, l.at(time.Minute), time.Time{})
			time.Sleep(2 * quarter)
			l.run()
			l.add(1, l.at(2*time.Minute), time.Time{})
			l.fault = func(q asked) tenant.Fault {
				if !q.counts && !q.empty && l.rows == 6 {
					l.add(3, l.at(3*time.Minute), time.Time{})
				}
				return tenant.Fault{}
			}
			for run, rows := range []int64{4, 0} {
				res := l.run()
				if c := res.Check; res.Rows != rows || c.Differ > 0 || c.Surplus > 0 || c.Exported != 9 || c.Counted != 9 {
					t.Errorf("run %d: %d rows, check %+v", run, res.Rows, c)
				}
			}
		},
		"a query answers less by now": func(t *testing.T, l *lab) {
			l.table.Query = l.table.Name + "\n| where Timestamp >= _startTime and Timestamp < _endTime"
			l.table.Clock = hunting.ClockEvent
			l.add(5, l.at(time.Minute), time.Time{})
			time.Sleep(2 * quarter)
			l.run()
			l.move()
			l.add(3, l.at(time.Minute), time.Time{})
			if c := l.run().Check; c.Surplus != 2 || c.Differ != 1 || c.Exported != 5 || c.Counted != 3 {
				t.Errorf("check %+v", c)
			}
		},
		"rows before the dataset's beginning": func(t *testing.T, l *lab) {
			l.add(5, l.at(time.Minute), time.Time{})
			l.add(5, l.at(8*time.Minute), time.Time{})
			l.began = l.at(7 * time.Minute)
			time.Sleep(2 * quarter)
			l.run()
			l.backfill(-7*time.Minute, quarter)
			l.run()
			if c := l.run().Check; c.Differ > 0 || c.Surplus > 0 || c.Exported != c.Counted {
				t.Errorf("check %+v", c)
			}
			l.holds(10)
		},
	} {
		t.Run(name, func(t *testing.T) { inLab(t, test) })
	}
}

// TestStoppedWithSurplus: a run that is stopped before it has compared what it knows to be
// wrong says so all the same.
func TestStoppedWithSurplus(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(2 * quarter)
		l.run()
		l.move()
		l.add(5, time.Now().UTC().Add(-time.Second), time.Time{})
		l.fault = func(q asked) tenant.Fault {
			if q.counts {
				return tenant.Fault{}
			}
			return q.QuotaExceeded(time.Hour)
		}
		var cancel context.CancelFunc
		l.within, cancel = context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := l.try().Err; !errors.Is(err, pipeline.ErrStopped) || !surplus(err) || !pipeline.Failed(err) {
			t.Errorf("got %v", err)
		}
	})
}
