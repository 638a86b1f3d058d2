package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/pipeline"
)

func TestDatasets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"1.kql": "// name: Logons\n// identity: DeviceId\nDeviceLogonEvents | where Timestamp >= _startTime and Timestamp < _endTime",
		"2.kql": "// name: PerHour\n// mode: aggregate\n// time: Hour\nDeviceLogonEvents | where Timestamp >= _startTime and Timestamp < _endTime | summarize n = count() by Hour = bin(Timestamp, 1h)",
		"3.kql": "// name: Devices\n// mode: snapshot\n// identity: DeviceId\nDeviceTvmSoftwareInventory | distinct DeviceId",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := usable("EXPORT_TABLES", "AlertInfo,DeviceTvmSoftwareInventory,BrandNewTable", "EXPORT_QUERIES", dir)
	cfg, problems := judged(t, nil, env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, _ := cfg.datasets()
	for i := range got {
		got[i].Query, got[i].Fingerprint = "", ""
	}
	want := []pipeline.Dataset{
		{Name: "AlertInfo", Clock: pipeline.ClockIngestion, TimeColumn: "Timestamp", Key: "AlertId"},
		{
			Name: "DeviceTvmSoftwareInventory", Mode: pipeline.ModeSnapshot, Clock: pipeline.ClockIngestion, TimeColumn: "_SnapshotTime", Key: "DeviceId",
			Slicing: []string{"DeviceId", "SoftwareVendor", "SoftwareName"},
		},
		{Name: "BrandNewTable", Clock: pipeline.ClockIngestion, TimeColumn: "Timestamp"},
		{Name: "Logons", Clock: pipeline.ClockEvent, TimeColumn: "Timestamp", Identity: []string{"DeviceId"}, Needs: []string{"DeviceId", "Timestamp"}},
		{Name: "PerHour", Mode: pipeline.ModeAggregate, Clock: pipeline.ClockEvent, TimeColumn: "Hour", Needs: []string{"Hour"}},
		{Name: "Devices", Mode: pipeline.ModeSnapshot, Clock: pipeline.ClockEvent, TimeColumn: "_SnapshotTime", Identity: []string{"DeviceId"}, Needs: []string{"DeviceId"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	env["EXPORT_CURSOR"] = "event"
	cfg, _ = judged(t, nil, env)
	got, _ = cfg.datasets()
	for _, ds := range got {
		if !ds.FixedClock || ds.Clock != pipeline.ClockEvent {
			t.Errorf("EXPORT_CURSOR=event: %+v", ds)
		}
	}
}

func TestSnapshotOfAQueryNeedsIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "q.kql"), []byte("// name: Devices\n// mode: snapshot\nDeviceTvmSoftwareInventory | distinct DeviceId"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems := judged(t, nil, usable("EXPORT_QUERIES", dir))
	if len(problems) != 1 || !strings.Contains(problems[0].Reason, "identity: DeviceId") {
		t.Errorf("problems %v", problems)
	}
}

// TestNamesOfDatasets: one that the lake cannot hold is refused, the longest is exported.
func TestNamesOfDatasets(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("A", longestName)
	for name, says := range map[string]string{
		longest: `"rows":100`, longest + "A": "80 at most", "_meta": "begins with _", "_META": "begins with _",
	} {
		m := newMatrix(t)
		if err := os.WriteFile(filepath.Join(m.queries, "a.kql"), []byte("// name: "+name+"\n"+alertQuery), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := runChild(t, with(m.env, "EXPORT_TABLES", "", "EXPORT_QUERIES", m.queries, "LAKE_TENANT", "true"), "run")
		if (code == 0) != (name == longest) || !strings.Contains(out+errs, says) {
			t.Errorf("%s: exit code %d, want %q\n%s%s", name, code, says, out, errs)
		}
		if _, problems := judged(t, nil, usable("EXPORT_TABLES", name)); (len(problems) == 0) != (name == longest) {
			t.Errorf("a table %s: %v", name, problems)
		}
	}
}

// TestLeftOutOfABackfill: what cannot be read again as it was is left out, with the reason.
func TestLeftOutOfABackfill(t *testing.T) {
	t.Parallel()
	for mode, says := range map[pipeline.Mode]string{
		pipeline.ModeAppend:     "",
		pipeline.ModeAggregate:  "sums up or joins within its windows",
		pipeline.ModeJoinWindow: "sums up or joins within its windows",
		pipeline.ModeSnapshot:   "has no past to export",
	} {
		if why := reason(pipeline.Dataset{Name: "Q", Mode: mode}); !strings.Contains(why, says) || (why == "") != (says == "") {
			t.Errorf("%s: %q, want %q", mode, why, says)
		}
	}
}
