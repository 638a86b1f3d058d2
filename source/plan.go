package source

import (
	"context"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/estimate"
)

// piece is what one call asks for: a part, or a slice of it.
type piece struct {
	of    hunting.Part // read with the last of its pieces
	slice hunting.Slice
	rows  int64 // as counted; unknown if it was not
	probe bool  // it may be too large
}

const unknown = -1

func (p piece) ticks() (from, to int64) {
	return schema.ToTicks(p.of.Start), schema.ToTicks(p.of.End)
}

// planner cuts one part into pieces, in order, each as wide as one answer can hold.
type planner struct {
	r        *Reader
	ds       hunting.Dataset
	pace     *estimate.Estimator
	from, to int64              // what is left
	hist     estimate.Histogram // of what is left
	counted  bool               // there is a histogram
	judged   int64              // rows a window when it was last looked at for coarse bins
}

// planner begins with a part. tally is its counts, if they are there.
func (r *Reader) planner(ctx context.Context, ds hunting.Dataset, p *estimate.Estimator, part hunting.Part, tally *hunting.Tally) (*planner, error) {
	pl := &planner{r: r, ds: ds, pace: p, from: schema.ToTicks(part.Start), to: schema.ToTicks(part.End)}
	switch {
	case tally != nil && !part.Start.Before(tally.Window.Start) && !part.End.After(tally.Window.End):
		pl.hist, pl.counted = estimate.HistogramOf(tally.Bins, tally.Width, pl.from, pl.to), true
	case countable(ds) && !p.Fits(pl.to-pl.from):
		if err := pl.count(ctx); err != nil {
			return nil, err
		}
	}
	return pl, nil
}

// countable reports whether counts of the dataset say anything about its windows.
func countable(ds hunting.Dataset) bool {
	return ds.Mode == hunting.ModeAppend && (ds.Query == "" || ds.TimeColumn != "")
}

// count gets the histogram. Without one, windows are cut by the estimate.
func (pl *planner) count(ctx context.Context) error {
	h, err := pl.r.histogram(ctx, pl.ds, pl.from, pl.to)
	if err != nil && !uncounted(err) {
		return err
	}
	pl.hist, pl.counted = h, err == nil
	return nil
}

// sure reports whether the next piece can be cut before the last one's answer is known.
func (pl *planner) sure() bool {
	if pl.counted {
		_, sure := pl.pace.Rows()
		return sure
	}
	_, sure := pl.pace.Next()
	return sure
}

// next is the next piece; there is one as long as from < to.
func (pl *planner) next(ctx context.Context) (piece, error) {
	if !pl.counted {
		width, _ := pl.pace.Next()
		left := pl.to - pl.from
		end := pl.to
		if n := left/width + min(1, left%width); n > 1 {
			end = pl.from + left/n + min(1, left%n) // even parts, none wider than width
		}
		return pl.take(end, unknown), nil
	}
	most, _ := pl.pace.Rows()
	if err := pl.refine(ctx, most); err != nil {
		return piece{}, err
	}
	ahead := pl.hist.Ahead(pl.from)
	end, rows, fits := ahead.Cut(pl.to, most)
	switch {
	case fits && end < pl.to:
		return pl.probe(ahead, end, rows), nil
	case fits:
		return pl.take(end, rows), nil
	case ahead[0].From > pl.from: // so that what does not fit stands alone
		return pl.take(ahead[0].From, 0), nil
	}
	return pl.take(ahead[0].To, ahead[0].Rows), nil
}

// probe is the piece up to end, or a wider one that shows whether the API delivers more.
func (pl *planner) probe(ahead estimate.Histogram, end, rows int64) piece {
	most, ok := pl.pace.Probe()
	if !ok {
		return pl.take(end, rows)
	}
	if wider, more, fits := ahead.Cut(pl.to, most); fits {
		end, rows = wider, more
	}
	p := pl.take(end, rows)
	p.probe = true
	return p
}

// refine counts coarse bins more finely, for windows of so many rows, as long as that
// pays. It looks again only when windows have become much smaller.
func (pl *planner) refine(ctx context.Context, most int64) error {
	if pl.judged > 0 && 10*most > 8*pl.judged {
		return nil
	}
	pl.judged = most
	for {
		bins := pl.hist.Ahead(pl.from).Coarse(most, pl.r.room())
		if len(bins) == 0 {
			return nil
		}
		finer, err := pl.r.finer(ctx, pl.ds, pl.hist, bins)
		switch {
		case err != nil && uncounted(err):
			return nil
		case err != nil:
			return err
		}
		pl.hist = finer
	}
}

// take is the piece from where the last one ended.
func (pl *planner) take(end, rows int64) piece {
	w := hunting.Window{Start: schema.FromTicks(pl.from), End: schema.FromTicks(end)}
	pl.from = end
	return piece{of: hunting.Part{Window: w}, rows: rows}
}

// snapshotSlices is how many slices a table is cut into; it grows where one does not fit.
func (r *Reader) snapshotSlices(ctx context.Context, ds hunting.Dataset, p *estimate.Estimator) (int, error) {
	counts, err := r.Count(ctx, hunting.Counting{Dataset: ds})
	switch {
	case err != nil && uncounted(err):
		return 1, nil
	case err != nil:
		return 0, err
	}
	most, _ := p.Rows()
	return slicesFor(totalOf(counts), most), nil
}

// slicesFor is the number of slices of at most so many rows; they are never quite even.
func slicesFor(rows, most int64) int {
	return int(max(1, (rows*10+9*most-1)/max(1, 9*most)))
}

// Planned is what reading a window would take.
type Planned struct {
	Windows []hunting.Window // of a snapshot: once for each slice
	Rows    []int64          // as counted; -1: not counted
	Counts  int64            // calls made to find out
}

// Plan cuts a window as Read would, and fetches no rows.
func (r *Reader) Plan(ctx context.Context, q hunting.Reading) (plan Planned, err error) {
	before := r.Stats().Calls
	p := r.pace(q.Dataset.Name)
	p.Recall(q.Pace)
	for _, part := range q.Parts {
		if q.Dataset.Mode == hunting.ModeSnapshot {
			n, err := r.snapshotSlices(ctx, q.Dataset, p)
			if err != nil {
				return plan, err
			}
			for range n {
				plan.add(piece{of: part, rows: unknown})
			}
			continue
		}
		pl, err := r.planner(ctx, q.Dataset, p, part, q.Tally)
		if err != nil {
			return plan, err
		}
		for pl.from < pl.to {
			next, err := pl.next(ctx)
			if err != nil {
				return plan, err
			}
			if next.probe {
				r.size.Probed()
			}
			plan.add(next)
		}
	}
	plan.Counts = r.Stats().Calls - before
	return plan, nil
}

func (p *Planned) add(next piece) {
	p.Windows = append(p.Windows, next.of.Window)
	p.Rows = append(p.Rows, next.rows)
}

func totalOf(counts []hunting.Count) (rows int64) {
	for _, c := range counts {
		rows += c.Rows
	}
	return rows
}
