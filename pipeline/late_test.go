package pipeline_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/tenant"
)

// TestRefusedLateRows: a quarter hour that was exported has late rows, and is refused when
// it is read again. It is a gap from then on, and once delivered only the late rows are new.
func TestRefusedLateRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cap = 10_000
		f := newFleet(hunting.ClockIngestion, 10, cap)
		f.tables = f.tables[:1]
		table, quarter := f.tables[0].Name, f.start.Add(15*time.Minute)
		f.add(t, table, 50, f.start, quarter, 0, 0)
		time.Sleep(time.Hour)
		f.run(t, "first", cap)
		f.add(t, table, 5, f.start, quarter, 0, 0) // nobody has seen them yet
		f.tenant.FailRange(table, f.start, quarter, tenant.Call.LimitsExceeded)
		for _, res := range f.run(t, "refused", cap) {
			if len(res.Gaps) == 0 || !res.Gaps[0].Late || res.Rows > 0 || res.Check.Differ != 1 {
				t.Errorf("gaps %v, %d rows, check %+v", res.Gaps, res.Rows, res.Check)
			}
		}
		f.tenant.Restore(table)
		for _, res := range f.run(t, "cured", cap) {
			if res.Rows != 5 || len(res.Gaps) > 0 {
				t.Errorf("%d rows, gaps %v", res.Rows, res.Gaps)
			}
		}
		f.exact(t, quarter)
	})
}

// TestBlockBeyondTheDeadline: the CPU share is used up for longer than EXPORT_DEADLINE
// leaves. The run does not wait for it, and keeps what it has.
func TestBlockBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cap = 100
		f := newFleet(hunting.ClockIngestion, 10, cap)
		f.tables = f.tables[:2]
		for _, ds := range f.tables {
			f.add(t, ds.Name, 500, f.start, f.start.Add(15*time.Minute), 0, 0)
		}
		time.Sleep(time.Hour)
		var calls atomic.Int64
		f.tenant.Fault(func(c tenant.Call) tenant.Fault {
			if c.API == "token" {
				return tenant.Fault{}
			}
			if calls.Add(1) > 6 { // some windows are through
				return c.CPUExceeded(15 * time.Minute)
			}
			return tenant.Fault{}
		})
		stop, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		begun := time.Now()
		var rows int64
		for _, res := range f.export(stop, t, "blocked", cap) {
			if !errors.Is(res.Err, pipeline.ErrStopped) {
				t.Errorf("%s: %v", res.Dataset, res.Err)
			}
			rows += res.Rows
		}
		if d := time.Since(begun); d > time.Minute {
			t.Errorf("it waited for %s", d)
		}
		if rows == 0 || rows == 1000 {
			t.Errorf("%d rows are committed", rows)
		}
		f.tenant.Fault(nil)
		f.run(t, "after", cap)
		f.exact(t, f.start.Add(15*time.Minute))
	})
}
