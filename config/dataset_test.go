package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
)

const goodQuery = `// Logons worth a look.
// name: RareLogons
// time: Timestamp
// key: DeviceId
// identity: DeviceId, ReportId

DeviceLogonEvents
| where Timestamp >= _startTime and Timestamp < _endTime
`

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
	got, _ := cfg.Datasets()
	for i := range got {
		got[i].Query, got[i].Fingerprint = "", ""
	}
	want := []hunting.Dataset{
		{Name: "AlertInfo", Clock: hunting.ClockIngestion, TimeColumn: "Timestamp", Key: "AlertId"},
		{
			Name: "DeviceTvmSoftwareInventory", Mode: hunting.ModeSnapshot, Clock: hunting.ClockIngestion, TimeColumn: "_SnapshotTime", Key: "DeviceId",
			Slicing: []string{"DeviceId", "SoftwareVendor", "SoftwareName"},
		},
		{Name: "BrandNewTable", Clock: hunting.ClockIngestion, TimeColumn: "Timestamp"},
		{Name: "Logons", Clock: hunting.ClockEvent, TimeColumn: "Timestamp", Identity: []string{"DeviceId"}, Needs: []string{"DeviceId", "Timestamp"}},
		{Name: "PerHour", Mode: hunting.ModeAggregate, Clock: hunting.ClockEvent, TimeColumn: "Hour", Needs: []string{"Hour"}},
		{Name: "Devices", Mode: hunting.ModeSnapshot, Clock: hunting.ClockEvent, TimeColumn: "_SnapshotTime", Identity: []string{"DeviceId"}, Needs: []string{"DeviceId"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	env["EXPORT_CURSOR"] = "event"
	cfg, _ = judged(t, nil, env)
	got, _ = cfg.Datasets()
	for _, ds := range got {
		if !ds.FixedClock || ds.Clock != hunting.ClockEvent {
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

func TestQueriesBecomeDatasets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.kql", goodQuery)
	cfg, problems := judged(t, nil, usable("EXPORT_QUERIES", dir, "EXPORT_TABLES", "AlertInfo,BrandNewTable,DeviceTvmSecureConfigurationAssessment"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	all, _ := cfg.Datasets()
	clocks := map[string]hunting.Clock{}
	for _, ds := range all {
		clocks[ds.Name+" "+ds.TimeColumn+" "+ds.Key] = ds.Clock
	}
	want := map[string]hunting.Clock{
		"AlertInfo Timestamp AlertId": hunting.ClockIngestion, "BrandNewTable Timestamp ": hunting.ClockIngestion,
		"DeviceTvmSecureConfigurationAssessment Timestamp DeviceId": hunting.ClockIngestion, "RareLogons Timestamp DeviceId": hunting.ClockEvent,
	}
	if diff := cmp.Diff(want, clocks); diff != "" {
		t.Error(diff)
	}
	write("b.kql", strings.Replace(goodQuery, "RareLogons", "rarelogons", 1))
	write("c.kql", strings.Replace(goodQuery, "RareLogons", "AlertInfo", 1))
	write("d.kql", "// nothing")
	write("e.kql", strings.Replace(goodQuery, "RareLogons", "_meta", 1))
	if _, problems = judged(t, nil, usable("EXPORT_QUERIES", dir)); len(problems) != 5 {
		t.Errorf("want a case-only twin, a table's name, two problems of d.kql and one of e.kql: %v", problems)
	}
}
