package rows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
)

// Put gives a table rows, of columns that it gets where it lacks them; visible is when
// queries see each row, nil where that is when it came in.
func Put(tbl *data.Table, columns []data.Column, cells [][]data.Value, in, visible []int64) error {
	if err := tbl.Merge(columns); err != nil {
		return err
	}
	s := &stored{columns: columns, cells: cells, in: in, visible: visible}
	s.index(tbl.TimeColumn)
	tbl.Segments = append(tbl.Segments, s)
	return nil
}

// stored is rows kept cell by cell.
type stored struct {
	columns []data.Column
	cells   [][]data.Value
	in, at  []int64
	visible []int64 // see data.Segment
	inOrder []uint32
	atOrder []uint32
}

// index sorts the rows by both clocks. Rows without an event time come last.
func (s *stored) index(timeColumn string) {
	s.at = make([]int64, len(s.cells))
	c := slices.IndexFunc(s.columns, func(c data.Column) bool { return c.Name == timeColumn && c.Kind == data.KindDatetime })
	for i := range s.at {
		s.at[i] = data.NoTime
		if c >= 0 && s.cells[i][c].Kind == data.KindDatetime {
			s.at[i] = s.cells[i][c].Int
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

func (s *stored) Rows() int             { return len(s.cells) }
func (s *stored) Ingested(id int) int64 { return s.in[id] }
func (s *stored) Event(id int) int64    { return s.at[id] }
func (s *stored) Seen() []int64         { return s.visible }

func (s *stored) ByIngested(r data.Span) data.IDs {
	return data.Within(s.inOrder, len(s.in), r, s.Ingested)
}

func (s *stored) ByEvent(r data.Span) data.IDs { return data.Within(s.atOrder, len(s.at), r, s.Event) }

func (s *stored) Accessor(c data.Column) func(id int) data.Value {
	i := slices.IndexFunc(s.columns, func(own data.Column) bool { return own.Name == c.Name })
	if i < 0 {
		return nil
	}
	if s.columns[i].Kind == c.Kind {
		return func(id int) data.Value { return s.cells[id][i] }
	}
	return func(id int) data.Value { return data.Convert(s.cells[id][i], c.Kind) }
}

// CellsOf makes the cells of a row of Go's values: nil (null), bool, int, int64, float64, string
// or time.Time; of another type a cell's text.
func CellsOf(columns []data.Column, cells []any) ([]data.Value, error) {
	if len(cells) != len(columns) {
		return nil, fmt.Errorf("%d cells for %d columns", len(cells), len(columns))
	}
	out := make([]data.Value, len(cells))
	for i, c := range cells {
		v, err := cellOf(columns[i].Kind, c)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", columns[i].Name, err)
		}
		out[i] = v
	}
	return out, nil
}

func cellOf(k data.Kind, cell any) (data.Value, error) {
	var v data.Value
	switch c := cell.(type) {
	case nil:
		return data.Convert(data.Value{}, k), nil
	case bool:
		v = data.Bool(c)
	case int:
		v = data.Long(int64(c))
	case int64:
		v = data.Long(c)
	case float64:
		v = data.Real(c)
	case time.Time:
		v = data.Datetime(schema.ToTicks(c))
	case string:
		parsed, ok := data.ParseAs(c, k)
		if !ok {
			return v, fmt.Errorf("%q is no %s", c, k.API())
		}
		return parsed, nil
	default:
		return v, fmt.Errorf("a cell of Go type %T; use nil, bool, int, int64, float64, string or time.Time", cell)
	}
	if v.Kind == k || v.Kind == data.KindLong && (k == data.KindInt || k == data.KindReal) {
		return data.Convert(v, k), nil
	}
	return v, fmt.Errorf("a %s in a column of type %s", v.Kind.API(), k.API())
}
