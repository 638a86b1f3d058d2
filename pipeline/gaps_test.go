package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
)

// TestTickInSlices: rows of one tick that take several answers are exported with the last
// of them or not at all, however little a commit may hold.
func TestTickInSlices(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(3, l.at(time.Minute), time.Time{})
		l.add(100, l.at(2*time.Minute), time.Time{})
		time.Sleep(quarter)
		l.fault = func(q asked) tenant.Fault {
			if q.slice == "4/8" { // 0/8 has come
				return q.Forbidden()
			}
			return tenant.Fault{}
		}
		l.change = func(e *pipeline.Exporter) { e.Limits.Rows = 1 }
		if res := l.try(); res.Err == nil || res.Rows != 3 {
			t.Errorf("%d rows, %v", res.Rows, res.Err)
		}
		l.fault = nil
		l.run()
		l.holds(l.rows)
	})
}

// TestGapsOfSlices: a slice that the API does not deliver is a gap of its own. It is
// retried as that slice, and late rows of it are found once it is closed.
func TestGapsOfSlices(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(60, l.at(2*time.Minute), time.Time{})
		var refused []string
		l.fault = func(q asked) tenant.Fault {
			if slices.Contains(refused, q.slice) {
				return q.LimitsExceeded()
			}
			return tenant.Fault{}
		}
		refuse := func(want []state.Gap, now ...string) {
			t.Helper()
			time.Sleep(quarter)
			refused = now
			res := l.try()
			if !errors.Is(res.Err, pipeline.ErrIncomplete) && len(want) > 0 {
				t.Fatal(res.Err)
			}
			got := make([]state.Gap, len(res.Gaps))
			for i, g := range res.Gaps {
				got[i] = state.Gap{I: g.I, N: g.N, Window: g.Window}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("gaps %+v, want %+v", got, want)
			}
		}
		tick := hunting.Window{Start: l.at(2 * time.Minute), End: l.at(2*time.Minute + hunting.Tick)}
		first, second := state.Gap{Window: tick, I: 1, N: 4}, state.Gap{Window: tick, I: 2, N: 4}
		refuse([]state.Gap{first, second}, "1/4", "2/4")
		l.add(40, l.at(2*time.Minute), time.Time{}) // late, in every slice
		refuse([]state.Gap{first, second}, "1/4", "2/4")
		refuse([]state.Gap{second}, "2/4")
		refuse(nil)
		refuse(nil)
		if c := l.document().Check; c.Differ != 0 || c.Exported != 100 {
			t.Errorf("check %+v", c)
		}
		l.holds(l.rows)
	})
}

// TestGapReadInPart: of a gap of which a run read the beginning only, the rest stays one.
func TestGapReadInPart(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		for n := range 14 {
			l.add(10, l.at(time.Duration(n+1)*time.Minute), time.Time{})
		}
		time.Sleep(quarter)
		l.fault = refuseRows
		if res := l.try(); len(res.Gaps) != 1 || !res.Watermark.Equal(l.at(quarter)) {
			t.Fatalf("%v: %+v", res.Err, res.Gaps)
		}
		l.fault = nil
		l.killAfter(commit.StepFinish, 2)
		l.try()
		if gaps := l.document().Gaps; len(gaps) != 1 || !gaps[0].Start.After(l.at(time.Minute)) {
			t.Fatalf("gaps %+v", gaps)
		}
		l.run()
		l.holds(l.rows)
	})
}

// TestCostOfGaps: where nothing can be had, a run does not make calls without end to find
// out which ticks it is.
func TestCostOfGaps(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		for n := range 400 {
			at := l.at(time.Duration(n) * 2 * time.Second)
			l.add(1, at, time.Time{})
			l.tenant.FailRange(eventTable, at, at.Add(hunting.Tick), tenant.Call.LimitsExceeded)
		}
		time.Sleep(quarter)
		for run := range 3 {
			res := l.try()
			if len(res.Gaps) == 0 || len(l.queries) > 400 {
				t.Errorf("run %d: %d calls, %d gaps", run, len(l.queries), len(res.Gaps))
			}
		}
		l.holds(0)
		l.tenant.Restore(eventTable)
		l.run()
		l.holds(l.rows)
	})
}

