package pipeline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/pipeline"
	"hunting-exporter/tenant"
)

// TestRefusedLateRowsAreNoGap: a quarter hour that was exported, has late rows, and is
// refused when it is read again. As a gap it would be exported a second time.
func TestRefusedLateRowsAreNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cap = 10_000
		f := newFleet(pipeline.ClockIngestion, cap)
		f.tables = f.tables[:1]
		table, quarter := f.tables[0].Name, f.start.Add(15*time.Minute)
		f.add(t, table, 50, f.start, quarter, 0, 0)
		time.Sleep(time.Hour)
		f.run(t, "first", cap)
		f.add(t, table, 5, f.start, quarter, 0, 0) // nobody has seen them yet
		f.tenant.Poison(table, f.start, quarter, tenant.Call.LimitsExceeded)
		for _, res := range f.run(t, "refused", cap) {
			if len(res.Gaps) > 0 || res.Rows > 0 || res.Check.Differ != 1 {
				t.Errorf("gaps %v, %d rows, check %+v", res.Gaps, res.Rows, res.Check)
			}
		}
		f.tenant.Cure(table)
		for _, res := range f.run(t, "cured", cap) {
			if res.Late != 5 || res.Check.Differ != 0 {
				t.Errorf("%d late rows, check %+v", res.Late, res.Check)
			}
		}
		f.exact(t, quarter)
	})
}
