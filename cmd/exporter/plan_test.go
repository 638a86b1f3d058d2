package main

import (
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/demo"
	"hunting-exporter/hunting"
	"hunting-exporter/report"
	"hunting-exporter/tenant"
)

// planHere runs `run --dry-run`, or that of a backfill, in this process.
func planHere(t *testing.T, e *demo.Server, env map[string]string, stretch *stretchFlags) report.Plan {
	t.Helper()
	cfg, problems := judged(t, nil, env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := surroundings{log: report.NewLogger(&strings.Builder{}, false, cfg.Log), http: e.Client()}
	if stretch != nil {
		var err error
		if s.backfill, err = stretch.backfill(time.Now(), cfg.Export.Lag); err != nil {
			t.Fatal(err)
		}
	}
	return makePlan(t.Context(), cfg, s)
}

// contents are the files of a folder and what they hold.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	files := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A dry run says what a run would do, and does nothing of it: the run that follows
// exports as many rows, and until then not even a folder has been made.
func TestDryRunPlansAndWritesNothing(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1, MaxRows: 100})
	lake := filepath.Join(t.TempDir(), "lake")
	env = with(env, "LAKE_URL", lake, "SOURCE_MAX_ROWS", "100",
		"EXPORT_TABLES", "AlertInfo,DeviceLogonEvents,DeviceTvmSoftwareInventory")
	fill(t, e.Tenant, "AlertInfo", time.Now().Add(-time.Second), 5)
	fill(t, e.Tenant, "DeviceLogonEvents", time.Now().Add(-time.Second), 450)
	fill(t, e.Tenant, "DeviceTvmSoftwareInventory", time.Now().Add(-time.Second), 30)
	p := planHere(t, e, env, nil)
	if _, err := os.Stat(lake); err == nil {
		t.Error("the dry run wrote something")
	}
	rows, calls := map[string]int64{}, map[string]int64{}
	for _, d := range p.Datasets {
		if d.Rows == nil || d.From == nil || d.Error != "" {
			t.Fatalf("%+v", d)
		}
		rows[d.Dataset], calls[d.Dataset] = *d.Rows, d.Calls
	}
	if diff := cmp.Diff(map[string]int64{"AlertInfo": 5, "DeviceLogonEvents": 450, "DeviceTvmSoftwareInventory": 30}, rows); diff != "" {
		t.Error(diff)
	}
	if calls["AlertInfo"] != 1 || calls["DeviceLogonEvents"] < 5 || calls["DeviceLogonEvents"] > 8 || calls["DeviceTvmSoftwareInventory"] != 1 {
		t.Errorf("calls %v", calls)
	}
	if p.Rows != 485 || p.Code != codeDone || p.Minutes != float64(p.Calls+p.Counts)/1000 {
		t.Errorf("%+v", p)
	}
	rep := exportHere(t, e, env)
	if rep.Rows != p.Rows || rep.Calls > p.Calls+p.Counts+2 {
		t.Errorf("planned %d rows in %d and %d calls, the run had %d in %d", p.Rows, p.Calls, p.Counts, rep.Rows, rep.Calls)
	}
	before := contents(t, lake)
	p = planHere(t, e, env, nil)
	if p.Rows != 0 || p.Calls != 0 || !strings.Contains(p.Datasets[2].Note, "EXPORT_SNAPSHOT_INTERVAL") {
		t.Errorf("with nothing to do: %+v", p)
	}
	if diff := cmp.Diff(before, contents(t, lake)); diff != "" {
		t.Errorf("the dry run changed the lake:\n%s", diff)
	}
}

// What the state knows counts: where reading goes on, gaps that are tried again, and
// what of a backfill is there already.
func TestDryRunGoesByTheState(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	began := time.Now()
	fill(t, e.Tenant, "AlertInfo", began.Add(-time.Minute), 20)
	for at := range ingested(e.Tenant, "AlertInfo") {
		e.Tenant.FailRange("AlertInfo", at, at.Add(hunting.Tick), tenant.Call.LimitsExceeded)
		break
	}
	rep := exportHere(t, e, env)
	gaps := datasetOf(t, rep, "AlertInfo").Gaps
	if p := planHere(t, e, env, nil); gaps == 0 || p.Datasets[0].Gaps != gaps || p.Calls < 1 || *p.Datasets[0].Rows != 0 {
		t.Errorf("%d gaps: %+v", gaps, p)
	}
	fill(t, e.Tenant, "AlertInfo", began.Add(-60*time.Hour), 8)
	for _, order := range []string{"oldest", "newest"} {
		p := planHere(t, e, env, &stretchFlags{from: "80h", order: order})
		if p.Rows != 8 || p.Datasets[0].Gaps != 0 || p.Calls != 1 {
			t.Errorf("backfill, %s first: %+v", order, p)
		}
		if d := p.Datasets[0]; d.To == nil || began.Sub(*d.To) < 50*time.Minute {
			t.Errorf("backfill, %s first, goes from %v to %v", order, d.From, d.To)
		}
	}
}

