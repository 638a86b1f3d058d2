package e2e_test

import (
	"crypto/md5" //nolint:gosec // DuckDB's own checksum, to compare long cells by
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

// oddText is the text of a row: what is easily lost or cut.
func oddText(i int) string {
	odd := []string{
		"", " ", "\x00", "a\x00b", "\"quoted\\\"", "\t\n\r\b\f\x01\x1f\x7f", "😀🧵", "\U0010FFFF", "é\u2028\u2029", "</script>", "null", "{}", "NaN", "\ufeff",
	}
	return fmt.Sprintf("%s%d", odd[i%len(odd)], i/len(odd)%5000)
}

// TestOddCells: text of every kind, cells of 10 MB, times of no to seven digits and the
// ends of integers arrive as they are. ODD_ROWS=1000000 gives the figure in
// docs/evidence.md.
func TestOddCells(t *testing.T) {
	const table, long = "OddEvents", 10 << 20
	rows := rounds(t, "ODD_ROWS", 20_000)
	from := newSite(t, tenant.Options{MaxBytes: 124_000_000})
	columns := []schema.Column{
		{Name: "Timestamp", Type: "DateTime"}, {Name: "Id", Type: "Int64"}, {Name: "Text", Type: "String"}, {Name: "Document", Type: "Object"},
	}
	begin := time.Now().Add(-8 * time.Hour).UTC().Truncate(time.Hour)
	digits := []int64{10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1} // ticks of the last digit
	want := make(map[string]int, rows)
	var batch []tenant.Row
	for i := range rows {
		at := begin.Add(time.Duration(i) * time.Second * 20_000 / time.Duration(rows))
		at = schema.FromTicks(schema.ToTicks(at)/digits[i%8]*digits[i%8] + digits[i%8])
		text := oddText(i)
		if i%(rows/12) == 7 {
			text = strings.Repeat(fmt.Sprintf("%07d😀\x00", i), long/12)
		}
		document := fmt.Sprintf(`{"a":[%d,"\"x\\",null,{"é":true}],"n":-0.50e1}`, i%3000)
		id := int64(i)
		switch i {
		case 1:
			id = -1 << 63
		case 2:
			id = 1<<63 - 1
		}
		batch = append(batch, tenant.Row{Ingested: at.Add(time.Minute), Cells: []any{at, id, text, document}})
		want[fmt.Sprintf("%d %d %x %x", schema.ToTicks(at)/10, id, md5.Sum([]byte(text)), md5.Sum([]byte(document)))]++ //nolint:gosec // as above
		if len(batch) == 50_000 || i == rows-1 {
			if err := from.Add(table, columns, batch...); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
	dir := t.TempDir()
	p := command(t, from.env(t, "LAKE_URL="+dir, "EXPORT_TABLES="+table), 0, "run")
	wantRows(t, p, int64(rows), 0)
	got := duck.Open(t).Query(t, "SELECT epoch_us(Timestamp), Id, md5(Text), md5(Document) FROM "+duck.Parquet(false, filepath.Join(dir, table, "dt=*", "*.parquet")))
	for _, row := range got.Rows {
		want[strings.Join(row, " ")]--
	}
	wrong := 0
	for row, n := range want {
		if n != 0 {
			if wrong++; wrong <= 3 {
				t.Errorf("%+d times: %s", -n, row)
			}
		}
	}
	t.Logf("%d rows, 12 of them with a cell of %d MB: %d differ", rows, long>>20, wrong)
}
