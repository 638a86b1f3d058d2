package tenant

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"hunting-exporter/schema"
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
func (t *Tenant) Add(name string, columns []schema.Column, rows ...Row) error {
	own, err := columnsOf(columns)
	if err != nil {
		return fmt.Errorf("add to table %s: %w", name, err)
	}
	return t.change(name, func(tbl *table) error {
		seg := &stored{columns: own, visible: visibleOf(rows)}
		for i, r := range rows {
			cells, err := cellsOf(own, r.Cells)
			if err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
			seg.cells = append(seg.cells, cells)
			seg.in = append(seg.in, schema.ToTicks(r.Ingested))
		}
		if err := tbl.merge(own); err != nil {
			return err
		}
		seg.index(tbl.timeColumn)
		tbl.segments = append(tbl.segments, seg)
		return nil
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

// merge adds the columns that the table lacks.
func (t *table) merge(columns []column) error {
	for _, c := range columns {
		have, ok := t.column(c.name)
		if !ok {
			t.columns = append(t.columns, c)
			continue
		}
		if have.kind != c.kind {
			return fmt.Errorf("column %s is %s there, not %s; change it with SetColumns first",
				c.name, kinds[have.kind].api, kinds[c.kind].api)
		}
	}
	if c, ok := t.column("Timestamp"); ok && t.timeColumn == "" && c.kind == kDatetime {
		t.timeColumn = "Timestamp"
	}
	return nil
}

// SetColumns gives a table the columns from now on: a new one is null or made up
// for the rows that are there, a dropped one is gone, a retyped one converted.
func (t *Tenant) SetColumns(name string, columns []schema.Column) error {
	own, err := columnsOf(columns)
	if err != nil {
		return fmt.Errorf("columns of table %s: %w", name, err)
	}
	return t.change(name, func(tbl *table) error {
		tbl.columns = own
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
	return t.change(name, func(tbl *table) error {
		tbl.noIngestion = true
		return nil
	})
}

func cellsOf(columns []column, cells []any) ([]value, error) {
	if len(cells) != len(columns) {
		return nil, fmt.Errorf("%d cells for %d columns", len(cells), len(columns))
	}
	out := make([]value, len(cells))
	for i, c := range cells {
		v, err := cellOf(columns[i].kind, c)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", columns[i].name, err)
		}
		out[i] = v
	}
	return out, nil
}

func cellOf(k kind, cell any) (value, error) {
	var v value
	switch c := cell.(type) {
	case nil:
		return convert(value{}, k), nil
	case bool:
		v = vBool(c)
	case int:
		v = vLong(int64(c))
	case int64:
		v = vLong(c)
	case float64:
		v = vReal(c)
	case time.Time:
		v = vTime(schema.ToTicks(c))
	case string:
		parsed, ok := parseAs(c, k)
		if !ok {
			return v, fmt.Errorf("%q is no %s", c, kinds[k].api)
		}
		return parsed, nil
	default:
		return v, fmt.Errorf("a cell of Go type %T; use nil, bool, int, int64, float64, string or time.Time", cell)
	}
	if v.k == k || v.k == kLong && (k == kInt || k == kReal) {
		return convert(v, k), nil
	}
	return v, fmt.Errorf("a %s in a column of type %s", kinds[v.k].api, kinds[k].api)
}

// stored is rows kept cell by cell.
type stored struct {
	columns  []column
	cells    [][]value
	in, at   []int64
	visible  []int64 // see segment.seen
	inOrder  []uint32
	atOrder  []uint32
	timeless bool
}

// index sorts the rows by both clocks. Rows without an event time come last.
func (s *stored) index(timeColumn string) {
	s.at = make([]int64, len(s.cells))
	c := slices.IndexFunc(s.columns, func(c column) bool { return c.name == timeColumn && c.kind == kDatetime })
	s.timeless = c < 0
	for i := range s.at {
		s.at[i] = noTime
		if c >= 0 && s.cells[i][c].k == kDatetime {
			s.at[i] = s.cells[i][c].n
		}
	}
	s.inOrder, s.atOrder = sorted(s.in), sorted(s.at)
}

func sorted(clock []int64) []uint32 {
	order := make([]uint32, len(clock))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		if c := cmp.Compare(clock[a], clock[b]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	return order
}

func (s *stored) rows() int             { return len(s.cells) }
func (s *stored) ingested(id int) int64 { return s.in[id] }
func (s *stored) event(id int) int64    { return s.at[id] }
func (s *stored) seen() []int64         { return s.visible }

func (s *stored) byIngested(r span) ids { return within(s.inOrder, len(s.in), r, s.ingested) }

func (s *stored) byEvent(r span) ids { return within(s.atOrder, len(s.at), r, s.event) }

func (s *stored) accessor(c column) func(id int) value {
	i := slices.IndexFunc(s.columns, func(own column) bool { return own.name == c.name })
	if i < 0 {
		return nil
	}
	if s.columns[i].kind == c.kind {
		return func(id int) value { return s.cells[id][i] }
	}
	return func(id int) value { return convert(s.cells[id][i], c.kind) }
}
