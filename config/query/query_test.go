package query

import (
	"fmt"
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

// parseQuery judges the text of a file and gives what speaks against it.
func parseQuery(text string) (q Custom, refused []Remark) {
	j := judgeText("failed-logons.kql", []byte(text))
	return j.Custom, j.Refused
}

func TestQueryFile(t *testing.T) {
	t.Parallel()
	got, refused := parseQuery(goodQuery)
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	want := Custom{Name: "RareLogons", Time: "Timestamp", TimeNamed: true, Key: "DeviceId", Identity: []string{"DeviceId", "ReportId"}, KQL: strings.TrimSpace(goodQuery)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHeadOfAQueryFile(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]Custom{
		"mode: append":                 {Mode: hunting.ModeAppend, Time: "Timestamp"},
		"MODE: Aggregate":              {Mode: hunting.ModeAggregate, Time: "Timestamp"},
		"Mode : SNAPSHOT":              {Mode: hunting.ModeSnapshot, Time: "_SnapshotTime"},
		"mode: snapshot\n// time: Old": {Mode: hunting.ModeSnapshot, Time: "Old", TimeNamed: true},
		"mode: aggregate\n// time:":    {Mode: hunting.ModeAggregate, TimeNamed: true},
		"Join: Window":                 {Time: "Timestamp", JoinWindow: true},
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
	const cut = "\nT | where Timestamp >= _startTime and Timestamp < _endTime"
	for text, reasons := range map[string][]string{
		"// nmae: X\n" + goodQuery:                                  {`line 1: "nmae" is no key of the head: did you mean name?`},
		"// name: A\n// name: B" + cut:                              {"line 2: name is given twice"},
		cut:                                                         {`has no name: put "// name: FailedLogons"`},
		"// name: 1-2" + cut:                                        {`line 1: name "1-2"`},
		"// name: Failed logons (4625)" + cut:                       {`such as FailedLogons4625`},
		"// name: _Logons" + cut:                                    {`line 1: name "_Logons" begins with _`},
		"// name: " + strings.Repeat("A", 81) + cut:                 {"has 81 letters"},
		"// name: A\n// key: a b" + cut:                             {`line 2: key column "a b"`},
		"// name: A\n// time: 2026-01-01" + cut:                     {`line 2: time column "2026-01-01"`, "than the answer's column 2026-01-01"},
		"// name: A\n// mode: often" + cut:                          {`line 2: mode "often": append (`},
		"// name: A\n// mode = aggregate" + cut:                     {`line 2: write "// mode: aggregate", with a colon`},
		"// name: A\n// join: inner" + cut:                          {`line 2: join "inner": window is all`},
		"// name: A\n// identity: B, C D" + cut:                     {`line 2: identity column "C D": only letters, digits and _, not beginning with a digit; identity lists`},
		"// name: A\nT | where Timestamp >= _startTime // _endTime": {"_endTime"},
		"// name: A\n// mode: aggregate" + cut + " | count":         nil,
		"// name: A\n// mode: snapshot\n// identity: B\nT | where Timestamp > ago(1d) | count": nil,
		"// name: A\n// mode: snapshot\nT":                                  {"is a snapshot without identity"},
		"// name: A\n// mode: snapshot\n// identity: B\n// join: window\nT": {"line 4: a snapshot has no windows"},
		"// colour: red": {"has no name", "holds no query"},
		"// name: A\nT | where t >= _startTime // _endTime":                                                  {"does not use _endTime"},
		"\ufeff\n\n// name: A" + cut + " | take 5":                                                           {"line 4: take keeps"},
		"// name: A\n// mode: append\nT | where t > ago(1d)":                                                 {"does not use _startTime or _endTime", "line 3: ago() makes"},
		"// name: A\n// mode: snapshot\n// identity: B\nT | where t >= _startTime":                           {"line 4: a snapshot is exported whole"},
		"// name: A\n// time: TimeStamp\nAlertInfo | where Timestamp >= _startTime and Timestamp < _endTime": {"the answer has no column TimeStamp"},
		"// name: A\n// time: Title\nAlertInfo | where Timestamp >= _startTime and Timestamp < _endTime":     {"line 3: the borders cut by another value than the answer's column Title"},
		"// name: A\nAlertInfo | where Timestamp >= _startTime and Timestamp < _endTime | project Title":     {"the answer has no column Timestamp"},
		"// name: A\n// mode: aggregate\n// time: Hour" + cut + " | summarize count() by Title":              {"the answer has no column Hour"},
	} {
		_, refused := parseQuery(text)
		if len(refused) != len(reasons) {
			t.Errorf("%q: %v", text, refused)
			continue
		}
		for i, reason := range reasons {
			if !strings.Contains(refused[i].String(), reason) {
				t.Errorf("%q: want %q in %q", text, reason, refused[i])
			}
		}
	}
}

// TestWaysOut: what is refused is told how it is accepted, and so it is.
func TestWaysOut(t *testing.T) {
	t.Parallel()
	const cut = "Timestamp >= _startTime and Timestamp < _endTime"
	for text, want := range map[string]string{
		"DeviceEvents | where Timestamp > ago(1d) | where X == 1":                                                     "line 2: write " + cut + " instead of the comparison with ago()",
		"DeviceEvents\n| where Timestamp >= ago(1d) and ActionType == 'x'":                                            "line 3: write " + cut,
		"DeviceEvents\n| where Timestamp between (ago(2d) .. now())":                                                  "line 3: write " + cut,
		"union (DeviceEvents | where Timestamp > ago(n)),\n(DeviceInfo | where Timestamp > ago(1d))":                  "line 2: write " + cut,
		"AlertInfo\n| join kind=inner AlertEvidence on AlertId":                                                       "line 2: add below it | where " + cut,
		windowed + "| join kind=fullouter DeviceInfo on DeviceId":                                                     "use kind=leftouter",
		windowed + "| join kind=inner (B | where " + cut + ") on X":                                                   "the times row by row, as by Before between (Timestamp - 1h .. Timestamp), or accept pairs within one window only by \"// join: window\"",
		windowed + "| join kind=inner (B | where Timestamp >= _startTime - 7d and Timestamp < _endTime | count) on X": "by \"// join: window\"",
	} {
		_, refused := parseQuery("// name: A\n" + text)
		if !strings.Contains(fmt.Sprint(refused), want) {
			t.Errorf("%s:\n%v\nwant %s", text, refused, want)
		}
	}
	for text, want := range map[string]hunting.Mode{
		windowed + "| join kind=inner (B | where " + cut + ") on X":              hunting.ModeAppend, // by join: window, which the reason names
		windowed + "| project X":                                                 hunting.ModeAppend,
		windowed + "| where ProcessCreationTime >= _startTime":                   hunting.ModeAppend,
		windowed + "| where X > toscalar(B | where " + cut + " | count) | count": hunting.ModeAggregate,
		"ExposureGraphEdges":                                                     hunting.ModeSnapshot, // it has no column Timestamp
	} {
		if q := judgeText("a.kql", []byte("// name: A\n"+text)); q.Instead != want || strings.Contains(fmt.Sprint(q.Refused), "add below it") {
			t.Errorf("%s: mode %q, want %q: %v", text, q.Instead, want, q.Refused)
		}
	}
}
