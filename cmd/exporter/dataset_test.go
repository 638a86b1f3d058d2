package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/config/query"
	"hunting-exporter/hunting"
)

// TestNamesOfDatasets: one that the lake cannot hold is refused, the longest is exported.
func TestNamesOfDatasets(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("A", query.LongestName)
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
	for mode, says := range map[hunting.Mode]string{
		hunting.ModeAppend:     "",
		hunting.ModeAggregate:  "sums up or joins within its windows",
		hunting.ModeJoinWindow: "sums up or joins within its windows",
		hunting.ModeSnapshot:   "has no past to export",
	} {
		if why := reason(hunting.Dataset{Name: "Q", Mode: mode}); !strings.Contains(why, says) || (why == "") != (says == "") {
			t.Errorf("%s: %q, want %q", mode, why, says)
		}
	}
}
