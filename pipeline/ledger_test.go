package pipeline_test

import (
	"errors"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/tenant"
)

const quarter = ledger.Width

// TestLedgerOffAndOn: rows that were exported while no ledger was kept are neither missed
// nor told from new ones afterwards.
func TestLedgerOffAndOn(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		reconcile := l.reconcile
		for n, kept := range []bool{false, true, false, true, true, true} {
			time.Sleep(quarter)
			l.add(5, time.Now().UTC().Add(-time.Minute), time.Time{})
			if l.reconcile = 0; kept {
				l.reconcile = reconcile
			}
			if res := l.run(); res.Rows != 5 || res.Late != 0 {
				t.Errorf("run %d: %d rows, %d of them late", n, res.Rows, res.Late)
			}
		}
		l.holds(l.rows)
	})
}

// TestKeysOutliveDaysWithoutCounts: as long as the API does not count, the keys of what
// was exported are kept, and the run says that late rows are not looked for.
func TestKeysOutliveDaysWithoutCounts(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		l.fault = refuseCounts
		var unchecked *pipeline.UncheckedError
		for n := range 48 {
			time.Sleep(time.Hour)
			l.add(1, time.Now().UTC().Add(-time.Minute), time.Time{})
			err := l.try().Err
			if late := n > 2; late != errors.As(err, &unchecked) || !late && err != nil {
				t.Fatalf("%d hours: %v", n+1, err)
			}
		}
		l.add(3, l.at(2*time.Minute), time.Time{})
		l.add(3, l.at(20*time.Hour), time.Time{})
		l.fault = nil
		if res := l.run(); res.Late != 6 {
			t.Errorf("%d late rows, want 6", res.Late)
		}
		l.holds(l.rows)
	})
}

// TestQuarterHoursInPart: neither rows before the dataset's beginning nor rows after the
// horizon are exported with the quarter hour that they share with others.
func TestQuarterHoursInPart(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.began = l.at(7 * time.Minute)
		before, after := l.at(-time.Minute), l.at(2*time.Minute)
		time.Sleep(2 * quarter)
		l.add(3, before, time.Time{})
		l.add(3, after, time.Time{})
		for n := range 5 { // several runs a quarter hour
			horizon := l.at(time.Duration(n+3) * 4 * time.Minute)
			l.change = func(e *pipeline.Exporter) { e.Horizon = func() time.Time { return horizon } }
			if res := l.run(); !res.Watermark.Equal(horizon) {
				t.Errorf("watermark %s, horizon %s", res.Watermark, horizon)
			}
			l.add(2, horizon.Add(-time.Second), time.Time{}) // late
			l.add(2, horizon.Add(time.Second), time.Time{})  // not due
		}
		for range 2 {
			time.Sleep(2 * quarter)
			l.run()
		}
		l.holds(l.rows - 3)
	})
}

// TestSettledQuarterHour: what the API counts and does not deliver does not cause the rest
// of its quarter hour to be read again and again.
func TestSettledQuarterHour(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		l.add(5, l.at(8*time.Minute), time.Time{})
		l.tenant.FailRange(eventTable, l.at(time.Minute), l.at(time.Minute+hunting.Tick), tenant.Call.LimitsExceeded)
		pages := func() (n int) {
			for _, q := range l.queries {
				if !q.counts && !q.empty {
					n++
				}
			}
			return n
		}
		time.Sleep(quarter)
		for run, want := range []int{-1, 2 + 3, 3, 3} { // the rest in two stretches; the gap three times
			var gaps *pipeline.GapsError
			res := l.try()
			if !errors.As(res.Err, &gaps) || len(res.Gaps) != 1 || res.Gaps[0].Tries != run+1 {
				t.Fatalf("run %d: %v, gaps %+v", run, res.Err, res.Gaps)
			}
			if got := pages(); want >= 0 && got != want {
				t.Errorf("run %d makes %d calls for rows, want %d", run, got, want)
			}
			time.Sleep(quarter)
		}
		l.holds(5)
		l.tenant.Restore(eventTable)
		l.run()
		l.holds(10)
	})
}

