package kql

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hunting-exporter/hunting"
	"hunting-exporter/source/kql"
	"hunting-exporter/source/kql/judge"
)

// A sample is a query of the corpus and what is to be said of it.
type sample struct {
	name, text string
	options    judge.Options
	expect     string // rows, aggregate, snapshot, or refused
	reason     string // a part of the reason; empty unless refused
	lines      []int  // of the part to blame, marked by "// <-"; none: the query as a whole
	warned     string // a part of the warning; empty: none is expected
	diagnostic string // a part of what Kusto says against it; empty: nothing
}

// corpus reads the samples. Each begins at its name, which counts as line 1; the comments
// at its head are its keys.
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
			all = append(all, read(t, filepath.Base(file), "// name: "+strings.TrimSpace(one)))
		}
	}
	return all
}

// read takes a sample's text apart.
func read(t *testing.T, file, text string) sample {
	t.Helper()
	s := sample{text: text, options: judge.Options{Mode: hunting.ModeAppend, Time: "Timestamp"}}
	head := true
	for i, line := range strings.Split(text, "\n") {
		if strings.HasSuffix(line, "// <-") {
			s.lines = append(s.lines, i+1)
		}
		key, ok := strings.CutPrefix(line, "// ")
		if head = head && ok; !head {
			continue
		}
		switch key, value, _ := strings.Cut(key, ": "); key {
		case "name":
			s.name = file + ": " + value
		case "mode":
			s.options.Mode = hunting.Mode(value)
		case "time":
			s.options.Time = value
		case "join":
			s.options.JoinWindow = value == "window"
		case "expect":
			s.expect, s.reason, _ = strings.Cut(value, ": ")
		case "warned":
			s.warned = value
		case "diagnostic":
			s.diagnostic = value
		default:
			t.Errorf("%s: unknown key %q", s.name, key)
		}
	}
	return s
}

// judged is the verdict in the words of the corpus, and the reasons against the query.
func (s *sample) judged() (string, judge.Verdict) {
	v := judge.Query(s.text, s.options)
	switch {
	case len(v.Refused) > 0:
		return "refused", v
	case s.options.Mode == hunting.ModeAppend:
		return "rows", v
	}
	return string(s.options.Mode), v
}

// blamed: one of the reasons is the expected one, at a line that the sample marks.
func (s *sample) blamed(reasons []judge.Reason) bool {
	return slices.ContainsFunc(reasons, func(r judge.Reason) bool {
		return strings.Contains(r.Text, s.reason) && (r.Line == 0 && len(s.lines) == 0 || slices.Contains(s.lines, r.Line))
	})
}

// warnedOf: of what the sample expects to be warned of, and of nothing else.
func (s *sample) warnedOf(reasons []judge.Reason) bool {
	if s.warned == "" {
		return len(reasons) == 0
	}
	return len(reasons) == 1 && strings.Contains(reasons[0].Text, s.warned)
}

// What hunters ask has the right verdict, and is refused for the right reason.
func TestCorpus(t *testing.T) {
	samples := corpus(t)
	verdicts := map[string]int{}
	names := map[string]bool{}
	for _, s := range samples {
		if names[s.name] {
			t.Errorf("%s: there are two of this name", s.name)
		}
		names[s.name] = true
		if s.expect == "refused" && s.reason == "" {
			t.Errorf("%s: expects no reason", s.name)
		}
		got, v := s.judged()
		if got != s.expect || got == "refused" && !s.blamed(v.Refused) {
			t.Errorf("%s: %s %v, want %s %q at %v\n%s", s.name, got, v.Refused, s.expect, s.reason, s.lines, s.text)
		}
		if got != "refused" && !s.warnedOf(v.Warned) {
			t.Errorf("%s: warned of %v, want %q\n%s", s.name, v.Warned, s.warned, s.text)
		}
		verdicts[got]++
	}
	if len(samples) < 200 {
		t.Errorf("%d queries: the corpus has at least 200", len(samples))
	}
	t.Logf("%d queries: %v", len(samples), verdicts)
}

// Every query of the corpus is one that Kusto would run, also the refused ones.
func TestCorpusIsSound(t *testing.T) {
	samples := corpus(t)
	var queries []string
	for _, s := range samples {
		ds := hunting.Dataset{Name: "Q", Query: s.text, Mode: s.options.Mode, Clock: hunting.ClockEvent, TimeColumn: s.options.Time}
		queries = append(queries, kql.Page(ds, window, hunting.Slice{}))
	}
	for i, v := range ask(t, queries) {
		want := samples[i].diagnostic
		said := strings.Join(v.Diagnostics, "\n")
		if (said == "") != (want == "") || !strings.Contains(said, want) {
			t.Errorf("%s: %q, want %q\n%s", samples[i].name, v.Diagnostics, want, queries[i])
		}
	}
}
