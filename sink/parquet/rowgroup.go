package parquet

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet/file"
)

// rowGroup gathers rows of one file in buffers of its own, so that the batches they came
// in are free at once, and so that they can be sorted as a whole. The buffers are lent by
// the pool until reset.
type rowGroup struct {
	columns []groupColumn
	pool    *pool.Pool
	limit   int
	room    int     // rows that there is memory for
	ticks   []int64 // by which rows are sorted; noTime sorts last
	values  []file.Values
}

// noTime is later than every time.
const noTime = math.MaxInt64

func newRowGroup(s *fileSchema, limit int, p *pool.Pool) *rowGroup {
	g := &rowGroup{columns: make([]groupColumn, len(s.columns)), pool: p, limit: limit}
	for i, c := range s.columns {
		g.columns[i] = groupColumn{column: c, pool: p}
	}
	return g
}

func (g *rowGroup) rows() int { return len(g.ticks) }

// full: a row group ends for all columns at once.
func (g *rowGroup) full() bool { return g.rows() >= g.limit || g.held() >= openBytes }

// held is how many bytes of memory the rows take.
func (g *rowGroup) held() int64 {
	n := int64(8 * cap(g.ticks))
	for i := range g.columns {
		n += g.columns[i].held()
	}
	return n
}

// reset empties the row group and gives the buffers back. Only the dictionaries keep
// their memory.
func (g *rowGroup) reset() {
	pool.Return(g.pool, g.ticks)
	g.ticks, g.room = nil, 0
	for i := range g.columns {
		g.columns[i].reset()
	}
}

// add copies rows of a record. event gives the time by which they are sorted; nil: none.
func (g *rowGroup) add(rec arrow.Record, event *schema.DateTimeArray, rows []int32) error {
	have := g.rows()
	if n := have + len(rows); n > g.room {
		if g.room = min(g.limit, 2*n); 4*n >= g.limit { // likely to be filled
			g.room = g.limit
		}
	}
	g.ticks = pool.Reserve(g.pool, g.ticks, g.room)
	for _, row := range rows {
		at := int64(noTime)
		if event != nil && event.IsValid(int(row)) {
			at = event.Ticks()[row]
		}
		g.ticks = append(g.ticks, at)
	}
	from := picked{rows: rows, adjacent: adjacent(rows)}
	for i := range g.columns {
		c := &g.columns[i]
		if err := c.add(rec.Column(i), have, from, g.room); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return nil
}

// write hands the rows over, sorted by time. timeColumn is the one that they are sorted
// by; negative: none, then they stay as they came.
func (g *rowGroup) write(to *file.Writer, timeColumn int) error {
	g.values = g.values[:0]
	for i := range g.columns {
		v, err := g.columns[i].finish(g.rows())
		if err != nil {
			return fmt.Errorf("column %s: %w", g.columns[i].name, err)
		}
		g.values = append(g.values, v)
	}
	return to.WriteRowGroup(g.rows(), g.values, g.sorted(), timeColumn)
}

// sorted is the order of time; nil: the rows lie in it.
func (g *rowGroup) sorted() []int32 {
	if slices.IsSorted(g.ticks) {
		return nil
	}
	order := make([]int32, len(g.ticks))
	for i := range order {
		order[i] = int32(i)
	}
	sortByTime(order, g.ticks, nil)
	return order
}

// sortByTime sorts rows of one day by their ticks; packed is memory for reuse.
func sortByTime(rows []int32, ticks []int64, packed []uint64) []uint64 {
	// The time from the first on and the row's number in one number each: a day of ticks has
	// 40 bits, a row's number 24. The order of more rows is left to whoever needs it.
	const rowBits, timeless = 24, 1<<40 - 1
	if len(ticks) > 1<<rowBits {
		return packed
	}
	first := int64(noTime)
	for _, row := range rows {
		first = min(first, ticks[row])
	}
	packed = slices.Grow(packed[:0], len(rows))
	for _, row := range rows {
		since := uint64(timeless)
		if at := ticks[row]; at != noTime {
			since = uint64(at - first)
		}
		packed = append(packed, since<<rowBits|uint64(row))
	}
	slices.Sort(packed)
	for i, p := range packed {
		rows[i] = int32(p & (1<<rowBits - 1))
	}
	return packed
}
