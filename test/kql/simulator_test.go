package kql

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

//go:embed testdata/simulator.kql
var simulated string

// besides is where the simulator follows Microsoft's documentation and not its binder.
var besides = map[string]string{
	"Small | getschema": "a column's ordinal is an int",
	`Small | parse-where Name with * "x" Size:long *`: "a column that is there is replaced",
}

// What the simulator answers, Microsoft's binder accepts, with the columns that the
// binder gives it: their names, types and order.
func TestSimulatorAnswersAsKusto(t *testing.T) {
	tn := tenant.New(tenant.Options{})
	now := time.Now()
	small := []schema.Column{
		{Name: "Timestamp", Type: "DateTime"},
		{Name: "Name", Type: "String"},
		{Name: "Size", Type: "Int64"},
		{Name: "Flag", Type: "SByte"},
		{Name: "Bag", Type: "Object"},
		{Name: "Score", Type: "Double"},
		{Name: "Id", Type: "Guid"},
	}
	other := []schema.Column{{Name: "Name", Type: "String"}, {Name: "Size", Type: "String"}}
	if err := tn.Add("Small", small, tenant.Row{Ingested: now, Cells: []any{now, "a", 1, true, `{"k":{"v":"x"}}`, 1.5, nil}}); err != nil {
		t.Fatal(err)
	}
	if err := tn.Add("Other", other, tenant.Row{Ingested: now, Cells: []any{"a", "1"}}); err != nil {
		t.Fatal(err)
	}
	known := map[string]string{"DateTime": "datetime", "String": "string", "Int32": "int", "Int64": "long", "SByte": "bool", "Object": "dynamic", "Double": "real", "Guid": "guid", "TimeSpan": "timespan"}
	typed := func(columns []schema.Column) (out []map[string]string) {
		for _, c := range columns {
			out = append(out, map[string]string{"name": c.Name, "type": known[c.Type]})
		}
		return out
	}
	queries := strings.Split(strings.TrimSpace(simulated), "\n")
	verdicts := askOf(t, queries, true, []map[string]any{{"name": "Small", "columns": typed(small)}, {"name": "Other", "columns": typed(other)}})
	answered, refused := 0, 0
	for i, q := range queries {
		columns, _, err := tn.Query(q)
		against := slices.DeleteFunc(verdicts[i].Diagnostics, func(d string) bool { return !strings.HasPrefix(d, "Error") })
		if err != nil {
			if len(against) > 0 {
				refused++
			}
			continue
		}
		if besides[q] != "" {
			continue
		}
		answered++
		var got []string
		for _, c := range columns {
			got = append(got, c.Name+" "+known[c.Type])
		}
		if len(against) > 0 {
			t.Errorf("%s\nis answered, but the binder says %s", q, against)
		} else if want := strings.Join(verdicts[i].Columns, ", "); want != strings.Join(got, ", ") {
			t.Errorf("%s\nhas the columns %s\nwant %s", q, strings.Join(got, ", "), want)
		}
	}
	if answered < 150 || refused < 30 {
		t.Errorf("%d of %d queries are answered and %d refused by both; that is too few to say something", answered, len(queries), refused)
	}
}
