package tenant

import (
	"fmt"
	"io"
	"slices"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/rows"
)

// Row is one row to add. A cell is nil (null), bool, int, int64, float64, string
// or time.Time; the cell of a column of another type (Object, Guid, TimeSpan,
// SqlDecimal) is its text.
type Row struct {
	Ingested time.Time
	// Visible is when queries first see the row, where that is later than Ingested.
	Visible time.Time
	Cells   []any
}

// Add puts rows into a table, visible from their ingestion time or Visible on. Columns are
// named with API types; one the table lacks is added to it.
func (t *Tenant) Add(name string, columns []schema.Column, added ...Row) error {
	own, err := data.ColumnsOf(columns)
	if err != nil {
		return fmt.Errorf("add to table %s: %w", name, err)
	}
	return t.change(name, func(tbl *data.Table) error {
		var cells [][]data.Value
		var in []int64
		for i, r := range added {
			row, err := rows.CellsOf(own, r.Cells)
			if err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
			cells, in = append(cells, row), append(in, schema.ToTicks(r.Ingested))
		}
		return rows.Put(tbl, own, cells, in, visibleOf(added))
	})
}

// visibleOf is when queries see each row; nil where none comes late.
func visibleOf(rows []Row) []int64 {
	late := func(r Row) bool { return r.Visible.After(r.Ingested) }
	if !slices.ContainsFunc(rows, late) {
		return nil
	}
	out := make([]int64, len(rows))
	for i, r := range rows {
		out[i] = schema.ToTicks(r.Ingested)
		if late(r) {
			out[i] = schema.ToTicks(r.Visible)
		}
	}
	return out
}

// SetColumns gives a table the columns from now on: a new one is null or made up
// for the rows that are there, a dropped one is gone, a retyped one converted.
func (t *Tenant) SetColumns(name string, columns []schema.Column) error {
	own, err := data.ColumnsOf(columns)
	if err != nil {
		return fmt.Errorf("columns of table %s: %w", name, err)
	}
	return t.change(name, func(tbl *data.Table) error {
		tbl.Columns = own
		return nil
	})
}

// Drop takes a table away, as when a licence ends.
func (t *Tenant) Drop(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tables, name)
}

// WithoutIngestionTime makes ingestion_time() null in a table. Its rows still
// become visible when they came in.
func (t *Tenant) WithoutIngestionTime(name string) error {
	return t.change(name, func(tbl *data.Table) error {
		tbl.NoIngestion = true
		return nil
	})
}

// change replaces the table by what edit makes of a copy of it.
func (t *Tenant) change(name string, edit func(*data.Table) error) error {
	if !schema.ValidName(name) {
		return fmt.Errorf("table %q: not a name that KQL takes; use letters, digits and _", name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	next := data.NewTable(name)
	if old, ok := t.tables[name]; ok {
		clone := *old
		clone.Columns = slices.Clone(old.Columns)
		clone.Segments = slices.Clone(old.Segments)
		next = &clone
	}
	if err := edit(next); err != nil {
		return fmt.Errorf("table %s: %w", name, err)
	}
	t.tables[name] = next
	return nil
}

// Seed says what rows to make up.
type Seed = rows.Seed

// Seed makes rows up for tables.
func (t *Tenant) Seed(s Seed) error {
	s, err := s.Complete(t.o.Now())
	if err != nil {
		return err
	}
	for _, name := range s.Tables {
		if err := t.change(name, func(tbl *data.Table) error { return rows.MakeUp(tbl, s) }); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	return nil
}

// LoadNDJSON puts recorded rows, one JSON object a line, into a table, as the API
// would have them: "" for a null string, nulls for what the catalogue has and the
// rows have not, columns of their own that the catalogue does not know. Where a
// value is not of the catalogue's type (publishers anonymise), the column is String.
func (t *Tenant) LoadNDJSON(name string, r io.Reader, o rows.Load) error {
	lines, err := rows.Read(r, o.Form)
	if err != nil {
		return fmt.Errorf("load table %s: %w", name, err)
	}
	return t.change(name, func(tbl *data.Table) error { return o.Into(tbl, lines, t.o.Now()) })
}
