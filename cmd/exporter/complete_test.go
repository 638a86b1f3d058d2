package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"hunting-exporter/demo"
	"hunting-exporter/hunting"
	"hunting-exporter/report"
	"hunting-exporter/tenant"
)

// datasetOf is a dataset's line of a report.
func datasetOf(t *testing.T, rep report.Run, name string) report.Dataset {
	t.Helper()
	for _, d := range rep.Datasets {
		if d.Dataset == name {
			return d
		}
	}
	t.Fatalf("no dataset %s in %+v", name, rep)
	return report.Dataset{}
}

// whole fails unless the lake holds all rows of a table that came in since from, once
// each.
func whole(t *testing.T, e *demo.Server, env map[string]string, d report.Dataset, from time.Time) {
	t.Helper()
	if v, err := verify(t, env["LAKE_URL"], e.Tenant, d.Dataset, from, *d.Watermark); err != nil || !v.Complete() {
		t.Errorf("lake and tenant: %+v, %v", v, err)
	}
}

// What the API does not deliver is a gap: everything else is exported, the run ends
// with 3, the next one tries again, and once it succeeds nothing is left of it.
func TestGapIsReportedTriedAgainAndCured(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	began := time.Now()
	fill(t, e.Tenant, "AlertInfo", began.Add(-time.Minute), 40)
	times := slices.SortedFunc(maps.Keys(ingested(e.Tenant, "AlertInfo")), time.Time.Compare)
	e.Tenant.FailRange("AlertInfo", times[20], times[20].Add(hunting.Tick), tenant.Call.LimitsExceeded)

	for run := 1; run <= 2; run++ {
		rep := exportHere(t, e, env)
		d := datasetOf(t, rep, "AlertInfo")
		if rep.Code != codePartial || d.Gaps == 0 || d.Gaps != len(d.Stretches) || d.Stretches[0].Tries != run || d.Error == "" {
			t.Fatalf("run %d: %+v, gaps %+v", run, rep, d.Stretches)
		}
		if want := map[int]int64{1: 39}[run]; d.Rows != want {
			t.Errorf("run %d exported %d rows, want %d", run, d.Rows, want)
		}
	}
	code, out, _ := exporter(t, env, "state", "show", "AlertInfo")
	if code != 0 || !strings.Contains(out, "2 tries since") || !strings.Contains(out, "clock") || !strings.Contains(out, "read") {
		t.Errorf("state show: exit code %d\n%s", code, out)
	}
	e.Tenant.Restore("AlertInfo")
	rep := exportHere(t, e, env)
	d := datasetOf(t, rep, "AlertInfo")
	if rep.Code != codeDone || d.Gaps != 0 || d.Rows != 1 {
		t.Fatalf("once cured: %+v", rep)
	}
	whole(t, e, env, d, began.Add(-time.Hour))
	if code, out, _ = exporter(t, env, "state", "show", "AlertInfo"); code != 0 || strings.Contains(out, "gap  ") {
		t.Errorf("state show once cured: exit code %d\n%s", code, out)
	}
}

// ingested are the ingestion times of a table's rows.
func ingested(tn *tenant.Tenant, table string) map[time.Time]bool {
	times := map[time.Time]bool{}
	for row := range tn.Rows(table).Rows {
		times[row.Ingested] = true
	}
	return times
}