// TestSettledByItsOwnCommit: of quarter hours that are read again in several commits, those
// that a run did not get to are read by the next one.
func TestSettledByItsOwnCommit(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(15, l.at(time.Minute), time.Time{})
		l.add(15, l.at(quarter+time.Minute), time.Time{})
		time.Sleep(3 * quarter)
		l.run()
		l.add(2, l.at(2*time.Minute), time.Time{})
		l.add(2, l.at(quarter+2*time.Minute), time.Time{})
		l.killAfter(commit.StepFinish, 1)
		l.try()
		l.holds(l.rows - 2)
		if res := l.run(); res.Late != 2 || res.Check.Differ != 0 {
			t.Errorf("%d late rows, check %+v", res.Late, res.Check)
		}
		l.holds(l.rows)
	})
}

// TestLedgerOfDroppedCommit: a commit that did not take place leaves the ledger as it was.
func TestLedgerOfDroppedCommit(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.sinks = both
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		l.add(5, l.at(quarter+time.Minute), time.Time{})
		time.Sleep(quarter)
		l.killAfter(commit.StepIntent, 1)
		l.try()
		time.Sleep(quarter)
		l.run() // undecided: dropped, and read again
		l.add(1, l.at(quarter+2*time.Minute), time.Time{})
		if res := l.run(); res.Late != 1 || res.Check.Exported != res.Check.Counted {
			t.Errorf("%d late rows, check %+v", res.Late, res.Check)
		}
		l.holds(l.rows)
	})
}

// TestDamagedLedger: a ledger that is gone, or is not what was written, ends the run; it
// is not taken for empty.
func TestDamagedLedger(t *testing.T) {
	for name, damage := range map[string]func(w *world, key string){
		"gone":    func(w *world, key string) { delete(w.objects, "meta/"+key) },
		"changed": func(w *world, key string) { w.objects["meta/"+key] = object{[]byte(`{"bins":[],"runs":[]}`), "e"} },
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.add(5, l.at(time.Minute), time.Time{})
				time.Sleep(quarter)
				l.run()
				damage(l.world, l.document().Ledger.Key)
				var refusal *hunting.RefusalError
				if err := l.try().Err; !errors.As(err, &refusal) {
					t.Errorf("got %v", err)
				}
				l.reconcile = 0
				l.run() // begins a new ledger
				l.holds(5)
			})
		})
	}
}

// TestLedgerStaysInItsLake: another lake has none of the keys, so its ledger begins anew.
func TestLedgerStaysInItsLake(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		elsewhere := func(e *pipeline.Exporter) {
			otherLake(e)
			e.Stores.Meta = objects{&client{w: l.world}, "other/meta/"}
		}
		e := onlyLake.exporter(l.world, &client{w: l.world}, "person")
		elsewhere(e)
		if err := e.Adopt(t.Context(), l.table, all(e, l.table)); err != nil {
			t.Fatal(err)
		}
		l.add(5, l.at(quarter+time.Minute), time.Time{})
		time.Sleep(quarter)
		for range 2 {
			l.change = elsewhere
			l.run()
		}
		l.holds(l.rows)
	})
}

// TestLedgerCountsTheOldToo: rows of a backfill that are too old for keys are counted.
func TestLedgerCountsTheOldToo(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(-48*time.Hour), time.Time{})
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		l.backfill(-50*time.Hour, quarter)
		l.run()
		l.holds(10)
		if old, all := l.ledger().Exported(l.at(-50*time.Hour), l.began), l.ledger().Exported(l.at(-50*time.Hour), l.at(quarter)); old != 5 || all != 10 {
			t.Errorf("the ledger counts %d old rows and %d in all", old, all)
		}
	})
}

// TestLateInFirstQuarterHour: rows that turn up late in the quarter hour in which the dataset
// begins.
func TestLateInFirstQuarterHour(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.began = l.at(7 * time.Minute)
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(2 * quarter)
		l.run()
		l.add(2, l.at(2*time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		l.run()
		l.holds(l.rows)
	})
}
