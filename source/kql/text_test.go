package kql_test

import (
	"strings"
	"testing"

	"hunting-exporter/hunting"
	"hunting-exporter/source/kql"
)

const cut = "A | where Timestamp >= _startTime and Timestamp < _endTime\n"

// What ends a custom query is not in the way of what is written behind it.
func TestEndsOfQueries(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"A":                    "A",
		"A ; // done\n;":       "A",
		"A // done":            "A",
		"A | render timechart": "A",
		"A\n|\n// draw\nrender barchart with (title='a | b');": "A",
		"A | project render = 1":                               "A | project render = 1",
		"let render = A; render":                               "let render = A; render",
		"A | where X == '| render'":                            "A | where X == '| render'",
	} {
		ds := hunting.Dataset{Name: "Q", Mode: hunting.ModeSnapshot, Query: query}
		got, _, _ := strings.Cut(kql.Page(ds, hunting.Window{Start: start}, hunting.Slice{}), "\n| extend")
		if got != want {
			t.Errorf("%q is sent as %q, want %q", query, got, want)
		}
	}
}

// A query that passes Check is whole, so that the exporter can write on behind it.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		cut, "", "A | where X == h@'a''b' // c", "```\n```;;", "union (A),(B | count)", "let =;", "|", "(", "between (.._endTime)", "~~~a~~~ \\ '\\'' \xff", "| render x", "a|render|render b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		ds := hunting.Dataset{Name: "Q", Mode: hunting.ModeSnapshot, Query: query}
		if kql.Check(ds) != nil {
			return
		}
		ds.Query = kql.Page(ds, hunting.Window{Start: start}, hunting.Slice{I: 1, N: 2})
		if err := kql.Check(ds); err != nil {
			t.Fatalf("%q: %v", ds.Query, err)
		}
		// What was written behind the query is code: neither comment nor string holds it.
		if got := kql.Page(ds, hunting.Window{Start: start}, hunting.Slice{}); !strings.HasPrefix(got, ds.Query+"\n") {
			t.Fatalf("%q became %q", ds.Query, got)
		}
	})
}
