package tenant_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// What Query answers is the cells that Rows tells, whatever caps there are.
func TestQueryAnswersCells(t *testing.T) {
	tn := small(t, tenant.Options{MaxRows: 1})
	columns, rows, err := tn.Query(`Small | where Size <= 20 | sort by Size asc | project Name, Size, Score`)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]tenant.Cell{
		{{Text: "alpha.exe"}, {Int: 10}, {Real: 1.5}},
		{{Text: `Beta "quoted"`}, {Int: 20}, {Null: true}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]schema.Column{{Name: "Name", Type: "String"}, {Name: "Size", Type: "Int64"}, {Name: "Score", Type: "Double"}}, columns); diff != "" {
		t.Error(diff)
	}
	if _, _, err := tn.Query(`Nowhere`); err == nil || !strings.Contains(err.Error(), "'Nowhere'") {
		t.Errorf("an unknown table: %v", err)
	}
}

func BenchmarkQuery(b *testing.B) {
	tn := tenant.New(tenant.Options{Now: fixed})
	var rows []tenant.Row
	for i := range 30 {
		rows = append(rows, tenant.Row{Ingested: noon, Cells: []any{noon, i % 7, "name"}})
	}
	columns := []schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "Size", Type: "Int64"}, {Name: "Name", Type: "String"}}
	if err := tn.Add("T", columns, rows...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := tn.Query(`let f = datetime(2026-08-20); union T, (T | where Size in (1, 2)) | where Timestamp >= f | extend X = strcat(Name, "x")`); err != nil {
			b.Fatal(err)
		}
	}
}
