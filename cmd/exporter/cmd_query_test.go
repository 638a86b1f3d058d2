package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/config/query"

	"github.com/google/go-cmp/cmp"
)

const windowed = "DeviceEvents\n| where Timestamp >= _startTime and Timestamp < _endTime\n"

// checkedFile is a file in the output for programs.
type checkedFile struct {
	File, Name, Mode, Verdict string
	Reasons, Warnings         []query.Remark
	AcceptedWith              string `json:"accepted_with"`
}

// queryCheck runs `query check` with the environment of nobody.
func queryCheck(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	c := &cli{out: &o, err: &e, in: strings.NewReader(stdin), exit: func(int) { t.Error("ended on the spot") }}
	code = c.main(t.Context(), append([]string{"query", "check"}, args...))
	return code, o.String(), e.String()
}

// TestQueryCheck: a file's verdict in a line, then what is to be said of it.
func TestQueryCheck(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"// name: A\n" + windowed: "-  A  rows  \n",
		"// name: A\n// mode: aggregate\n" + windowed + "| summarize count() by X": "-  A  aggregate  \n",
		"// name: A\n// mode: snapshot\n// identity: X\nDeviceInfo":                "-  A  snapshot  \n",
		"// name: A\n" + windowed + "| where X in ('a' 'b')":                       "-  A  rows  \n  warning: line 4: two strings side by side",
		"// name: A\n" + windowed + "| take 5":                                     "-  A  refused  \n  line 4: take keeps",
		"DeviceEvents\n| where Timestamp > ago(7d)\n| where X == 1": "  line 2: write Timestamp >= _startTime and Timestamp < _endTime instead of the comparison with ago(), wherever it stands: then it is accepted\n" +
			"  would be accepted with // mode: snapshot and // identity",
		"let n = 5;\nunion A, B\n| where X == n\n":                  "  line 2: add below it | where Timestamp >= _startTime and Timestamp < _endTime: then it is accepted\n",
		"A\n| summarize count() by X":                               "  line 1: add below it | where Timestamp >= _startTime and Timestamp < _endTime, and // mode: aggregate",
		"// name: A\n" + windowed + "| summarize dcount(X)":         "  would be accepted with // mode: aggregate (sums",
		"// name: A\n" + windowed + "\n" + windowed:                 "  line 5: a second query begins here, or | or ; is missing before DeviceEvents: put each query into a file of its own\n",
		"// name: A\n" + windowed + "// B\nlet x = 5;\n" + windowed: "  line 5: a second query begins here",
		"// name: A\n" + windowed + ";\n" + windowed:                "  line 5: a second query begins here",
	} {
		code, out, errs := queryCheck(t, text, "-")
		refused := 0
		if strings.Contains(out, "refused") {
			refused = codeConfiguration
		}
		if code != refused || !strings.Contains(out, want) || errs != "" {
			t.Errorf("%q: exit code %d, want %q\n%s%s", text, code, want, out, errs)
		}
	}
}

// TestQueryCheckOfAFolder: a table, the reasons by file, and a sum; a query with another
// ending is refused, one that is switched off named.
func TestQueryCheckOfAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.kql": "// name: A\n" + windowed, "below/b.kql": "// name: B\n" + windowed + "| take 5", "c.csl": "// name: C\n" + windowed, "d.kql.off": "x", "LICENSE": "x",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := queryCheck(t, "", dir)
	out, errs = strings.ReplaceAll(out, dir+"/", ""), strings.ReplaceAll(errs, dir+"/", "")
	for _, line := range []string{"A     rows", "B     refused", "C     refused", "below/b.kql\n  line 4: take keeps", "c.csl\n  is not read, since its name does not end in .kql: rename it", "3 files: 1 rows, 0 aggregate, 0 snapshot, 2 refused"} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if code != codeConfiguration || !strings.HasPrefix(errs, "exporter: d.kql.off is not read") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, out, errs := queryCheck(t, "", filepath.Join(dir, "a.kql"), filepath.Join(dir, "a.kql")); code != codeConfiguration || !strings.Contains(out, "its name A is that of") {
		t.Errorf("one file twice: exit code %d\n%s%s", code, out, errs)
	}
	if code, out, errs := queryCheck(t, "", filepath.Join(dir, "nowhere")); code != codeConfiguration || !strings.Contains(out, "cannot be read: no such file") || strings.Contains(out, "rename") {
		t.Errorf("no such file: exit code %d\n%s%s", code, out, errs)
	}
}

// TestQueryCheckForPrograms: the fields stay.
func TestQueryCheckForPrograms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]checkedFile{
		"// name: A\n" + windowed: {Name: "A", Mode: "append", Verdict: "rows", Reasons: []query.Remark{}, Warnings: []query.Remark{}},
		"// name: A\n// join: window\n" + windowed + "| join kind=inner (" + windowed + ") on X": {Name: "A", Mode: "append", Verdict: "rows", Reasons: []query.Remark{}, Warnings: []query.Remark{}},
		"// name: A\n" + windowed + "| render table\n| count": {
			Name: "A", Mode: "append", Verdict: "refused", AcceptedWith: "", Warnings: []query.Remark{},
		},
		"// name: A\n// mode: snapshot\n// identity: X\nA\n| render table": {Name: "A", Mode: "snapshot", Verdict: "snapshot", Reasons: []query.Remark{}},
	} {
		code, out, errs := queryCheck(t, text, "-", "--output", "json")
		var got []checkedFile
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got) != 1 || errs != "" {
			t.Fatalf("%q: %v\n%s%s", text, err, out, errs)
		}
		if refused := want.Verdict == "refused"; (code == codeConfiguration) != refused || refused != (len(got[0].Reasons) > 0) {
			t.Errorf("%q: exit code %d\n%s", text, code, out)
		}
		want.File = "-"
		if want.Reasons == nil {
			want.Reasons = got[0].Reasons
		}
		if want.Warnings == nil {
			want.Warnings = got[0].Warnings
		}
		if diff := cmp.Diff(want, got[0]); diff != "" || !strings.Contains(out, `"reasons": [`) {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

// TestQueryCheckOfALongQuery: a place for the borders is looked for in the first lines only.
func TestQueryCheckOfALongQuery(t *testing.T) {
	t.Parallel()
	long := "// name: A\nT" + strings.Repeat("\n| where X has 'a' or Y > 5 and Z in ('a', 'b')", 2000) + "\n| take 5"
	if code, out, _ := queryCheck(t, long, "-"); code != codeConfiguration || !strings.Contains(out, "line 2003: take keeps") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
