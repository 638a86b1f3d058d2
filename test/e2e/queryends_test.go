package e2e_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/duck"
	"hunting-exporter/test/process"
)

// until is the setting by which a run reads up to this long after the first row.
func (h held) until(d time.Duration) string {
	return "EXPORT_LAG=" + time.Since(h.begin.Add(d)).String()
}

// TestKilledDuringACustomQuery kills the exporter after each step of a commit of a query
// that joins two tables, once among new rows and once after late ones: nothing of it is
// lost or repeated, in neither sink.
func TestKilledDuringACustomQuery(t *testing.T) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == "TwoSides" })
	e := kinds[i].exact[0]
	for _, step := range []string{"write", "prepare", "intent", "decide", "publish", "finish"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s, from, db := combinations[2].on(t, false), newSite(t, tenant.Options{MaxRows: 60}), duck.Open(t)
			h := newHeld(time.Now().UTC().Truncate(time.Hour).Add(-9 * time.Hour))
			h.put(t, from)
			env := from.env(t, append(s.env, "EXPORT_QUERIES="+queryDir(t, map[string]string{"q": "// name: Pairs\n" + e.text}),
				"EXPORT_START="+h.begin.Format(time.RFC3339), "SOURCE_MAX_ROWS=60", "EXPORT_COMMIT_ROWS=100")...)
			killed := func(until time.Duration, after string) {
				t.Helper()
				p := process.Start(t, process.Command{Path: crashing, Args: []string{"run"}, Env: append(slices.Clone(env), h.until(until), "EXPORTER_CRASH="+after)})
				if exit := p.Wait(t, time.Minute); exit.Signal != syscall.SIGKILL {
					t.Fatalf("ended with %v: %s", exit, p.Stdout.Tail())
				}
				e.check(t, s, db, "Pairs", h, within)
			}
			killed(5*time.Hour, step+":2")
			finish(t, append(slices.Clone(env), h.until(5*time.Hour)))
			late := h.late()
			late.put(t, from)
			h.logons, h.processes = slices.Concat(h.logons, late.logons), slices.Concat(h.processes, late.processes)
			killed(8*time.Hour+30*time.Minute, step)
			finish(t, append(slices.Clone(env), h.until(8*time.Hour+30*time.Minute)))
			e.check(t, s, db, "Pairs", h, equal)
		})
	}
}