// holes is a source that does not deliver every second page, and counts nothing.
type holes struct {
	fakeSource
	readings *[]hunting.Reading
}

func (h holes) Read(ctx context.Context, q hunting.Reading, emit func(hunting.Page) error) error {
	*h.readings = append(*h.readings, q)
	n := 0
	return h.fakeSource.Read(ctx, q, func(p hunting.Page) error {
		if n++; n%2 == 0 {
			p.Release()
			p.Gap = &hunting.Gap{Part: p.Part, Reason: "too costly"}
		}
		return emit(p)
	})
}

// TestNumberOfGaps: with many gaps what fails is not narrowed into more, and more than the
// state can hold end the run with nothing of it done.
func TestNumberOfGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 2*80)
		var readings []hunting.Reading
		run := func(seconds int) pipeline.Result {
			e := onlyLake.exporter(w, &client{w: w}, "run")
			e.Source = holes{fakeSource{w: w, page: time.Second}, &readings}
			e.Limits.Rows = 1000
			e.Horizon = func() time.Time { return secondOf(seconds) }
			return export(t.Context(), e)
		}
		if res := run(2 * 76); len(res.Gaps) != 76 || readings[0].Coarse {
			t.Fatalf("%d gaps, %+v", len(res.Gaps), readings[0])
		}
		readings = nil
		run(2 * 77)
		for _, q := range readings {
			if !q.Coarse {
				t.Errorf("with 76 gaps: %+v", q)
			}
		}
		if res := run(2 * 300); len(res.Gaps) > 150 || res.Err == nil || errors.Is(res.Err, pipeline.ErrIncomplete) {
			t.Errorf("%d gaps, %v", len(res.Gaps), res.Err)
		}
	})
}

// TestSnapshotIsWhole: a table of which the API does not deliver a slice is not exported.
func TestSnapshotIsWhole(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.table.Mode = hunting.ModeSnapshot
		l.add(60, l.at(-time.Minute), time.Time{})
		l.fault = func(q asked) tenant.Fault {
			if len(q.slice) > 2 && q.slice[0] == '2' {
				return q.LimitsExceeded()
			}
			return tenant.Fault{}
		}
		if res := l.try(); res.Err == nil || res.Rows > 0 {
			t.Errorf("%d rows, %v", res.Rows, res.Err)
		}
		l.holds(0)
		l.fault = nil
		l.run()
		l.holds(60)
	})
}

// TestBackfillReadsWhatIsMissing: what was read is not read again, and what comes after the
// watermark is left to the runs to come.
func TestBackfillReadsWhatIsMissing(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(5, l.at(-time.Hour), time.Time{})
		l.add(5, l.at(time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		l.add(5, time.Now().UTC(), time.Time{})
		time.Sleep(quarter)
		for n, rows := range []int64{5, 0} {
			l.backfill(-2*time.Hour, time.Hour)
			before := l.document().Watermark
			if res := l.run(); res.Rows != rows || !res.Watermark.Equal(before) {
				t.Errorf("backfill %d: %d rows, watermark %s, was %s", n, res.Rows, res.Watermark, before)
			}
		}
		l.run()
		l.holds(l.rows)
	})
}

// TestExpired: rows that nobody read before they left the API are told of.
func TestExpired(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.add(1, l.at(time.Minute), time.Time{})
		time.Sleep(quarter)
		l.run()
		time.Sleep(32 * 24 * time.Hour)
		var expired *pipeline.ExpiredError
		if err := l.try().Err; !errors.As(err, &expired) || !expired.Window.Start.Equal(l.at(quarter)) {
			t.Errorf("got %v", err)
		}
		l.run()
	})
}