// A backfill of a table without state begins with its own stretch, not at EXPORT_START.
func TestDryRunOfABackfillBeforeTheFirstRun(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env = with(env, "EXPORT_TABLES", "AlertInfo,DeviceTvmSoftwareInventory", "EXPORT_START", "50h")
	fill(t, e.Tenant, "AlertInfo", time.Now().Add(-20*time.Hour), 6)
	p := planHere(t, e, env, &stretchFlags{from: "30h", order: "oldest"})
	if p.Rows != 6 || p.Calls == 0 || len(p.Datasets) != 2 || !strings.Contains(p.Datasets[1].Note, "left out") {
		t.Errorf("%+v", p)
	}
}

func TestDryRunFails(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.Tenant, "AlertInfo", time.Now(), 5)
	file := with(env, "LAKE_URL", t.TempDir())
	metaIsFile(t, file)
	for name, c := range map[string]struct {
		env  map[string]string
		code int
		says string
	}{
		"wrong secret":   {with(env, "AZURE_CLIENT_SECRET", "planted-wrong"), 4, "source: "},
		"one table less": {with(env, "EXPORT_TABLES", "AlertInfo,NoSuchTable"), 3, "NoSuchTable"},
		"_meta is file":  {file, 2, "it is a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runChild(t, c.env, "run", "--dry-run")
			var p report.Plan
			if err := json.Unmarshal([]byte(out), &p); err != nil || !strings.Contains(out, `"minutes"`) || code != c.code || p.Code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d, want %d and %q: %v\n%s%s", code, c.code, c.says, err, out, errs)
			}
		})
	}
}

// Where rows have no ingestion time, a plan goes by the clock that the run goes by.
func TestDryRunWithoutIngestionTime(t *testing.T) {
	t.Parallel()
	for reconcile, rows := range map[string]int64{"24h": 12, "0": 0} {
		e, env := served(t, tenant.Options{CallsPerMinute: -1})
		env = with(env, "EXPORT_TABLES", "AlertInfo", "EXPORT_RECONCILE", reconcile)
		fill(t, e.Tenant, "AlertInfo", time.Now().Add(-time.Second), 12)
		if err := e.Tenant.WithoutIngestionTime("AlertInfo"); err != nil {
			t.Fatal(err)
		}
		p := planHere(t, e, env, nil)
		if rep := exportHere(t, e, env); p.Rows != rows || rep.Rows != rows {
			t.Errorf("EXPORT_RECONCILE=%s: %d rows planned, %d exported, want %d", reconcile, p.Rows, rep.Rows, rows)
		}
	}
}

// A backfill from the newest day on is cut at midnight.
func TestDays(t *testing.T) {
	t.Parallel()
	midnight := noon.Add(12 * time.Hour)
	got := days([]hunting.Window{{Start: noon, End: midnight.Add(time.Hour)}, {Start: midnight.Add(24 * time.Hour), End: midnight.Add(48 * time.Hour)}})
	want := []hunting.Window{{Start: noon, End: midnight}, {Start: midnight, End: midnight.Add(time.Hour)}, {Start: midnight.Add(24 * time.Hour), End: midnight.Add(48 * time.Hour)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMinutesOfTheQuota(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		api, perHour string
		want         float64
	}{{"graph", "0", 10}, {"graph", "900", 30}, {"mde", "0", 18}, {"mde", "900", 30}} {
		cfg, problems := judged(t, nil, usable("SOURCE_API", c.api, "SOURCE_CALLS_PER_HOUR", c.perHour))
		if got := cfg.Minutes(450); got != c.want || len(problems) > 0 {
			t.Errorf("%s, %s an hour: %v minutes, want %v; %v", c.api, c.perHour, got, c.want, problems)
		}
	}
}
