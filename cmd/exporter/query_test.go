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
	want := customQuery{Name: "RareLogons", Time: "Timestamp", TimeNamed: true, Key: "DeviceId", Identity: []string{"DeviceId", "ReportId"}, KQL: strings.TrimSpace(goodQuery)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestModeOfAQueryFile(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]customQuery{
		"mode: append":                 {Mode: pipeline.ModeAppend, Time: "Timestamp"},
		"mode: aggregate":              {Mode: pipeline.ModeAggregate, Time: "Timestamp"},
		"mode: snapshot":               {Mode: pipeline.ModeSnapshot, Time: "_SnapshotTime"},
		"mode: snapshot\n// time: Old": {Mode: pipeline.ModeSnapshot, Time: "Old", TimeNamed: true},
		"mode: aggregate\n// time:":    {Mode: pipeline.ModeAggregate, TimeNamed: true},
	} {
		got, _ := parseQuery("// name: A\n// " + header + "\nT")
		want.Name, want.KQL = "A", got.KQL
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", header, diff)
		}
	}
}

func TestBadQueryFiles(t *testing.T) {
	t.Parallel()
	for text, reasons := range map[string][]string{
		"// nmae: X\n" + goodQuery: {`no header key "nmae"`},
		"// name: A\n// name: B\nT | where Timestamp >= _startTime and Timestamp < _endTime":                                                     {"name is given twice"},
		"T | where Timestamp >= _startTime and Timestamp < _endTime":                                                                             {"has no name"},
		"// name: 1-2\nT | where Timestamp >= _startTime and Timestamp < _endTime":                                                               {`name "1-2"`},
		"// name: A\n// key: a b\nT | where Timestamp >= _startTime and Timestamp < _endTime":                                                    {`column "a b"`},
		"// name: A\n// mode: often\nT | take 5":                                                                                                 {`mode "often": append (`},
		"// name: A\n// identity: B, C D\nT | where Timestamp >= _startTime and Timestamp < _endTime":                                            {`identity column "C D": only letters, digits and _, not beginning with a digit; identity lists`},
		"// name: A\nT | where t >= _startTime // _endTime":                                                                                      {"does not use _endTime"},
		"\ufeff\n\n// name: A\nT | where Timestamp >= _startTime and Timestamp < _endTime | take 5":                                              {"line 4: take keeps"},
		"// name: A\nT | where Timestamp >= _startTime and Timestamp < _endTime | count":                                                         {`line 2: count sums up the rows of one window, so that its answer depends on how time is cut: group by Timestamp itself, remove it, or put "// mode: aggregate"`},
		"// name: A\n// mode: aggregate\nT | where Timestamp >= _startTime and Timestamp < _endTime | count":                                     nil,
		"// name: A\n// mode: snapshot\nT | where t > ago(1d) | count":                                                                           nil,
		"// name: A\n// mode: append\nT | where t > ago(1d)":                                                                                     {"does not use _startTime", "does not use _endTime", "line 3: ago() makes"},
		"// name: A\n// mode: snapshot\nT | where t >= _startTime":                                                                               {"line 3: a snapshot is exported whole"},
		"// name: A\nT\n// _startTime _endTime":                                                                                                  {"does not use _startTime", "does not use _endTime"},
		"// name: A\nT | where x_startTime > my_endTimeX":                                                                                        {"does not use _startTime", "does not use _endTime"},
		"// name: A\n// time: TimeStamp\nAlertInfo | where Timestamp >= _startTime and Timestamp < _endTime":                                     {"the answer has no column TimeStamp"},
		"// name: A\n// time: Title\nAlertInfo | where Timestamp >= _startTime and Timestamp < _endTime":                                         {"line 3: the borders cut by another value than the answer's column Title"},
		"// name: A\nAlertInfo | where Timestamp >= _startTime and Timestamp < _endTime | project Title":                                         {"the answer has no column Timestamp"},
		"// name: A\n// mode: aggregate\n// time: Hour\nT | where Timestamp >= _startTime and Timestamp < _endTime | summarize count() by Title": {"the answer has no column Hour"},
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
