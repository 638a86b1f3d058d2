package query

import (
	"os"
	"strings"
	"testing"
)

// TestExampleOfTheChartIsAQuery: the query that the chart's values show can be exported
// as it stands.
func TestExampleOfTheChartIsAQuery(t *testing.T) {
	values, err := os.ReadFile("../../deploy/helm/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(values), "#   failed-logons.kql: |\n")
	example, _, found := strings.Cut(example, "queries: {}")
	if !found {
		t.Fatal("values.yaml shows no query")
	}
	query := strings.ReplaceAll(example, "#     ", "")
	if q, errs := parseQuery(query); len(errs) > 0 || q.Name != "FailedLogons" {
		t.Errorf("query %q: %v\n%s", q.Name, errs, query)
	}
}
