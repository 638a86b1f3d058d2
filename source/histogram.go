package source

import (
	"cmp"
	"slices"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// bin is a stretch of ticks and the rows that the API counts in it.
type bin struct{ from, to, rows int64 }

func (b bin) window() hunting.Window {
	return hunting.Window{Start: schema.FromTicks(b.from), End: schema.FromTicks(b.to)}
}

// histogram is the API's counts of a stretch, by bins that have rows, in order.
type histogram []bin

// histogramOf cuts counts to [from, to).
func histogramOf(counts []hunting.Count, width time.Duration, from, to int64) histogram {
	h := make(histogram, 0, len(counts))
	for _, c := range counts {
		start := schema.ToTicks(c.Start)
		b := bin{max(start, from), min(start+int64(width/hunting.Tick), to), c.Rows}
		if b.from < b.to && b.rows > 0 {
			h = append(h, b)
		}
	}
	return h
}

// ahead is the part of the histogram that is not before from.
func (h histogram) ahead(from int64) histogram {
	at, _ := slices.BinarySearchFunc(h, from, func(b bin, from int64) int { return cmp.Compare(b.to, from+1) })
	return h[at:]
}

// cut packs bins from the beginning on into the widest window with at most so many
// rows. It ends where the first bin begins that does not fit, or at to. full is false
// if the very first bin does not fit.
func (h histogram) cut(to, most int64) (end, rows int64, fits bool) {
	for i, b := range h {
		if rows+b.rows > most {
			return b.from, rows, i > 0
		}
		rows += b.rows
	}
	return to, rows, true
}

const (
	fewest = 30 // sub-bins of a bin that is counted more finely
	batch  = 64 // bins that are refined in one call, at most
	// mostBins bounds the rows of a count: fewer than any cap that Microsoft has had, lest
	// a cap that nobody knows of cut the counts themselves without a word.
	mostBins = 9000
)

// coarse returns the bins that should be counted more finely before windows of at most
// so many rows are cut, all of one width; none if it does not pay. A border between
// windows falls into a bin as often as the bin has rows, and then wastes half of them.
//
// room is how many rows the answer may have.
func (h histogram) coarse(most, room int64) []bin {
	var waste float64
	var worst []bin
	for _, b := range h {
		if b.to-b.from > 1 && 20*b.rows > most {
			worst = append(worst, b)
		}
	}
	slices.SortStableFunc(worst, func(a, b bin) int { return cmp.Compare(b.rows, a.rows) })
	if len(worst) == 0 {
		return nil
	}
	width := subWidth(worst[0], room)
	worst = slices.DeleteFunc(worst, func(b bin) bool { return subWidth(b, room) != width })
	each := int64(time.Duration(worst[0].to-worst[0].from)*hunting.Tick/width) + 1
	worst = worst[:min(int64(len(worst)), batch, room/each)]
	if len(worst) == 0 {
		return nil
	}
	for _, b := range worst {
		share := float64(b.rows) / float64(most)
		waste += share * share / 2
	}
	if worst[0].rows <= most && waste < 1.5 {
		return nil
	}
	slices.SortFunc(worst, func(a, b bin) int { return cmp.Compare(a.from, b.from) })
	return worst
}

// refined is the histogram with bins replaced by what was counted more finely.
func (h histogram) refined(bins []bin, counts []hunting.Count, width time.Duration) histogram {
	out := make(histogram, 0, len(h)+len(counts))
	for _, b := range h {
		at, found := slices.BinarySearchFunc(bins, b.from, func(x bin, from int64) int { return cmp.Compare(x.from, from) })
		if !found || bins[at] != b {
			out = append(out, b)
			continue
		}
		out = append(out, histogramOf(counts, width, b.from, b.to)...)
	}
	return out
}

// widths are those of bins: each a multiple of the next, and a day of each.
var widths = []time.Duration{
	time.Hour, 15 * time.Minute, 5 * time.Minute, time.Minute, 20 * time.Second, 5 * time.Second, time.Second,
	200 * time.Millisecond, 40 * time.Millisecond, 8 * time.Millisecond, 2 * time.Millisecond, 400 * time.Microsecond,
	100 * time.Microsecond, 20 * time.Microsecond, 5 * time.Microsecond, time.Microsecond, hunting.Tick,
}

// subWidth is the width by which a bin is counted more finely: into some thirty sub-bins,
// or fewer where there is no room for them.
func subWidth(b bin, room int64) time.Duration {
	length := time.Duration(b.to-b.from) * hunting.Tick
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

// widthFor cuts a stretch into at most so many bins.
func widthFor(from, to int64, most int64) time.Duration {
	best := widths[0]
	for _, w := range widths {
		if (to-from)/int64(w/hunting.Tick) >= most {
			break
		}
		best = w
	}
	return best
}
