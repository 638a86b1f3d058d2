package e2e_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
)

const burstTable = "MessageUrlInfo" // of few columns; Timestamp and ReportId identify a row

// TestBursts: more rows than an answer may have within one second, and within one tick,
// where time cannot be cut any more. Each is exported once. DuckDB is the judge.
func TestBursts(t *testing.T) {
	const background, second, instant = 20_000, 300_000, 250_000
	s := combinations[2].on(t, false)
	from := newSite(t, tenant.Options{})
	end := time.Now().Add(-time.Hour).UTC().Truncate(tick)
	busy := end.Add(-4 * time.Hour)
	for i, part := range []tenant.Seed{
		{Rows: background, From: end.Add(-6 * time.Hour), To: end},
		{Rows: second, From: busy, To: busy.Add(time.Second)},
		{Rows: instant, From: end.Add(-time.Hour), To: end.Add(-time.Hour)},
	} {
		part.Tables, part.Seed = []string{burstTable}, uint64(i)
		part.Lag = func(int) time.Duration { return 2 * time.Minute }
		if err := from.Seed(part); err != nil {
			t.Fatal(err)
		}
	}
	env := from.env(t, append(s.env, "EXPORT_TABLES="+burstTable)...)
	p := command(t, env, 0, "run")
	wantRows(t, p, background+second+instant, 0)
	calls := from.Calls().Hunting
	const least = (background + second + instant + 99_999) / 100_000
	t.Logf("%d calls, %d at least", calls, least)
	if calls > 3*least {
		t.Errorf("%d calls where %d could do", calls, least)
	}
	wantRows(t, command(t, env, 0, "run"), 0, 0)

	b := newBurst(t, from)
	b.judge(t, "lake", b.lake(s.dir), 10) // microseconds
	b.judge(t, "Kafka", b.kafka(t, s.events(t, burstTable)), 1)
}

// burst compares many rows of burstTable inside DuckDB. A text that is null in the
// stream is empty; times are ticks.
type burst struct {
	db      *duck.DB
	columns []schema.Column
}

func newBurst(t *testing.T, from *site) burst {
	t.Helper()
	held := from.Rows(burstTable)
	b := burst{db: duck.Open(t), columns: append(held.Columns, ingested)}
	path := filepath.Join(t.TempDir(), "truth.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	for row := range held.Rows {
		record := make([]string, 0, len(b.columns))
		for i, c := range row.Cells {
			record = append(record, c.Canonical(held.Columns[i].Type))
		}
		if err := w.Write(append(record, fmt.Sprint(schema.ToTicks(row.Ingested)))); err != nil {
			t.Fatal(err)
		}
	}
	if w.Flush(); w.Error() != nil || f.Close() != nil {
		t.Fatalf("write the truth: %v", w.Error())
	}
	types := b.each(func(name string, isTime bool) string {
		return fmt.Sprintf("'%s': '%s'", name, map[bool]string{true: "BIGINT", false: "VARCHAR"}[isTime])
	})
	b.db.Exec(t, fmt.Sprintf("CREATE TABLE truth AS SELECT %s FROM read_csv('%s', header=false, columns={%s})",
		b.each(func(name string, isTime bool) string {
			if isTime {
				return name
			}
			return fmt.Sprintf("coalesce(%s, '') AS %[1]s", name)
		}), path, types))
	return b
}

// each joins what is made of every column.
func (b burst) each(of func(name string, isTime bool) string) string {
	parts := make([]string, len(b.columns))
	for i, c := range b.columns {
		parts[i] = of(c.Name, c.Type == "DateTime")
	}
	return strings.Join(parts, ", ")
}

// lake is a query of what the lake holds.
func (b burst) lake(dir string) string {
	return "SELECT " + b.each(func(name string, isTime bool) string {
		if isTime {
			return fmt.Sprintf("epoch_us(%s) * 10 AS %[1]s", name)
		}
		return name
	}) + " FROM " + duck.Parquet(false, filepath.Join(dir, burstTable, "dt=*", "*.parquet"))
}

// kafka is a query of what events hold.
func (b burst) kafka(t *testing.T, events []string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(events, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	b.db.Exec(t, `CREATE MACRO ticks(x) AS epoch_us(CAST(left(rtrim(x, 'Z'), 26) || 'Z' AS TIMESTAMPTZ)) * 10 +
		CAST(coalesce(nullif(substr(rtrim(x, 'Z'), 27, 1), ''), '0') AS BIGINT)`)
	fields := b.each(func(name string, _ bool) string { return fmt.Sprintf("%s VARCHAR", name) })
	return "SELECT " + b.each(func(name string, isTime bool) string {
		switch {
		case name == schema.IngestionTime:
			return fmt.Sprintf("ticks(_TimeReceivedBySvc) AS %s", name)
		case isTime:
			return fmt.Sprintf("ticks(properties.%s) AS %[1]s", name)
		}
		return fmt.Sprintf("coalesce(properties.%s, '') AS %[1]s", name)
	}) + fmt.Sprintf(" FROM read_json('%s', format='newline_delimited', columns={_TimeReceivedBySvc: 'VARCHAR', properties: 'STRUCT(%s)'})", path, fields)
}

// judge compares a query's rows with the truth, times to so many ticks.
func (b burst) judge(t *testing.T, what, query string, ticks int) {
	t.Helper()
	b.db.Exec(t, "CREATE OR REPLACE TABLE got AS "+query)
	b.db.Exec(t, "CREATE OR REPLACE VIEW want AS SELECT "+b.each(func(name string, isTime bool) string {
		if isTime {
			return fmt.Sprintf("%s // %d * %[2]d AS %[1]s", name, ticks)
		}
		return name
	})+" FROM truth")
	for _, measure := range []string{"count(*)", "count(DISTINCT (Timestamp, ReportId))"} {
		if want, got := b.db.Value(t, "SELECT "+measure+" FROM want"), b.db.Value(t, "SELECT "+measure+" FROM got"); want != got {
			t.Errorf("%s: %s is %s, want %s", what, measure, got, want)
		}
	}
	for difference, query := range map[string]string{"missing": "FROM want EXCEPT ALL FROM got", "too many": "FROM got EXCEPT ALL FROM want"} {
		if n := b.db.Value(t, "SELECT count(*) FROM ("+query+")"); n != "0" {
			t.Errorf("%s: %s rows are %s", what, n, difference)
		}
	}
}