// TestQueryLosesItsColumns: the columns that queries name go away between two runs, or
// become text. Each such run ends with 3, names the column and the key of the head, and goes no
// further; when they are back, each row is in the lake once.
func TestQueryLosesItsColumns(t *testing.T) {
	t.Parallel()
	const rows = 200
	from, lake, begin := newSite(t, tenant.Options{}), t.TempDir(), time.Now().UTC().Truncate(time.Hour).Add(-9*time.Hour)
	at, seen := schema.Column{Name: "Timestamp", Type: "DateTime"}, schema.Column{Name: "Seen", Type: "DateTime"}
	id, text := schema.Column{Name: "Id", Type: "Int64"}, schema.Column{Name: "Seen", Type: "String"}
	for i := range rows {
		when := begin.Add(time.Duration(i) * 2 * time.Minute)
		if err := from.Add("Seen_CL", []schema.Column{at, seen, id}, tenant.Row{Ingested: when, Cells: []any{when, when, i}}); err != nil {
			t.Fatal(err)
		}
	}
	queries := queryDir(t, map[string]string{
		"time": "// name: Seen\n// time: Seen\nSeen_CL\n| where Seen >= _startTime and Seen < _endTime",
		"sums": "// name: Sums\n// mode: aggregate\n// time: Seen\nSeen_CL\n" + w + "| summarize arg_max(Timestamp, *) by Id",
		"key":  "// name: Key\n// key: Id\nSeen_CL\n" + w,
		"ids":  "// name: Ids\n// identity: Timestamp, Id\nSeen_CL\n" + w,
	})
	env := from.env(t, "EXPORT_QUERIES="+queries, "LAKE_URL="+lake, "EXPORT_START="+begin.Format(time.RFC3339))
	for i, run := range []struct {
		columns []schema.Column
		says    map[string]string // by dataset; none: it goes on
	}{
		{[]schema.Column{at, seen, id}, nil},
		{[]schema.Column{at, id}, map[string]string{"Seen": "no column Seen: keep it, or name another by // time:", "Sums": "no column Seen: keep it, or name another by // time:"}},
		{[]schema.Column{at, text, id}, map[string]string{"Seen": "the column Seen of the answer is of the type", "Sums": "the column Seen of the answer is of the type"}},
		{[]schema.Column{at, seen}, map[string]string{"Key": "no column Id: keep it, or name another by // key:", "Ids": "no column Id: keep it, or name another by // identity:", "Sums": "'Id'"}},
		{[]schema.Column{at, seen, id}, nil},
	} {
		if err := from.SetColumns("Seen_CL", run.columns); err != nil {
			t.Fatal(err)
		}
		lag := time.Since(begin.Add(time.Duration(i+1) * 80 * time.Minute))
		p := command(t, append(slices.Clone(env), fmt.Sprint("EXPORT_LAG=", lag)), min(3*len(run.says), 3), "run")
		for _, d := range summaryOf(t, p).Datasets {
			if says, lost := run.says[d.Dataset]; !strings.Contains(d.Error, says) || lost && d.Rows > 0 || !lost && (d.Rows == 0 || d.Error != "") {
				t.Errorf("run %d, %s: %d rows, want %q in %q", i, d.Dataset, d.Rows, says, d.Error)
			}
		}
	}
	db := duck.Open(t)
	for _, name := range []string{"Seen", "Sums", "Key", "Ids"} {
		n := db.Value(t, "SELECT count(DISTINCT Timestamp) || ' of ' || count(*) FROM "+duck.Parquet(false, filepath.Join(lake, name, "dt=*", "*.parquet")))
		if n != fmt.Sprint(rows, " of ", rows) {
			t.Errorf("%s: %s rows are in the lake once, want %d", name, n, rows)
		}
	}
}

// TestLookUpThatChanges: what a look-up says of devices changes, then rows come late. Those
// that are read again beside them say something else than before; by the columns that tell
// them apart they are known, and only the late ones come.
func TestLookUpThatChanges(t *testing.T) {
	t.Parallel()
	from, lake, h := newSite(t, tenant.Options{}), t.TempDir(), newHeld(time.Now().UTC().Truncate(time.Hour).Add(-9*time.Hour))
	h.put(t, from)
	text := "// name: Q\n// identity: Timestamp, ReportId\n" + logons + "| lookup (DeviceInfo | summarize arg_max(Timestamp, OSPlatform) by DeviceId | project DeviceId, OSPlatform) on DeviceId\n" +
		"| project Timestamp, DeviceId, ReportId, OSPlatform"
	env := from.env(t, "EXPORT_QUERIES="+queryDir(t, map[string]string{"q": text}), "LAKE_URL="+lake, "EXPORT_START="+h.begin.Format(time.RFC3339))
	command(t, append(slices.Clone(env), h.until(5*time.Hour)), 0, "run")
	var others held
	for i := range 9 {
		others.devices = append(others.devices, device{at: schema.ToTicks(h.begin.Add(8 * time.Hour)), name: fmt.Sprint("d", i), os: "Windows12", id: int64(3000 + i)})
	}
	others.put(t, from)
	late := h.late()
	late.put(t, from)
	h.logons = append(h.logons, late.logons...)
	p := command(t, append(slices.Clone(env), h.until(8*time.Hour+30*time.Minute)), 0, "run")
	wantRows(t, p, summaryOf(t, p).Rows, int64(len(late.logons)))
	columns := []schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "DeviceId", Type: "String"}, {Name: "ReportId", Type: "Int64"}}
	equal(t, "lake", answered(columns, logonsWhere(all)(h), lakeResolution), lakeColumns(t, duck.Open(t), lake, "Q", columns, lakeResolution))
}