// Rows that turn up behind the watermark are found by counts and exported once.
func TestLateRowsAreExportedOnce(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env = with(env, "EXPORT_TABLES", "AlertInfo", "EXPORT_START", "4h")
	began := time.Now()
	fill(t, e.Tenant, "AlertInfo", began.Add(-2*time.Hour), 30)
	first := datasetOf(t, exportHere(t, e, env), "AlertInfo")
	if first.Rows != 30 || first.Late != 0 {
		t.Fatalf("first run: %+v", first)
	}
	fill(t, e.Tenant, "AlertInfo", began.Add(-time.Hour), 7)
	second := exportHere(t, e, env)
	d := datasetOf(t, second, "AlertInfo")
	if second.Code != codeDone || d.Rows != 7 || d.Late != 7 {
		t.Errorf("second run: %+v", second)
	}
	if c := d.Check; c == nil || c.Counted != 37 || c.Exported != 37 || c.Differ != 0 {
		t.Errorf("check %+v", c)
	}
	third := exportHere(t, e, env)
	if d = datasetOf(t, third, "AlertInfo"); d.Rows != 0 || d.Late != 0 {
		t.Errorf("third run: %+v", third)
	}
	whole(t, e, env, d, began.Add(-4*time.Hour))

	fill(t, e.Tenant, "AlertInfo", began.Add(-90*time.Minute), 3)
	if rep := exportHere(t, e, with(env, "EXPORT_RECONCILE", "0")); rep.Rows != 0 {
		t.Errorf("with EXPORT_RECONCILE=0: %+v", rep)
	}
}

// A table without a time column is exported whole, once an interval. Runs are not
// punctual, so that it is due a little earlier.
func TestSnapshotOnceAnInterval(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	const table = "DeviceTvmSoftwareInventory"
	env = with(env, "EXPORT_TABLES", table, "EXPORT_SNAPSHOT_INTERVAL", "1h")
	fill(t, e.Tenant, table, time.Now(), 25)
	for run, want := range []int64{25, 0} {
		rep := exportHere(t, e, env)
		if rep.Code != codeDone || rep.Rows != want {
			t.Fatalf("run %d: %+v", run, rep)
		}
	}
	_, out, _ := exporter(t, env, "state", "show", table)
	if !strings.Contains(out, "snapshot  20") {
		t.Errorf("state show:\n%s", out)
	}
	cfg, problems := judged(t, nil, with(usable(), "EXPORT_SNAPSHOT_INTERVAL", "15m"))
	if len(problems) > 0 || cfg.Limits().Snapshot != 14*time.Minute+15*time.Second {
		t.Errorf("an interval of 15m is %s, %v", cfg.Limits().Snapshot, problems)
	}
}

// One slice of a snapshot and the next hold each row once between them.
func TestSnapshotInSlices(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1, MaxRows: 50})
	const table = "DeviceTvmSoftwareVulnerabilities"
	env = with(env, "EXPORT_TABLES", table, "SOURCE_MAX_ROWS", "50")
	past := time.Now().Add(-40 * time.Hour) // by now every row has come in
	if err := e.Tenant.Seed(tenant.Seed{Tables: []string{table}, Rows: 300, From: past, To: past.Add(time.Hour), Seed: 3}); err != nil {
		t.Fatal(err)
	}
	rep := exportHere(t, e, env)
	if rep.Code != codeDone || rep.Rows != 300 || rep.Commits != 1 || rep.Datasets[0].Watermark == nil {
		t.Fatalf("%+v", rep)
	}
	files, err := lakeIn(t, env["LAKE_URL"]).Files(t.Context(), table)
	if err != nil || len(files) != 1 || !strings.Contains(files[0], "dt="+time.Now().UTC().Format("2006-01-02")) {
		t.Errorf("files %v, %v", files, err)
	}
}

// Where rows have no ingestion time, a table that nothing was exported of goes by event
// time, and says so in its state.
func TestWithoutIngestionTime(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	fill(t, e.Tenant, "AlertInfo", time.Now().Add(-time.Minute), 12)
	if err := e.Tenant.WithoutIngestionTime("AlertInfo"); err != nil {
		t.Fatal(err)
	}
	for run, want := range []int64{12, 0} {
		if rep := exportHere(t, e, env); rep.Code != codeDone || rep.Rows != want {
			t.Fatalf("run %d: %+v", run, rep)
		}
	}
	if _, out, _ := exporter(t, env, "state", "show", "AlertInfo"); !strings.Contains(out, "clock     event") {
		t.Errorf("state show:\n%s", out)
	}
	if rep := exportHere(t, e, with(env, "EXPORT_CURSOR", "ingestion")); rep.Code != codeConfiguration {
		t.Errorf("with the other clock: %+v", rep)
	}
}
