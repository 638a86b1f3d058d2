package readers_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

const changing = "ChangingEvents"

// versions is one table whose columns changed between runs: one is added, then it is gone
// and another has a new type. What a file lacks is null.
var versions = sync.OnceValues(func() (*table, error) {
	base := []schema.Column{{Name: "Timestamp", Type: "DateTime"}, {Name: "Id", Type: "Int64"}, {Name: "Name", Type: "String"}, {Name: "Kind", Type: "Int32"}}
	retyped := append(slices.Clone(base[:3]), schema.Column{Name: "Kind", Type: "String"})
	with := func(c schema.Column) []schema.Column { return append(slices.Clone(base), c) }
	steps := [][]schema.Column{base, with(schema.Column{Name: "Added", Type: "Double"}), retyped, with(schema.Column{Name: "Flag", Type: "SByte"})}
	ten := newTenant()
	lake, err := newLake()
	if err != nil {
		return nil, err
	}
	all := &table{name: changing, unit: "us", columns: []column{
		{name: "Added", kind: double},
		{name: "Flag", kind: boolean},
		{name: "Id", kind: int64s},
		{name: "Kind", kind: int32s},
		{name: "Kind_2", kind: text},
		{name: "Name", kind: text},
		{name: "Timestamp", kind: timestamp},
	}}
	const rows = 50
	for step, columns := range steps {
		if err := ten.SetColumns(changing, columns); err != nil {
			return nil, err
		}
		in := time.Now()
		batch := make([]tenant.Row, rows)
		for i := range batch {
			batch[i] = all.changed(columns, step, i)
			batch[i].Ingested = in
		}
		if err := ten.Add(changing, columns, batch...); err != nil {
			return nil, err
		}
		time.Sleep(time.Until(in.Add(1100 * time.Millisecond)))
		if err := export(ten, lake, rows, "EXPORT_TABLES="+changing, "EXPORT_LAG=1s", "EXPORT_RECONCILE=0"); err != nil {
			return nil, fmt.Errorf("version %d: %w", step, err)
		}
	}
	if all.files, err = filepath.Glob(filepath.Join(lake, changing, "dt=*", "*.parquet")); err == nil && len(all.files) != len(steps) {
		err = fmt.Errorf("%d files, want one of each of %d versions", len(all.files), len(steps))
	}
	return all, err
})

// changed makes a row and adds what it has to be in the union.
func (t *table) changed(columns []schema.Column, step, i int) tenant.Row {
	at := dawn.Add(time.Duration(step*1000+i) * time.Second)
	var row tenant.Row
	want := map[string]string{}
	for _, c := range columns {
		switch {
		case c.Name == "Timestamp":
			row.Cells, want[c.Name] = append(row.Cells, at), moment(schema.ToTicks(at), t.unit)
		case c.Type == "Int64", c.Type == "Int32":
			n := int64(step*1000 + i)
			row.Cells, want[c.Name] = append(row.Cells, n), integer(n)
		case c.Type == "Double":
			row.Cells, want[c.Name] = append(row.Cells, float64(i)/8), real(float64(i)/8)
		case c.Type == "SByte":
			row.Cells, want[c.Name] = append(row.Cells, i%2 == 0), fmt.Sprint("v", i%2 == 0)
		case c.Name == "Kind":
			row.Cells, want["Kind_2"] = append(row.Cells, fmt.Sprint("kind ", i)), fmt.Sprint("vkind ", i)
		default:
			row.Cells, want[c.Name] = append(row.Cells, fmt.Sprint("name ", i)), fmt.Sprint("vname ", i)
		}
	}
	for k := range t.columns {
		cell, ok := want[t.columns[k].name]
		if !ok {
			cell = null
		}
		t.columns[k].cells = append(t.columns[k].cells, cell)
	}
	t.rows++
	return row
}

// TestUnion reads files of different schemas as one table, the oldest first and the newest.
func TestUnion(t *testing.T) {
	want := must(t, versions)
	names := []string{"pyarrow", "polars", "DuckDB", "DataFusion", "ClickHouse", "Spark", "fastparquet"}
	each(t, names, func(t *testing.T, r *reader) {
		for _, newest := range []bool{false, true} {
			files := slices.Clone(want.files)
			if newest {
				slices.Reverse(files)
			}
			got, err := r.table(files, want.unit)
			if err == nil {
				got = slices.DeleteFunc(got, func(c column) bool { return c.name == schema.IngestionTime })
				slices.SortFunc(got, func(a, b column) int { return strings.Compare(a.name, b.name) })
				err = difference(want, got, nil)
			}
			if err != nil && !excuse(t, r.name, func(e *exception) bool { return e.table != nil && e.table(want) }) {
				t.Errorf("newest first: %t: %v", newest, err)
			}
		}
		stillNeeded(t, r.name)
	})
}
