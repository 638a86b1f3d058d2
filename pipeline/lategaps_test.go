package pipeline_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/tenant"
)

// lateGap makes a gap of the tick at after: five of its rows are exported, two more come
// late, and the API does not deliver the tick again.
func (l *lab) lateGap(after time.Duration) {
	l.t.Helper()
	l.add(5, l.at(after), time.Time{})
	time.Sleep(2 * quarter)
	_ = l.try() // there may be other gaps
	l.add(2, l.at(after), time.Time{})
	l.tenant.FailRange(l.table.Name, l.at(after), l.at(after+hunting.Tick), tenant.Call.LimitsExceeded)
	time.Sleep(quarter)
	l.incomplete()
}

// incomplete is one run that ends with gaps.
func (l *lab) incomplete() {
	l.t.Helper()
	var gaps *pipeline.GapsError
	if res := l.try(); !errors.As(res.Err, &gaps) {
		l.t.Fatalf("gaps %+v, %v", res.Gaps, res.Err)
	}
}

// TestLateGapBesideAnother: a gap of late rows that adjoins another is not read like it.
func TestLateGapBesideAnother(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(quarter-hunting.Tick), time.Time{})
		l.tenant.FailRange(eventTable, l.at(quarter-hunting.Tick), l.at(quarter), tenant.Call.LimitsExceeded)
		time.Sleep(quarter)
		l.incomplete()
		l.lateGap(quarter)
		if gaps := l.document().Gaps; len(gaps) != 2 || gaps[0].Late || !gaps[1].Late {
			t.Fatalf("gaps %+v", gaps)
		}
		l.tenant.Restore(eventTable)
		l.run()
		l.holds(l.rows)
	})
}

// TestLateGapKeepsItsKeys: however long a gap of late rows stays, its rows are told apart
// once the API delivers them.
func TestLateGapKeepsItsKeys(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.lateGap(time.Minute)
		for range 24 {
			time.Sleep(2 * time.Hour)
			l.incomplete()
		}
		l.tenant.Restore(eventTable)
		l.run()
		l.holds(l.rows)
	})
}

// TestLateGapWithoutKeys: once the keys are gone nothing of such a gap is exported, and the
// gap is given up when its rows have left the API.
func TestLateGapWithoutKeys(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.lateGap(time.Minute)
		reconcile := l.reconcile
		l.reconcile = 0
		l.add(1, time.Now().UTC(), time.Time{})
		time.Sleep(quarter)
		l.incomplete()
		l.reconcile = reconcile
		l.tenant.Restore(eventTable)
		for range 2 {
			time.Sleep(quarter)
			l.incomplete()
		}
		l.holds(6)
		time.Sleep(32 * 24 * time.Hour)
		if res := l.try(); len(res.Gaps) > 0 {
			t.Errorf("gaps %+v", res.Gaps)
		}
		l.holds(6)
	})
}

// TestBuriedGapStaysBuried: a gap whose rows have left the API is given up for good, also
// where the API goes on to refuse its stretch.
func TestBuriedGapStaysBuried(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		l.fault = func(q asked) tenant.Fault {
			if m := windowOf.FindStringSubmatch(q.Query); m != nil && !q.counts && !q.empty {
				if start, err := time.Parse(time.RFC3339Nano, m[1]); err == nil && start.Before(l.at(quarter)) {
					return q.LimitsExceeded()
				}
			}
			return tenant.Fault{}
		}
		time.Sleep(quarter)
		l.incomplete()
		time.Sleep(32 * 24 * time.Hour)
		for run := range 3 {
			if res := l.try(); len(res.Gaps) > 0 {
				t.Errorf("run %d: gaps %+v", run, res.Gaps)
			}
		}
	})
}

// refuseSlices refuses some slices.
func (l *lab) refuseSlices(refused ...string) {
	l.fault = func(q asked) tenant.Fault {
		if slices.Contains(refused, q.slice) {
			return q.LimitsExceeded()
		}
		return tenant.Fault{}
	}
}

// TestLateRowsBesideGap: late rows of a tick are exported although some slices of it are
// gaps, which may stay for longer than rows are told apart.
func TestLateRowsBesideGap(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(60, l.at(2*time.Minute), time.Time{})
		l.refuseSlices("1/4", "1/8", "5/8", "2/8")
		time.Sleep(quarter)
		l.incomplete()
		exported := l.document().Rows
		l.add(40, l.at(2*time.Minute), time.Time{}) // late, in every slice
		time.Sleep(quarter)
		l.incomplete()
		if doc := l.document(); doc.Rows <= exported+20 || doc.Rows >= 100 {
			t.Errorf("%d rows beside the gaps, then %d", exported, doc.Rows)
		}
		for range 12 { // until no quarter hour is compared with what it had
			time.Sleep(2 * time.Hour)
			l.incomplete()
		}
		l.fault = nil
		l.run()
		l.run()
		l.holds(l.rows)
	})
}

// TestKilledBesideGap: a run that is killed when it has read some of the slices beside gaps
// leaves the others to the next one.
func TestKilledBesideGap(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		last := l.at(quarter - hunting.Tick) // with its first slices all of the quarter hour has been read
		l.add(60, last, time.Time{})
		l.refuseSlices("1/4", "2/4")
		time.Sleep(quarter)
		l.incomplete()
		l.add(40, last, time.Time{}) // late, in every slice
		time.Sleep(quarter)
		before := l.document().Rows
		l.killAfter(commit.StepFinish, 1)
		l.try()
		killed := l.document().Rows
		l.incomplete()
		if doc := l.document(); killed <= before || doc.Rows <= killed {
			t.Errorf("%d rows, %d when it was killed, then %d", before, killed, doc.Rows)
		}
		l.fault = nil
		l.run()
		l.run()
		l.holds(l.rows)
	})
}

// TestSliceBecomesPartOfAGap: a gap of one slice that a run makes part of a larger one is not
// a gap of its own besides, whose rows would come twice.
func TestSliceBecomesPartOfAGap(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		tick := l.at(time.Minute)
		l.add(10, tick, time.Time{})
		time.Sleep(quarter)
		l.run()
		l.add(20, tick, time.Time{}) // late
		l.refuseSlices("0/2")
		time.Sleep(quarter)
		l.incomplete()
		if gaps := l.document().Gaps; len(gaps) != 1 || gaps[0].N != 2 {
			t.Fatalf("gaps %+v", gaps)
		}
		l.add(10, tick, time.Time{})
		l.refuseSlices("0/2", "1/2")
		for range 2 {
			time.Sleep(quarter)
			l.incomplete()
			if gaps := l.document().Gaps; len(gaps) != 1 || gaps[0].N > 1 {
				t.Errorf("gaps %+v", gaps)
			}
			l.fault = refuseRows
		}
		l.fault = nil
		time.Sleep(quarter)
		l.run()
		l.run()
		if doc := l.document(); doc.Rows != int64(l.rows) {
			t.Errorf("%d rows of %d are exported", doc.Rows, l.rows)
		}
		l.holds(l.rows)
	})
}
