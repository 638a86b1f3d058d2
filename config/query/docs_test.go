package query

import (
	"os"
	"regexp"
	"testing"
)

// example is a query in docs/queries.md, with the verdict on it.
var example = regexp.MustCompile("(?ms)^```kql (\\w+)\n(.*?)^```$")

// TestQueriesOfTheDocumentation: each example of docs/queries.md is judged as it says.
func TestQueriesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/queries.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range example.FindAllStringSubmatch(string(text), -1) {
		q := judgeText("a.kql", []byte(m[2]))
		if q.verdict() != m[1] {
			t.Errorf("%s, not %s: %v\n%s", q.verdict(), m[1], q.Refused, m[2])
		}
		seen[m[1]] = true
	}
	for _, v := range verdicts {
		if !seen[v] {
			t.Errorf("no example is %s", v)
		}
	}
}
