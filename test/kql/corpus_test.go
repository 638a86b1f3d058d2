package kql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/hunting"
	"hunting-exporter/source/kql"
)

// A sample is a query of the corpus, as it is sent, and a part of what Kusto says against
// it; empty: nothing. TestCorpus in config/query has what the exporter says.
type sample struct{ name, query, diagnostic string }

// corpus reads the samples. Each begins at its name; the comments at its head are its keys.
func corpus(t *testing.T) (all []sample) {
	t.Helper()
	files, err := filepath.Glob("corpus/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range strings.Split("\n"+string(text), "\n// name: ")[1:] {
			all = append(all, readSample(t, "// name: "+strings.TrimSpace(one)))
		}
	}
	return all
}

func readSample(t *testing.T, text string) (s sample) {
	t.Helper()
	ds := hunting.Dataset{Name: "Q", Query: text, Mode: hunting.ModeAppend, Clock: hunting.ClockEvent, TimeColumn: "Timestamp"}
	for _, line := range strings.Split(text, "\n") {
		line, ok := strings.CutPrefix(line, "// ")
		if !ok {
			break
		}
		switch key, value, _ := strings.Cut(line, ": "); key {
		case "name":
			s.name = value
		case "mode":
			ds.Mode = hunting.Mode(value)
		case "time":
			ds.TimeColumn = value
		case "diagnostic":
			s.diagnostic = value
		case "join", "identity", "expect", "warned":
		default:
			t.Errorf("%s: unknown key %q", s.name, key)
		}
	}
	s.query = kql.Page(ds, window, hunting.Slice{})
	return s
}

// Every query of the corpus is one that Kusto would run, but for those that say what it has
// against them: most lack the time column that the borders are put on.
func TestCorpusIsSound(t *testing.T) {
	samples := corpus(t)
	if len(samples) < 200 {
		t.Errorf("%d queries: the corpus has at least 200", len(samples))
	}
	queries := make([]string, len(samples))
	for i, s := range samples {
		queries[i] = s.query
	}
	for i, v := range ask(t, queries) {
		s, said := samples[i], strings.Join(v.Diagnostics, "\n")
		if (said == "") != (s.diagnostic == "") || !strings.Contains(said, s.diagnostic) {
			t.Errorf("%s: %q, want %q\n%s", s.name, v.Diagnostics, s.diagnostic, s.query)
		}
	}
}
