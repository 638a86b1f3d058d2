// Package data is what rows are made of: values and their types, columns, and tables as
// queries read them.
package data

import (
	"fmt"
	"slices"

	"hunting-exporter/schema"
)

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is one version of a table: a change makes a new one, so that a query
// reads what was there when it began.
type Table struct {
	Name       string
	Columns    []Column
	TimeColumn string // "" for a table without
	Segments   []Segment
	// NoIngestion makes ingestion_time() null, as where Kusto's policy is off.
	NoIngestion bool
}

// NoTime is the event time of a row that has none.
const NoTime = int64(-1 << 62)

// Segment is rows that came in together. Rows are known by id, 0 to Rows()-1.
type Segment interface {
	Rows() int
	Ingested(id int) int64
	Event(id int) int64
	// Accessor reads cells of the column as the given column says; it is nil where
	// the rows do not have the column.
	Accessor(c Column) func(id int) Value
	// ByIngested gives the ids whose clock is in the range, ByEvent at least those.
	ByIngested(s Span) IDs
	ByEvent(s Span) IDs
	// Seen is when queries first see each row, by id; nil where that is when it
	// came in.
	Seen() []int64
}

// IDs is a set of row ids: a part of an order, or a plain run where order is nil.
type IDs struct {
	Order   []uint32
	From, N int
}

// At is the i-th id.
func (s IDs) At(i int) int {
	if s.Order != nil {
		return int(s.Order[s.From+i])
	}
	return s.From + i
}

// Within cuts an order sorted by clock to the span.
func Within(order []uint32, n int, s Span, clock func(id int) int64) IDs {
	all := IDs{Order: order, N: n}
	first := func(limit int64) int {
		lo, hi := 0, n
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if clock(all.At(mid)) < limit {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo
	}
	if s.From >= s.To {
		return IDs{Order: order}
	}
	from := first(s.From)
	to := n
	if s.To != Always.To {
		to = first(s.To)
	}
	return IDs{Order: order, From: from, N: max(0, to-from)}
}

// Column finds a column by its name.
func (t *Table) Column(name string) (Column, bool) {
	i := t.Index(name)
	if i < 0 {
		return Column{}, false
	}
	return t.Columns[i], true
}

// Index is the place of a column, -1 for one that is not there.
func (t *Table) Index(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// NewTable makes an empty table with the catalogue's columns, or none.
func NewTable(name string) *Table {
	t := &Table{Name: name}
	known, ok := schema.Lookup(name)
	if !ok {
		return t
	}
	t.TimeColumn = known.TimeColumn
	for _, c := range known.Columns {
		if k, ok := KindOf(c.Type); ok {
			t.Columns = append(t.Columns, Column{Name: c.Name, Kind: k})
		}
	}
	if c, ok := t.Column(t.TimeColumn); ok && c.Kind != KindDatetime {
		t.TimeColumn = ""
	}
	return t
}

// Merge adds the columns that the table lacks.
func (t *Table) Merge(columns []Column) error {
	for _, c := range columns {
		have, ok := t.Column(c.Name)
		if !ok {
			t.Columns = append(t.Columns, c)
			continue
		}
		if have.Kind != c.Kind {
			return fmt.Errorf("column %s is %s there, not %s; change it with SetColumns first",
				c.Name, have.Kind.API(), c.Kind.API())
		}
	}
	if c, ok := t.Column("Timestamp"); ok && t.TimeColumn == "" && c.Kind == KindDatetime {
		t.TimeColumn = "Timestamp"
	}
	return nil
}

// APIColumns names the columns' types as the APIs do.
func APIColumns(columns []Column) []schema.Column {
	out := make([]schema.Column, len(columns))
	for i, c := range columns {
		out[i] = schema.Column{Name: c.Name, Type: c.Kind.API()}
	}
	return out
}

// ColumnsOf reads columns whose types are named as the APIs name them.
func ColumnsOf(columns []schema.Column) ([]Column, error) {
	out := make([]Column, len(columns))
	for i, c := range columns {
		k, ok := KindOf(c.Type)
		if !ok {
			return nil, fmt.Errorf("column %s: unknown type %q; use the API's type names", c.Name, c.Type)
		}
		out[i] = Column{Name: c.Name, Kind: k}
	}
	return out, nil
}

// Access reads a column of a segment, null or "" where the segment lacks it.
func Access(s Segment, c Column) func(id int) Value {
	get := s.Accessor(c)
	if get != nil {
		return get
	}
	missing := Convert(Value{}, c.Kind)
	return func(int) Value { return missing }
}

// Span is a half-open range of ticks.
type Span struct{ From, To int64 }

// Always is all ticks.
var Always = Span{From: -1 << 63, To: 1<<63 - 1}

// And is the ticks of both.
func (s Span) And(o Span) Span {
	return Span{From: max(s.From, o.From), To: min(s.To, o.To)}
}

// Has says whether a tick is among them.
func (s Span) Has(ticks int64) bool { return ticks >= s.From && ticks < s.To }
