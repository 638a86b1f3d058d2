package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/demo"
	"hunting-exporter/hunting"
	"hunting-exporter/report"
	"hunting-exporter/tenant"
)

// backfillHere runs `backfill` in this process.
func backfillHere(t *testing.T, e *demo.Server, env map[string]string, flags stretchFlags) (report.Run, string) {
	t.Helper()
	var log strings.Builder
	cfg, problems := judged(t, nil, env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b, err := flags.backfill(time.Now(), cfg.Export.Lag)
	if err != nil {
		t.Fatal(err)
	}
	rep := export(t.Context(), t.Context(), cfg, surroundings{log: report.NewLogger(&log, false, cfg.Log), http: e.Client(), backfill: b})
	return rep, log.String()
}

// A backfill exports what of its stretch was never exported, and no row twice.
func TestBackfillCoversOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"oldest", "newest"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			e, env := served(t, tenant.Options{CallsPerMinute: -1})
			began := time.Now()
			for _, back := range []time.Duration{time.Minute, 20 * time.Hour, 70 * time.Hour, 100 * time.Hour} {
				fill(t, e.Tenant, "AlertInfo", began.Add(-back), 10)
			}
			env = with(env, "EXPORT_TABLES", "AlertInfo,DeviceTvmSoftwareInventory", "EXPORT_START", "1h")
			fill(t, e.Tenant, "DeviceTvmSoftwareInventory", began, 5)
			if rep := exportHere(t, e, env); rep.Rows != 15 || rep.Code != codeDone {
				t.Fatalf("run: %+v", rep)
			}
			for i, want := range []int64{20, 0} {
				rep, log := backfillHere(t, e, env, stretchFlags{from: "80h", order: order})
				if rep.Rows != want || rep.Code != codeDone {
					t.Fatalf("backfill %d: %+v", i+1, rep)
				}
				if note := datasetOf(t, rep, "DeviceTvmSoftwareInventory").Note; !strings.Contains(note, "left out") {
					t.Errorf("the snapshot's note is %q", note)
				}
				if i == 0 && !strings.Contains(log, `"msg":"rows to backfill, as counted"`) {
					t.Errorf("the rows were not counted before:\n%s", log)
				}
			}
			rep := exportHere(t, e, env)
			if rep.Rows != 0 {
				t.Errorf("the next run exported %d rows again", rep.Rows)
			}
			whole(t, e, env, datasetOf(t, rep, "AlertInfo"), began.Add(-80*time.Hour))
		})
	}
}

// Of a table without state, the run goes on where the backfill ends.
func TestBackfillBeforeTheFirstRun(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	began := time.Now()
	fill(t, e.Tenant, "AlertInfo", began.Add(-50*time.Hour), 10)
	fill(t, e.Tenant, "AlertInfo", began.Add(-20*time.Hour), 4)
	if rep, _ := backfillHere(t, e, env, stretchFlags{from: "60h", to: "30h", order: "oldest"}); rep.Rows != 10 {
		t.Fatalf("backfill: %+v", rep)
	}
	rep := exportHere(t, e, env)
	if rep.Rows != 4 {
		t.Errorf("run: %+v", rep)
	}
	whole(t, e, env, rep.Datasets[0], began.Add(-60*time.Hour))
}

// Rows without ingestion time are found by a backfill as they are by a run.
func TestBackfillWithoutIngestionTime(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	fill(t, e.Tenant, "AlertInfo", time.Now().Add(-50*time.Hour), 10)
	if err := e.Tenant.WithoutIngestionTime("AlertInfo"); err != nil {
		t.Fatal(err)
	}
	if rep, _ := backfillHere(t, e, env, stretchFlags{from: "60h", order: "oldest"}); rep.Rows != 10 || rep.Code != codeDone {
		t.Errorf("backfill: %+v", rep)
	}
}

// A dataset that another run has ends a backfill as it ends a run: the same command goes on
// once that run has ended.
func TestBackfillWhileARunHasTheDataset(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	fill(t, e.Tenant, "AlertInfo", time.Now(), 10)
	if rep := exportHere(t, e, env); rep.Rows != 10 {
		t.Fatalf("%+v", rep)
	}
	claim := claimed(t, env, time.Minute)
	defer claim.Release(t.Context())
	run := exportHere(t, e, env)
	backfill, _ := backfillHere(t, e, env, stretchFlags{from: "2h", order: "oldest"})
	for name, rep := range map[string]report.Run{"run": run, "backfill": backfill} {
		if d := rep.Datasets[0]; rep.Code != codeDone || d.Error != "" || !strings.Contains(d.Note, "already running: other") {
			t.Errorf("%s: %+v", name, rep)
		}
	}
}

func TestBackfillCommandLine(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"--from \"\" is neither":                                {},
		"--from \"721h\" is longer ago than the API keeps rows": {"--from", "721h"},
		"--from \"2026-01-01T00:00:00Z\" is longer ago":         {"--from", "2026-01-01T00:00:00Z"},
		"--to \"yesterday\" is neither":                         {"--from", "9h", "--to", "yesterday"},
		"nothing lies between":                                  {"--from", "2h", "--to", "3h"},
		"--order \"random\": oldest or newest":                  {"--from", "9h", "--order", "random"},
		"names nothing":                                         {"--from", "9h", "--export-tables", ","},
	} {
		code, out, errs := exporter(t, usable("LAKE_URL", filepath.Join(t.TempDir(), "lake"), "LOG_FORMAT", "text"), append([]string{"backfill"}, args...)...)
		if code != codeConfiguration || !strings.Contains(errs, says) {
			t.Errorf("%v: exit code %d, want 2 and %q\n%s%s", args, code, says, out, errs)
		}
	}
	b, err := stretchFlags{from: "720h", to: "2026-11-24T11:59:00Z", order: "newest"}.backfill(noon, 5*time.Minute)
	if err != nil || !b.Newest || b.Window != (hunting.Window{Start: noon.Add(-30 * 24 * time.Hour), End: noon.Add(-5 * time.Minute)}) {
		t.Errorf("%+v, %v", b, err)
	}
}
