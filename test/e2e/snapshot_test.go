package e2e_test

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

const snapshotTable = "DeviceTvmSoftwareInventory" // has no time column

// TestSnapshots: a table without a time column, larger than an answer may be, is exported
// whole in one commit, once an interval, under the time at which it was taken.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	const rows = 1000
	s := combinations[2].on(t, false)
	from := newSite(t, tenant.Options{MaxRows: 200})
	from.seed(t, rows, snapshotTable)
	env := from.env(t, append(s.env, "EXPORT_TABLES="+snapshotTable, "SOURCE_MAX_ROWS=200")...)

	sum := wantRows(t, command(t, env, 0, "run"), rows, 0)
	if d := sum.Datasets[0]; d.Commits != 1 || sum.Calls < rows/200 {
		t.Errorf("%d commits and %d calls, want one commit of %d slices at least", d.Commits, sum.Calls, rows/200)
	}
	db := duck.Open(t)
	first := snapshotOf(t, db, s.dir, snapshotTable)
	s.checkSnapshots(t, db, from, snapshotTable, 1)

	wantRows(t, command(t, env, 0, "run"), 0, 0) // within the interval
	s.checkSnapshots(t, db, from, snapshotTable, 1)

	for n, got := 0, int64(0); got == 0 && n < 50; n++ { // a second has soon passed
		got = summaryOf(t, command(t, append(env, "EXPORT_SNAPSHOT_INTERVAL=1s"), 0, "run")).Rows
	}
	s.checkSnapshots(t, db, from, snapshotTable, 2)
	files := duck.Parquet(false, filepath.Join(s.dir, snapshotTable, "dt=*", "*.parquet"))
	taken := db.Query(t, "SELECT "+schema.SnapshotTime+", count(*) FROM "+files+" GROUP BY 1 ORDER BY 1").Rows
	if len(taken) != 2 || taken[0][0] != first || taken[0][1] != "1000" || taken[1][1] != "1000" {
		t.Errorf("the snapshots are %v, the first one was %s", taken, first)
	}
}

// TestSnapshotWithoutASlice: a slice that the tenant refuses leaves nothing of the whole.
func TestSnapshotWithoutASlice(t *testing.T) {
	t.Parallel()
	s := combinations[2].on(t, false)
	from := newSite(t, tenant.Options{MaxRows: 200})
	from.seed(t, 1000, snapshotTable)
	env := from.env(t, append(s.env, "EXPORT_TABLES="+snapshotTable, "SOURCE_MAX_ROWS=200")...)
	var slices atomic.Int64
	from.Fault(func(c tenant.Call) tenant.Fault {
		if strings.Contains(c.Query, "| where hash_xxhash64(") && slices.Add(1) > 3 {
			return c.LimitsExceeded()
		}
		return tenant.Fault{}
	})
	p := command(t, env, 1, "run")
	if !strings.Contains(p.Stdout.String(), "nothing of it is exported") {
		t.Errorf("the report does not say what failed: %s", p.Stdout.Tail())
	}
	if found := days(t, s.dir, snapshotTable); len(found) > 0 {
		t.Errorf("it left %v", found)
	}
	if events := s.events(t, snapshotTable); len(events) > 0 {
		t.Errorf("it left %d events", len(events))
	}
	from.Fault(nil)
	wantRows(t, command(t, env, 0, "run"), 1000, 0)
	s.checkSnapshots(t, duck.Open(t), from, snapshotTable, 1)
}

// checkSnapshots compares every sink with so many copies of the truth.
func (s sinks) checkSnapshots(t *testing.T, db *duck.DB, from *site, table string, copies int) {
	t.Helper()
	want := func(resolution time.Duration) (rows [][]string) {
		names, whole := from.truth(table, resolution)
		for range copies {
			rows = append(rows, without(names, whole, schema.IngestionTime)...)
		}
		return rows
	}
	columns := from.Rows(table).Columns
	equal(t, "lake", want(lakeResolution), lakeColumns(t, db, s.dir, table, columns, lakeResolution))
	names, _ := from.truth(table, tick)
	got := from.kafkaRows(t, table, s.events(t, table))
	equal(t, "Kafka", fold(want(tick)), fold(without(names, got, schema.IngestionTime)))
}
