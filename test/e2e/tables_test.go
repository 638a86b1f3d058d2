package e2e_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

// TestEveryTableEveryFlavour exports every table of the catalogue by each of the three
// APIs, one run each, those without a time column as snapshots. Every cell is the
// tenant's, and the files of the three are the same to a reader.
func TestEveryTableEveryFlavour(t *testing.T) {
	const rows = 200
	from := newSite(t, tenant.Options{})
	from.seed(t, rows)
	odd(t, from)
	var names []string
	for _, known := range schema.Tables() {
		names = append(names, known.Name)
	}
	db, lakes := duck.Open(t), map[string]string{}
	for _, api := range []string{"graph", "m365d", "mde"} {
		dir := t.TempDir()
		lakes[api] = dir
		begun := time.Now()
		p := command(t, from.env(t, "SOURCE_API="+api, "LAKE_URL="+dir, "EXPORT_TABLES="+strings.Join(names, ",")), 0, "run")
		wantRows(t, p, int64(rows*len(names)), 0)
		t.Logf("%s: %d tables in %d calls and %v", api, len(names), summaryOf(t, p).Calls, time.Since(begun).Round(time.Second))
		for _, known := range schema.Tables() {
			from.everyCell(t, db, api, dir, known)
		}
	}
	for _, other := range []string{"m365d", "mde"} {
		for _, known := range schema.Tables() {
			sameFiles(t, db, known, lakes["graph"], lakes[other])
		}
	}
}

// odd checks that the tables hold what is easily lost: nulls, empty text, nested values,
// and times that nanoseconds in 64 bits do not hold.
func odd(t *testing.T, from *site) {
	t.Helper()
	seen := map[string]int{}
	for _, known := range schema.Tables() {
		held := from.Rows(known.Name)
		for row := range held.Rows {
			for i, c := range held.Columns {
				cell := row.Cells[i]
				switch {
				case cell.Null:
					seen["null"]++
				case c.Type == "String" && cell.Text == "":
					seen["empty"]++
				case c.Type == "Object" && strings.Contains(cell.Text, ":{"):
					seen["nested"]++
				case c.Type == "DateTime" && schema.FromTicks(cell.Int).Year() == 1:
					seen["year 1"]++
				case c.Type == "DateTime" && schema.FromTicks(cell.Int).Year() == 9999:
					seen["year 9999"]++
				}
			}
		}
	}
	for _, kind := range []string{"null", "empty", "nested", "year 1", "year 9999"} {
		if seen[kind] == 0 {
			t.Errorf("the tables hold no cell of the kind %s", kind)
		}
	}
	t.Logf("odd cells: %s", fmt.Sprint(slices.Sorted(maps.Keys(seen)), seen))
}

// everyCell compares a table in a lake with the truth. A snapshot has one time for all.
func (s *site) everyCell(t *testing.T, db *duck.DB, api, dir string, known schema.Table) {
	t.Helper()
	names, want := s.truth(known.Name, lakeResolution)
	columns := append(slices.Clone(s.Rows(known.Name).Columns), ingested)
	if known.TimeColumn == "" {
		want, columns = without(names, want, schema.IngestionTime), columns[:len(columns)-1]
		snapshotOf(t, db, dir, known.Name)
	}
	equal(t, api+" "+known.Name, want, lakeColumns(t, db, dir, known.Name, columns, lakeResolution))
}

// snapshotOf is when the one snapshot in a lake was taken, after checking that it is one
// and lies in its day.
func snapshotOf(t *testing.T, db *duck.DB, dir, table string) string {
	t.Helper()
	files := duck.Parquet(true, filepath.Join(dir, table, "dt=*", "*.parquet"))
	taken := db.Query(t, "SELECT DISTINCT "+schema.SnapshotTime+", strftime("+schema.SnapshotTime+" AT TIME ZONE 'UTC', '%Y-%m-%d') = dt FROM "+files)
	if len(taken.Rows) != 1 || taken.Rows[0][1] != "true" {
		t.Fatalf("%s was taken at %v", table, taken.Rows)
	}
	return taken.Rows[0][0]
}

// sameFiles compares a table in two lakes: names and types of columns, and every row.
func sameFiles(t *testing.T, db *duck.DB, known schema.Table, one, other string) {
	t.Helper()
	columns := "*"
	if known.TimeColumn == "" {
		columns = "* EXCLUDE (" + schema.SnapshotTime + ")"
	}
	view := func(dir string) string {
		return "SELECT " + columns + " FROM " + duck.Parquet(false, filepath.Join(dir, known.Name, "dt=*", "*.parquet"))
	}
	types := func(dir string) string {
		return fmt.Sprint(db.Query(t, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ("+view(dir)+"))").Rows)
	}
	if a, b := types(one), types(other); a != b {
		t.Errorf("%s has the columns %s in one lake, %s in the other", known.Name, a, b)
		return
	}
	left, right := view(one), view(other)
	n := db.Value(t, fmt.Sprintf("SELECT count(*) FROM ((%s EXCEPT ALL %s) UNION ALL (%s EXCEPT ALL %s))", left, right, right, left))
	if n != "0" {
		t.Errorf("%s: %s rows differ between two flavours", known.Name, n)
	}
}
