package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// refusals are ways in which a tenant does not deliver [start, end) of ingestion times;
// each begins it and returns how to cure it.
var refusals = []struct {
	name   string
	length time.Duration
	begin  func(t *testing.T, from *site, start, end time.Time) (cure func())
}{
	{"a row", tick, poisonRows},
	{"the rows of minutes", 5 * time.Minute, poisonRows},
	{"any query of two minutes", 2 * time.Minute, refuseWindows},
}

// poisonRows refuses each query that would return a row of the stretch.
func poisonRows(_ *testing.T, from *site, start, end time.Time) (cure func()) {
	from.FailRange(table, start, end, tenant.Call.LimitsExceeded)
	return func() { from.Restore(table) }
}

var literals = regexp.MustCompile(`datetime\(([^)]+)\)`)

// refuseWindows refuses each query for the rows of a window that meets the stretch,
// also where it has none.
func refuseWindows(t *testing.T, from *site, start, end time.Time) (cure func()) {
	from.Fault(func(c tenant.Call) tenant.Fault {
		borders := literals.FindAllStringSubmatch(c.Query, -1)
		if counts(c.Query) || len(borders) < 2 {
			return tenant.Fault{}
		}
		first, err := time.Parse(time.RFC3339Nano, borders[0][1])
		second, err2 := time.Parse(time.RFC3339Nano, borders[1][1])
		if err != nil || err2 != nil {
			t.Errorf("query %s: %v, %v", c.Query, err, err2)
		}
		if first.Before(second) && first.Before(end) && start.Before(second) {
			return c.LimitsExceeded()
		}
		return tenant.Fault{}
	})
	return func() { from.Fault(nil) }
}

// TestGapAndCure: a stretch that the tenant does not deliver holds up nothing else, is
// named, and is made up for as soon as it is delivered, each row once.
func TestGapAndCure(t *testing.T) {
	for _, refusal := range refusals {
		t.Run(refusal.name, func(t *testing.T) {
			t.Parallel()
			const rows = 600
			s := combinations[2].on(t, false)
			from := newSite(t, tenant.Options{})
			from.seed(t, rows, table)
			start := middleRow(from)
			cure := refusal.begin(t, from, start, start.Add(refusal.length))
			env := from.env(t, append(s.env, "EXPORT_TABLES="+table)...)

			p := command(t, env, 3, "run")
			gaps := gapsOf(t, s)
			missing := from.rowsIn(gaps)
			if least := from.rowsIn([]gap{{start, start.Add(refusal.length)}}); missing < least || missing > 3*least {
				t.Errorf("%d rows are in the gaps %v, %d are not delivered", missing, gaps, least)
			}
			sum := wantRows(t, p, rows-missing, 0)
			t.Logf("%d rows in %d gaps, %d calls", missing, len(gaps), sum.Calls)
			if d := sum.Datasets[0]; d.Gaps != len(gaps) || !strings.Contains(d.Error, gaps[0].Start.Format(time.RFC3339Nano)) {
				t.Errorf("the report does not name the gaps: %s", p.Stdout.Tail())
			}
			shown := command(t, env, 0, "state", "show", table).Stdout.String()
			for _, g := range gaps {
				if !strings.Contains(shown, g.Start.Format(time.RFC3339Nano)) {
					t.Errorf("state show does not name the gap %v: %s", g, shown)
				}
			}
			s.checkOutside(t, from, gaps)

			p = command(t, env, 3, "run") // narrows further, if there is anything to narrow
			gaps = gapsOf(t, s)
			left := from.rowsIn(gaps)
			again := wantRows(t, p, missing-left, 0)
			t.Logf("%d calls to try again, %d rows are left in %d gaps", again.Calls, left, len(gaps))
			s.checkOutside(t, from, gaps)
			missing = left
			cure()
			wantRows(t, command(t, env, 0, "run"), missing, 0)
			s.check(t, from, table, equal)
			wantRows(t, command(t, env, 0, "run"), 0, 0)
			s.check(t, from, table, equal)
		})
	}
}

// rowsIn is how many rows of the table came in within gaps.
func (s *site) rowsIn(gaps []gap) (n int64) {
	for row := range s.Rows(table).Rows {
		if inGap(gaps, row.Ingested) {
			n++
		}
	}
	return n
}

// middleRow is the ingestion time of some row.
func middleRow(from *site) time.Time {
	n, half := 0, from.Rows(table).Len/2
	for row := range from.Rows(table).Rows {
		if n++; n > half {
			return row.Ingested
		}
	}
	return time.Time{}
}

type gap struct{ Start, End time.Time }

// gapsOf are the gaps that the state names.
func gapsOf(t *testing.T, s sinks) []gap {
	t.Helper()
	var doc struct{ Gaps []gap }
	data, err := os.ReadFile(filepath.Join(s.dir, "_meta", "state", table+".json"))
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err != nil || len(doc.Gaps) == 0 {
		t.Fatalf("the state names no gap: %v %s", err, data)
	}
	return doc.Gaps
}

func inGap(gaps []gap, at time.Time) bool {
	for _, g := range gaps {
		if !at.Before(g.Start) && at.Before(g.End) {
			return true
		}
	}
	return false
}

// checkOutside compares every sink with the truth outside of the gaps.
func (s sinks) checkOutside(t *testing.T, from *site, gaps []gap) {
	t.Helper()
	outside := func(names []string, rows [][]string) (kept [][]string) {
		at := slices.Index(names, schema.IngestionTime)
		for _, row := range rows {
			var ticks int64
			if _, err := fmt.Sscan(row[at], &ticks); err != nil {
				t.Fatal(err)
			}
			if !inGap(gaps, schema.FromTicks(ticks)) {
				kept = append(kept, row)
			}
		}
		return kept
	}
	names, want := from.truth(table, tick)
	equal(t, "Kafka outside of gaps", fold(outside(names, want)), fold(from.kafkaRows(t, table, s.events(t, table))))
	got := from.lakeRows(t, s.dir, table, lakeResolution)
	_, whole := from.truth(table, lakeResolution)
	var kept [][]string
	for i, row := range want {
		if len(outside(names, [][]string{row})) > 0 {
			kept = append(kept, whole[i])
		}
	}
	equal(t, "lake outside of gaps", kept, got)
}
