package tenant

import (
	"iter"
	"strconv"
	"time"

	"hunting-exporter/schema"
)

// Cell is a cell as it truly is, whatever flavour or sink it passes.
type Cell struct {
	// Null is a real null; a String is never null.
	Null bool
	// Int is a boolean as 0 or 1, an Int32 or Int64, a DateTime in ticks of 100 ns
	// since 1970, a TimeSpan in ticks.
	Int int64
	// Real is a Double.
	Real float64
	// Text is a String, Guid, SqlDecimal, or an Object as compact JSON.
	Text string
}

// TruthRow is one row: Cells in the order of the columns.
type TruthRow struct {
	Ingested, Event time.Time // Event is zero where the table has no time column
	// Visible is when queries first see the row: Ingested, or later.
	Visible time.Time
	Cells   []Cell
}

// Truth is all that a table holds.
type Truth struct {
	Columns []schema.Column
	// Rows goes over every row, also those not yet visible or out of retention, in
	// no order that means anything. A row is the caller's to keep.
	Rows iter.Seq[TruthRow]
	// Len is the number of rows.
	Len int
}

// Rows returns what a table holds; nothing for a table the tenant lacks.
func (t *Tenant) Rows(name string) Truth {
	tbl, ok := t.table(name)
	if !ok {
		return Truth{Rows: func(func(TruthRow) bool) {}}
	}
	out := Truth{Columns: apiColumns(tbl.columns)}
	for _, s := range tbl.segments {
		out.Len += s.rows()
	}
	out.Rows = func(yield func(TruthRow) bool) {
		for _, s := range tbl.segments {
			if !rowsOf(tbl, s, yield) {
				return
			}
		}
	}
	return out
}

// Ingested goes over the times of ingestion of what a table holds, in the order of Rows.
func (t *Tenant) Ingested(name string) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		tbl, ok := t.table(name)
		if !ok {
			return
		}
		for _, s := range tbl.segments {
			for id := range s.rows() {
				if !yield(schema.FromTicks(s.ingested(id))) {
					return
				}
			}
		}
	}
}

func rowsOf(tbl *table, s segment, yield func(TruthRow) bool) bool {
	get := make([]func(int) value, len(tbl.columns))
	for i, c := range tbl.columns {
		get[i] = access(s, c)
	}
	seen := s.seen()
	for id := range s.rows() {
		row := TruthRow{Ingested: schema.FromTicks(s.ingested(id)), Cells: make([]Cell, len(get))}
		row.Visible = row.Ingested
		if seen != nil {
			row.Visible = schema.FromTicks(seen[id])
		}
		if at := s.event(id); at != noTime {
			row.Event = schema.FromTicks(at)
		}
		for i := range get {
			row.Cells[i] = cell(get[i](id))
		}
		if !yield(row) {
			return false
		}
	}
	return true
}

func cell(v value) Cell {
	switch v.k {
	case kNull:
		return Cell{Null: true}
	case kReal:
		return Cell{Real: v.real()}
	default:
		return Cell{Int: v.n, Text: v.s}
	}
}

// Canonical writes the cell as text in which no two different cells of a column
// are alike: null as a NUL byte, else the text, the number or the ticks.
func (c Cell) Canonical(apiType string) string {
	if c.Null {
		return "\x00"
	}
	switch k, _ := kindOf(apiType); k {
	case kBool, kInt, kLong, kDatetime, kTimespan:
		return strconv.FormatInt(c.Int, 10)
	case kReal:
		return strconv.FormatFloat(c.Real, 'g', -1, 64)
	default:
		return c.Text
	}
}
