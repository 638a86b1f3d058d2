package tenant

import (
	"context"
	"io"
	"iter"
	"strconv"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto"
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
	out := Truth{Columns: data.APIColumns(tbl.Columns)}
	for _, s := range tbl.Segments {
		out.Len += s.Rows()
	}
	out.Rows = func(yield func(TruthRow) bool) {
		for _, s := range tbl.Segments {
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
		for _, s := range tbl.Segments {
			for id := range s.Rows() {
				if !yield(schema.FromTicks(s.Ingested(id))) {
					return
				}
			}
		}
	}
}

func rowsOf(tbl *data.Table, s data.Segment, yield func(TruthRow) bool) bool {
	get := make([]func(int) data.Value, len(tbl.Columns))
	for i, c := range tbl.Columns {
		get[i] = data.Access(s, c)
	}
	seen := s.Seen()
	for id := range s.Rows() {
		row := TruthRow{Ingested: schema.FromTicks(s.Ingested(id)), Cells: make([]Cell, len(get))}
		row.Visible = row.Ingested
		if seen != nil {
			row.Visible = schema.FromTicks(seen[id])
		}
		if at := s.Event(id); at != data.NoTime {
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

func cell(v data.Value) Cell {
	switch v.Kind {
	case data.KindNull:
		return Cell{Null: true}
	case data.KindReal:
		return Cell{Real: v.Float()}
	default:
		return Cell{Int: v.Int, Text: v.Text}
	}
}

// Canonical writes the cell as text in which no two different cells of a column
// are alike: null as a NUL byte, else the text, the number or the ticks.
func (c Cell) Canonical(apiType string) string {
	if c.Null {
		return "\x00"
	}
	switch k, _ := data.KindOf(apiType); k {
	case data.KindBool, data.KindInt, data.KindLong, data.KindDatetime, data.KindTimespan:
		return strconv.FormatInt(c.Int, 10)
	case data.KindReal:
		return strconv.FormatFloat(c.Real, 'g', -1, 64)
	default:
		return c.Text
	}
}

// Run answers a query without HTTP, token and quota, in the form of the M365D API:
// for measuring, and for looking into the tenant by hand.
func (t *Tenant) Run(ctx context.Context, w io.Writer, query string) error {
	a, err := t.answer(ctx, Call{API: string(m365dAPI), Query: query}, data.Always)
	if err != nil {
		return err
	}
	defer a.release()
	return a.writeTo(w, m365dAPI)
}

// Query answers a query with its cells as they truly are, all rows of it: no cap
// and no fault touches it. An error is the API's text of a refusal.
func (t *Tenant) Query(query string) ([]schema.Column, [][]Cell, error) {
	rel, err := t.relation(context.Background(), query, data.Always)
	if err != nil {
		return nil, nil, err
	}
	var rows [][]Cell
	columns := rel.Columns()
	rel.Scan(func(r *kusto.Row) bool {
		cells := make([]Cell, len(columns))
		for i := range cells {
			cells[i] = cell(rel.Cell(r, i))
		}
		rows = append(rows, cells)
		return true
	})
	return columns, rows, nil
}
