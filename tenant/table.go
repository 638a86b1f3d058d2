package tenant

import (
	"fmt"
	"slices"

	"hunting-exporter/schema"
)

type column struct {
	name string
	kind kind
}

// table is one version of a table: a change makes a new one, so that a query
// reads what was there when it began.
type table struct {
	name       string
	columns    []column
	timeColumn string // "" for a table without
	segments   []segment
	// noIngestion makes ingestion_time() null, as where Kusto's policy is off.
	noIngestion bool
}

// noTime is the event time of a row that has none.
const noTime = int64(-1 << 62)

// segment is rows that came in together. Rows are known by id, 0 to rows()-1.
type segment interface {
	rows() int
	ingested(id int) int64
	event(id int) int64
	// accessor reads cells of the column as the given column says; it is nil where
	// the rows do not have the column.
	accessor(c column) func(id int) value
	// byIngested gives the ids whose clock is in the range, byEvent at least those.
	byIngested(s span) ids
	byEvent(s span) ids
	// seen is when queries first see each row, by id; nil where that is when it
	// came in.
	seen() []int64
}

// ids is a set of row ids: a part of an order, or a plain run where order is nil.
type ids struct {
	order   []uint32
	from, n int
}

func (s ids) at(i int) int {
	if s.order != nil {
		return int(s.order[s.from+i])
	}
	return s.from + i
}

// within cuts an order sorted by clock to the span.
func within(order []uint32, n int, s span, clock func(id int) int64) ids {
	all := ids{order: order, n: n}
	first := func(limit int64) int {
		lo, hi := 0, n
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if clock(all.at(mid)) < limit {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo
	}
	if s.from >= s.to {
		return ids{order: order}
	}
	from := first(s.from)
	to := n
	if s.to != always.to {
		to = first(s.to)
	}
	return ids{order: order, from: from, n: max(0, to-from)}
}

func (t *table) column(name string) (column, bool) {
	i := t.index(name)
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

func (t *table) index(name string) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
}

// newTable makes an empty table with the catalogue's columns, or none.
func newTable(name string) *table {
	t := &table{name: name}
	known, ok := schema.Lookup(name)
	if !ok {
		return t
	}
	t.timeColumn = known.TimeColumn
	for _, c := range known.Columns {
		if k, ok := kindOf(c.Type); ok {
			t.columns = append(t.columns, column{name: c.Name, kind: k})
		}
	}
	if c, ok := t.column(t.timeColumn); ok && c.kind != kDatetime {
		t.timeColumn = ""
	}
	return t
}

// change replaces the table by what edit makes of a copy of it.
func (t *Tenant) change(name string, edit func(*table) error) error {
	if !schema.ValidName(name) {
		return fmt.Errorf("table %q: not a name that KQL takes; use letters, digits and _", name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	next := newTable(name)
	if old, ok := t.tables[name]; ok {
		clone := *old
		clone.columns = slices.Clone(old.columns)
		clone.segments = slices.Clone(old.segments)
		next = &clone
	}
	if err := edit(next); err != nil {
		return fmt.Errorf("table %s: %w", name, err)
	}
	t.tables[name] = next
	return nil
}

func apiColumns(columns []column) []schema.Column {
	out := make([]schema.Column, len(columns))
	for i, c := range columns {
		out[i] = schema.Column{Name: c.name, Type: kinds[c.kind].api}
	}
	return out
}

func columnsOf(columns []schema.Column) ([]column, error) {
	out := make([]column, len(columns))
	for i, c := range columns {
		k, ok := kindOf(c.Type)
		if !ok {
			return nil, fmt.Errorf("column %s: unknown type %q; use the API's type names", c.Name, c.Type)
		}
		out[i] = column{name: c.Name, kind: k}
	}
	return out, nil
}

// access reads a column of a segment, null or "" where the segment lacks it.
func access(s segment, c column) func(id int) value {
	get := s.accessor(c)
	if get != nil {
		return get
	}
	missing := convert(value{}, c.kind)
	return func(int) value { return missing }
}
