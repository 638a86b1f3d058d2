package parquet

import (
	"cmp"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

const ticksPerDay = int64(24 * time.Hour / hunting.Tick)

// route is the rows of a batch that fall on one day.
type route struct {
	day  int64 // days since 1970
	rows []int32
}

// router sends rows to days; it keeps its slices between batches.
type router struct {
	ticks  []int64
	order  []int32
	packed []uint64
	routes []route
}

// route groups the batch's rows by the UTC day of their event, in the order of days, and
// those of a day in the order of time: they are still near in memory, which they no longer
// are when their row group is sorted.
//
// The day is that of the event's own time; without one, that of the ingestion, and
// without that either, the window's start.
func (r *router) route(timeColumn string, b hunting.Batch) []route {
	n := int(b.Record.NumRows())
	r.ticks = slices.Grow(r.ticks[:0], n)[:n]
	r.order = slices.Grow(r.order[:0], n)[:n]
	start := schema.ToTicks(b.Window.Start)
	event, ingestion := times(b.Record, timeColumn), times(b.Record, schema.IngestionTime)
	for i := range n {
		r.order[i] = int32(i)
		switch {
		case event != nil && event.IsValid(i):
			r.ticks[i] = event.Ticks()[i]
		case ingestion != nil && ingestion.IsValid(i):
			r.ticks[i] = ingestion.Ticks()[i]
		default:
			r.ticks[i] = start
		}
	}
	r.routes = r.routes[:0]
	day := func(row int32) int64 { return floorDiv(r.ticks[row], ticksPerDay) }
	if byDay := func(x, y int32) int { return cmp.Compare(day(x), day(y)) }; !slices.IsSortedFunc(r.order, byDay) {
		slices.SortStableFunc(r.order, byDay)
	}
	for from := 0; from < n; {
		first := day(r.order[from])
		to := from + 1
		for to < n && day(r.order[to]) == first {
			to++
		}
		if event != nil {
			r.packed = sortByTime(r.order[from:to], r.ticks, r.packed)
		}
		r.routes = append(r.routes, route{day: first, rows: r.order[from:to]})
		from = to
	}
	return r.routes
}

// times returns a column of times; nil if there is none of that name.
func times(rec arrow.Record, name string) *schema.DateTimeArray {
	if name == "" {
		return nil
	}
	a, _ := schema.Find(rec, name).(*schema.DateTimeArray)
	return a
}

func dayName(day int64) string {
	return schema.FromTicks(day * ticksPerDay).Format("2006-01-02")
}

// floorDiv divides towards minus infinity, so that times before 1970 fall on their
// own day and their cut-off digits are cut as those of later times are.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
