package estimate

import (
	"cmp"
	"slices"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// Bin is a stretch of ticks and the rows that the API counts in it.
type Bin struct{ From, To, Rows int64 }

// Window is the stretch as times.
func (b Bin) Window() hunting.Window {
	return hunting.Window{Start: schema.FromTicks(b.From), End: schema.FromTicks(b.To)}
}

// Histogram is the API's counts of a stretch, by bins that have rows, in order.
type Histogram []Bin

// HistogramOf cuts counts to [from, to).
func HistogramOf(counts []hunting.Count, width time.Duration, from, to int64) Histogram {
	h := make(Histogram, 0, len(counts))
	for _, c := range counts {
		start := schema.ToTicks(c.Start)
		b := Bin{max(start, from), min(start+int64(width/hunting.Tick), to), c.Rows}
		if b.From < b.To && b.Rows > 0 {
			h = append(h, b)
		}
	}
	return h
}

// Ahead is the part of the histogram that is not before from.
func (h Histogram) Ahead(from int64) Histogram {
	at, _ := slices.BinarySearchFunc(h, from, func(b Bin, from int64) int { return cmp.Compare(b.To, from+1) })
	return h[at:]
}

// Cut packs bins from the beginning on into the widest window with at most so many
// rows. It ends where the first bin begins that does not fit, or at to. full is false
// if the very first bin does not fit.
func (h Histogram) Cut(to, most int64) (end, rows int64, fits bool) {
	for i, b := range h {
		if rows+b.Rows > most {
			return b.From, rows, i > 0
		}
		rows += b.Rows
	}
	return to, rows, true
}

const (
	fewest     = 30 // sub-bins of a bin that is counted more finely
	maxRefined = 64 // bins that are refined in one call, at most
	// mostBins bounds the rows of a count: fewer than any cap that Microsoft has had, lest
	// a cap that nobody knows of cut the counts themselves without a word.
	MostBins = 9000
)

// Coarse returns the bins that should be counted more finely before windows of at most
// so many rows are cut, all of one width; none if it does not pay. A border between
// windows falls into a bin as often as the bin has rows, and then wastes half of them.
//
// room is how many rows the answer may have.
func (h Histogram) Coarse(most, room int64) []Bin {
	var waste float64
	var worst []Bin
	for _, b := range h {
		if b.To-b.From > 1 && 20*b.Rows > most {
			worst = append(worst, b)
		}
	}
	slices.SortStableFunc(worst, func(a, b Bin) int { return cmp.Compare(b.Rows, a.Rows) })
	if len(worst) == 0 {
		return nil
	}
	width := SubWidth(worst[0], room)
	worst = slices.DeleteFunc(worst, func(b Bin) bool { return SubWidth(b, room) != width })
	each := int64(time.Duration(worst[0].To-worst[0].From)*hunting.Tick/width) + 1
	worst = worst[:min(int64(len(worst)), maxRefined, room/each)]
	if len(worst) == 0 {
		return nil
	}
	for _, b := range worst {
		share := float64(b.Rows) / float64(most)
		waste += share * share / 2
	}
	if worst[0].Rows <= most && waste < 1.5 {
		return nil
	}
	slices.SortFunc(worst, func(a, b Bin) int { return cmp.Compare(a.From, b.From) })
	return worst
}

// Refined is the histogram with bins replaced by what was counted more finely.
func (h Histogram) Refined(bins []Bin, counts []hunting.Count, width time.Duration) Histogram {
	out := make(Histogram, 0, len(h)+len(counts))
	for _, b := range h {
		at, found := slices.BinarySearchFunc(bins, b.From, func(x Bin, from int64) int { return cmp.Compare(x.From, from) })
		if !found || bins[at] != b {
			out = append(out, b)
			continue
		}
		out = append(out, HistogramOf(counts, width, b.From, b.To)...)
	}
	return out
}

// widths are those of bins: each a multiple of the next, and a day of each.
var widths = []time.Duration{
	time.Hour, 15 * time.Minute, 5 * time.Minute, time.Minute, 20 * time.Second, 5 * time.Second, time.Second,
	200 * time.Millisecond, 40 * time.Millisecond, 8 * time.Millisecond, 2 * time.Millisecond, 400 * time.Microsecond,
	100 * time.Microsecond, 20 * time.Microsecond, 5 * time.Microsecond, time.Microsecond, hunting.Tick,
}

// SubWidth is the width by which a bin is counted more finely: into some thirty sub-bins,
// or fewer where there is no room for them.
func SubWidth(b Bin, room int64) time.Duration {
	length := time.Duration(b.To-b.From) * hunting.Tick
	for i, w := range widths {
		if n := int64(length / w); n >= fewest {
			if n >= room && i > 0 {
				return widths[i-1]
			}
			return w
		}
	}
	return hunting.Tick
}

// WidthFor cuts a stretch into at most so many bins.
func WidthFor(from, to int64, most int64) time.Duration {
	best := widths[0]
	for _, w := range widths {
		if (to-from)/int64(w/hunting.Tick) >= most {
			break
		}
		best = w
	}
	return best
}
