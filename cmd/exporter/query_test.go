package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/pipeline"
)

const goodQuery = `// Logons worth a look.
// name: RareLogons
// time: Timestamp
// key: DeviceId
// identity: DeviceId, ReportId

DeviceLogonEvents
| where Timestamp >= _startTime and Timestamp < _endTime
`

func TestQueryFile(t *testing.T) {
	t.Parallel()
	got, errs := parseQuery(goodQuery)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := customQuery{Name: "RareLogons", Time: "Timestamp", Key: "DeviceId", Identity: []string{"DeviceId", "ReportId"}, KQL: strings.TrimSpace(goodQuery)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBadQueryFiles(t *testing.T) {
	t.Parallel()
	for text, reasons := range map[string][]string{
		"// nmae: X\n" + goodQuery:                                {`no header key "nmae"`},
		"// name: A\n// name: B\nT | where _startTime < _endTime": {"name is given twice"},
		"T | where t >= _startTime and t < _endTime":              {"has no name"},
		"// name: 1-2\nT | where _startTime < _endTime":           {`name "1-2"`},
		"// name: A\n// key: a b\nT | where _startTime<_endTime":  {`column "a b"`},
		"// name: A\n// mode: snapshot\nT _startTime _endTime":    {`mode "snapshot"`},
		"// name: A\nT | where t > _startTime // _endTime":        nil, // a comment after code is not looked at
		"// name: A\nT\n// _startTime _endTime":                   {"does not use _startTime", "does not use _endTime"},
		"// name: A\nT | where x_startTime > my_endTimeX":         {"does not use _startTime", "does not use _endTime"},
		"// colour: red": {"no header key", "has no name", "holds no query"},
	} {
		_, errs := parseQuery(text)
		if len(errs) != len(reasons) {
			t.Errorf("%q: %v", text, errs)
			continue
		}
		for i, reason := range reasons {
			if !strings.Contains(errs[i].Error(), reason) {
				t.Errorf("%q: want %q in %q", text, reason, errs[i])
			}
		}
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
	all, _ := cfg.datasets()
	clocks := map[string]pipeline.Clock{}
	for _, ds := range all {
		clocks[ds.Name+" "+ds.TimeColumn+" "+ds.Key] = ds.Clock
	}
	want := map[string]pipeline.Clock{
		"AlertInfo Timestamp AlertId": pipeline.ClockIngestion, "BrandNewTable Timestamp ": pipeline.ClockIngestion,
		"DeviceTvmSecureConfigurationAssessment Timestamp DeviceId": pipeline.ClockIngestion, "RareLogons Timestamp DeviceId": pipeline.ClockEvent,
	}
	if diff := cmp.Diff(want, clocks); diff != "" {
		t.Error(diff)
	}
	write("b.kql", strings.Replace(goodQuery, "RareLogons", "rarelogons", 1))
	write("c.kql", strings.Replace(goodQuery, "RareLogons", "AlertInfo", 1))
	write("d.kql", "// nothing")
	if _, problems = judged(t, nil, usable("EXPORT_QUERIES", dir)); len(problems) != 4 {
		t.Errorf("want a case-only twin, a table's name, and two problems of d.kql: %v", problems)
	}
}
