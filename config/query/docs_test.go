package query

import (
	"os"
	"regexp"
	"testing"
)

// example is a query in docs/queries.md, with the verdict on it, and whether it is warned of.
var example = regexp.MustCompile("(?ms)^```kql (\\w+)( warned)?\n(.*?)^```$")

// TestQueriesOfTheDocumentation: each example of docs/queries.md is judged as it says.
func TestQueriesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/queries.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range example.FindAllStringSubmatch(string(text), -1) {
		q := judgeText("a.kql", []byte(m[3]))
		if q.verdict() != m[1] || (len(q.Warned) > 0) != (m[2] != "") {
			t.Errorf("%s, not %s%s: %v %v\n%s", q.verdict(), m[1], m[2], q.Refused, q.Warned, m[3])
		}
		seen[m[1]], seen["warned"] = true, seen["warned"] || m[2] != ""
	}
	for _, v := range append([]string{"warned"}, verdicts...) {
		if !seen[v] {
			t.Errorf("no example is %s", v)
		}
	}
}
