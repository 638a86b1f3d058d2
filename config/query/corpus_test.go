package query

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hunt is a query of the corpus and what is to be said of it.
type hunt struct {
	name, text string
	expect     string // the verdict
	reason     string // a part of the reason; empty unless refused
	warned     string // a part of the warning; empty: none is expected
	lines      []int  // of the part to blame, marked by "// <-"; none: the query as a whole
}

// corpus reads the samples of test/kql, where Kusto's own binder reads them too. Each
// begins at its name, and what is expected of it stands among its keys.
func corpus(t *testing.T) (all []hunt) {
	t.Helper()
	files, err := filepath.Glob("../../test/kql/corpus/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range strings.Split("\n"+string(text), "\n// name: ")[1:] {
			all = append(all, readHunt("// name: "+strings.TrimSpace(one)))
		}
	}
	return all
}

// readHunt takes a sample's text apart.
func readHunt(text string) hunt {
	s, over := hunt{text: text}, false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasSuffix(line, "// <-") {
			s.lines = append(s.lines, i+1)
		}
		if over = over || !comment(line); over {
			continue
		}
		switch key, value, _ := strings.Cut(strings.TrimPrefix(line, "// "), ": "); key {
		case "name":
			s.name = value
		case "expect":
			s.expect, s.reason, _ = strings.Cut(value, ": ")
		case "warned":
			s.warned = value
		}
	}
	return s
}

// blamed: one of the reasons is the expected one, at a line that the sample marks.
func (s *hunt) blamed(refused []Remark) bool {
	return s.reason != "" && slices.ContainsFunc(refused, func(r Remark) bool {
		return strings.Contains(r.Text, s.reason) && (r.Line == 0 && len(s.lines) == 0 || slices.Contains(s.lines, r.Line))
	})
}

// isWarnedOf: of what the sample expects, and of nothing else.
func (s *hunt) isWarnedOf(warned []Remark) bool {
	if s.warned == "" {
		return len(warned) == 0
	}
	return len(warned) == 1 && strings.Contains(warned[0].Text, s.warned)
}

// TestCorpus: what hunters ask has the right verdict, and is refused for the right reason.
func TestCorpus(t *testing.T) {
	t.Parallel()
	samples := corpus(t)
	found, names := map[string]int{}, map[string]bool{}
	for _, s := range samples {
		if names[s.name] {
			t.Errorf("%s: there are two of this name", s.name)
		}
		names[s.name] = true
		q := judgeText(s.name+".kql", []byte(s.text))
		switch got := q.verdict(); {
		case got != s.expect, got == verdictRefused && !s.blamed(q.Refused):
			t.Errorf("%s: %s %v, want %s %q at %v\n%s", s.name, got, q.Refused, s.expect, s.reason, s.lines, s.text)
		case got != verdictRefused && !s.isWarnedOf(q.Warned):
			t.Errorf("%s: warned of %v, want %q\n%s", s.name, q.Warned, s.warned, s.text)
		}
		found[q.verdict()]++
		if q.JoinWindow {
			found["join: window"]++
		}
	}
	for what, least := range map[string]int{verdictRows: 100, "aggregate": 25, "snapshot": 6, verdictRefused: 100, "join: window": 6} {
		if found[what] < least {
			t.Errorf("%d queries are %s, want %d at least", found[what], what, least)
		}
	}
	t.Logf("%d queries: %v", len(samples), found)
}
