package e2e_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

// TestSchemaChanges: the table's columns change twenty times while it is exported: some
// come and go, one changes its type and back, one differs from another only by case.
// Nothing is lost, files are one more for each widening and not one for each change, and
// DuckDB unites them by name. SCHEMA_ROWS=1000000 gives the figure in docs/evidence.md.
func TestSchemaChanges(t *testing.T) {
	rows := rounds(t, "SCHEMA_ROWS", 100_000)
	from := newSite(t, tenant.Options{MaxRows: rows / 25})
	end := time.Now().UTC().Truncate(24 * time.Hour).Add(-time.Hour) // of one day
	err := from.Seed(tenant.Seed{
		Tables: []string{burstTable}, Rows: rows, From: end.Add(-6 * time.Hour), To: end, Seed: 7,
		Lag: func(int) time.Duration { return time.Minute },
	})
	if err != nil {
		t.Fatal(err)
	}
	base := slices.Clone(from.Rows(burstTable).Columns)
	with := func(more ...schema.Column) []schema.Column { return append(slices.Clone(base), more...) }
	text, number := schema.Column{Name: "Added", Type: "String"}, schema.Column{Name: "Added", Type: "Int64"}
	folded, late := schema.Column{Name: "ADDED", Type: "String"}, schema.Column{Name: "Late", Type: "Double"}
	versions := [][]schema.Column{base, with(text), base, with(number), with(text), with(folded, text), with(number, late)}
	const widenings = 4

	changes, calls := 0, 0
	from.Fault(func(c tenant.Call) tenant.Fault {
		if !strings.Contains(c.Query, "summarize") {
			if calls++; changes < 20 {
				changes++
				if err := from.SetColumns(burstTable, versions[changes%len(versions)]); err != nil {
					t.Error(err)
				}
			}
		}
		return tenant.Fault{}
	})
	dir := t.TempDir()
	env := from.env(t, "LAKE_URL="+dir, "EXPORT_TABLES="+burstTable, "EXPORT_START=72h", "SOURCE_CONCURRENCY=1", fmt.Sprint("SOURCE_MAX_ROWS=", rows/25))
	p := command(t, env, 0, "run")
	wantRows(t, p, int64(rows), 0)
	from.Fault(nil)
	got := summaryOf(t, p)
	t.Logf("%d rows, %d changes in %d calls, %d widenings: %d commits, %d files", rows, changes, calls, widenings, got.Datasets[0].Commits, got.Files)
	if changes < 20 || got.Files > widenings+1 || got.Datasets[0].Commits > widenings+1 {
		t.Errorf("%d changes made %d files in %d commits, want at most %d", changes, got.Files, got.Datasets[0].Commits, widenings+1)
	}
	if err := from.SetColumns(burstTable, base); err != nil {
		t.Fatal(err)
	}
	b := newBurst(t, from)
	files := duck.Parquet(false, filepath.Join(dir, burstTable, "dt=*", "*.parquet"))
	b.judge(t, "lake", b.lake(dir), 10)
	found := b.db.Query(t, "SELECT string_agg(column_type, ' ' ORDER BY column_type) FROM (DESCRIBE SELECT * FROM "+files+") WHERE column_name IN ('Added', 'Added_2', 'ADDED_3', 'Late')")
	if types := found.Rows[0][0]; types != "BIGINT DOUBLE VARCHAR VARCHAR" {
		t.Errorf("the columns that came up have the types %s", types)
	}
	wantRows(t, command(t, env, 0, "run"), 0, 0)
}
