package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/schema"
	"hunting-exporter/source/call"
	"hunting-exporter/source/estimate"
	"hunting-exporter/source/kql"
)

const (
	// gathering is how long a count waits for others to travel with.
	gathering = 50 * time.Millisecond
	// mostLegs bounds the counts of one query; each has some hundred bins or two.
	mostLegs = 30
)

// gatherer puts counts that are asked for at the same time into one call.
type gatherer struct {
	mu      sync.Mutex
	waiting []*counting
}

// counting is one count under way.
type counting struct {
	ctx  context.Context
	leg  kql.Leg
	bins []hunting.Count
	err  error
	done chan struct{} // closed when bins or err is set
}

func (c *counting) finish(bins []hunting.Count, err error) {
	c.bins, c.err = bins, err
	close(c.done)
}

// Count asks the API how many rows each bin of a window has. Counts of tables that are
// asked for at about the same time travel in one call.
func (r *Reader) Count(ctx context.Context, q hunting.Counting) ([]hunting.Count, error) {
	if err := kql.Check(q.Dataset); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	c := &counting{ctx: ctx, leg: kql.Leg{Dataset: q.Dataset, Bin: q.Width, Unclocked: q.Unclocked}, done: make(chan struct{})}
	if q.Dataset.Mode != hunting.ModeSnapshot {
		c.leg.Windows = []hunting.Window{q.Window}
	}
	if kql.Alone(q.Dataset) {
		r.countAll([]*counting{c})
		return c.bins, c.err
	}
	r.gather(c)
	select {
	case <-c.done:
		return c.bins, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// gather adds a count to those waiting; the first one sends them all after a while.
func (r *Reader) gather(c *counting) {
	g := &r.gatherer
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting = append(g.waiting, c); len(g.waiting) > 1 {
		return
	}
	time.AfterFunc(gathering, func() {
		defer crash.Exit()
		g.mu.Lock()
		all := g.waiting
		g.waiting = nil
		g.mu.Unlock()
		for part := range slices.Chunk(all, mostLegs) {
			r.countAll(part)
		}
	})
}

// countAll counts in one call. Where that fails because of one of them, the others are
// counted without it.
func (r *Reader) countAll(all []*counting) {
	ctx, cancel := whileWanted(all)
	defer cancel()
	legs := make([]kql.Leg, len(all))
	for i, c := range all {
		legs[i] = c.leg
	}
	bins, err := r.countLegs(ctx, call.Target{Dataset: legs[0].Dataset.Name}, legs)
	switch {
	case err == nil:
		for i, c := range all {
			c.finish(bins[i], nil)
		}
	case len(all) == 1 && errors.Is(err, call.ErrOverflow):
		all[0].finish(r.countHalves(all[0], err))
	case len(all) == 1 || !ofOne(err):
		for _, c := range all {
			c.finish(nil, err)
		}
	default:
		guilty, others := suspects(all, err)
		r.countAll(guilty)
		r.countAll(others)
	}
}

// ofOne reports whether an error of a count of several may be because of one of them: a
// table may be missing, too large, or forbidden though others are not.
func ofOne(err error) bool {
	return errors.Is(err, call.ErrQuery) || errors.Is(err, call.ErrOverflow) || errors.Is(err, call.ErrDenied)
}

// countHalves counts a window by halves, each of whole bins, after it was too much for
// one call; err says so, and is returned where there are no halves.
func (r *Reader) countHalves(c *counting, err error) ([]hunting.Count, error) {
	if len(c.leg.Windows) == 0 || c.leg.Bin == 0 {
		return nil, err
	}
	w := c.leg.Windows[0]
	middle := w.Start.Add(w.End.Sub(w.Start) / 2).Truncate(c.leg.Bin) // from the year 1, as in Kusto
	if !middle.After(w.Start) {
		middle = middle.Add(c.leg.Bin)
	}
	if !middle.Before(w.End) {
		return nil, err
	}
	var bins []hunting.Count
	for _, half := range []hunting.Window{{Start: w.Start, End: middle}, {Start: middle, End: w.End}} {
		part := &counting{ctx: c.ctx, leg: c.leg, done: make(chan struct{})}
		part.leg.Windows = []hunting.Window{half}
		if r.countAll([]*counting{part}); part.err != nil {
			return nil, part.err
		}
		bins = append(bins, part.bins...)
	}
	return bins, nil
}

// suspects parts counts into those of the dataset that the error names and the others,
// or else into halves.
func suspects(all []*counting, err error) (guilty, others []*counting) {
	for _, c := range all {
		if strings.Contains(err.Error(), "'"+c.leg.Dataset.Name+"'") {
			guilty = append(guilty, c)
		} else {
			others = append(others, c)
		}
	}
	if len(guilty) == 0 || len(others) == 0 {
		return all[:len(all)/2], all[len(all)/2:]
	}
	return guilty, others
}

// whileWanted is a context that ends when all who asked have gone, and whose deadline is
// the latest of theirs.
func whileWanted(all []*counting) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(all[0].ctx), lastDeadline(all))
	var mu sync.Mutex
	left := len(all)
	releases := make([]func() bool, 0, len(all))
	for _, c := range all {
		releases = append(releases, context.AfterFunc(c.ctx, func() {
			defer crash.Exit()
			mu.Lock()
			defer mu.Unlock()
			if left--; left == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, release := range releases {
			release()
		}
		cancel()
	}
}

// lastDeadline is when the last one gives up; far away if one never does.
func lastDeadline(all []*counting) time.Time {
	var last time.Time
	for _, c := range all {
		at, ok := c.ctx.Deadline()
		if !ok {
			return time.Now().Add(100 * 365 * 24 * time.Hour)
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

// countLegs asks one query and returns each leg's bins, in order.
func (r *Reader) countLegs(ctx context.Context, p call.Target, legs []kql.Leg) ([][]hunting.Count, error) {
	a, err := r.client.Ask(ctx, p, kql.Count(legs))
	if err != nil {
		return nil, about(legs[0].Dataset, err)
	}
	defer a.Release()
	bins, err := countsOf(&a, len(legs))
	if err != nil {
		e := &call.Error{Kind: call.Unexpected, Message: "the answer to a count: " + err.Error(), Cause: err}
		return nil, e.At(p.Dataset, p.Window)
	}
	return bins, nil
}

// histogram counts a stretch of a dataset; nil: the API does not count it.
func (r *Reader) histogram(ctx context.Context, ds hunting.Dataset, from, to int64) (estimate.Histogram, error) {
	w := hunting.Window{Start: schema.FromTicks(from), End: schema.FromTicks(to)}
	width := estimate.WidthFor(from, to, r.room())
	bins, err := r.countLegs(ctx, call.Target{Dataset: ds.Name, Window: w}, []kql.Leg{{Dataset: ds, Windows: []hunting.Window{w}, Bin: width}})
	if err != nil {
		return nil, err
	}
	return estimate.HistogramOf(bins[0], width, from, to), nil
}

// room is how many rows a count may have.
func (r *Reader) room() int64 { return min(estimate.MostBins, r.cap.Load()/2) }

// finer counts some bins again, more finely.
func (r *Reader) finer(ctx context.Context, ds hunting.Dataset, h estimate.Histogram, bins []estimate.Bin) (estimate.Histogram, error) {
	width := estimate.SubWidth(bins[0], r.room())
	leg := kql.Leg{Dataset: ds, Bin: width}
	for _, b := range bins {
		leg.Windows = append(leg.Windows, b.Window())
	}
	counts, err := r.countLegs(ctx, call.Target{Dataset: ds.Name, Window: leg.Windows[0]}, []kql.Leg{leg})
	if err != nil {
		return nil, err
	}
	return h.Refined(bins, counts[0], width), nil
}

// uncounted reports whether an error of a count means that it can be done without: the
// rows themselves may come all the same, and if not, their own error is the better one.
func uncounted(err error) bool {
	return !hunting.Refused(err) && (ofOne(err) || errors.Is(err, call.ErrUnexpected))
}

// countsOf reads the answer to a query of kql.Count: each leg's bins, in order.
func countsOf(a *hunting.Answer, legs int) ([][]hunting.Count, error) {
	if len(a.Rejects) > 0 {
		return nil, fmt.Errorf("row %s: %s", call.Shorten(string(a.Rejects[0].Row)), a.Rejects[0].Reason)
	}
	all := make([][]hunting.Count, legs)
	for i := range int(a.Rows()) {
		leg, err := integer(a, kql.ColumnLeg, i)
		if err != nil {
			return nil, err
		}
		if leg < 0 || leg >= int64(legs) {
			return nil, fmt.Errorf("%s %d is none of %d", kql.ColumnLeg, leg, legs)
		}
		var c hunting.Count
		if c.Rows, err = integer(a, kql.ColumnRows, i); err != nil {
			return nil, err
		}
		if c.Rows < 0 {
			return nil, fmt.Errorf("%s %d is no count", kql.ColumnRows, c.Rows)
		}
		bins, ok := schema.Find(a.Record, kql.ColumnBin).(*schema.DateTimeArray)
		if !ok {
			return nil, fmt.Errorf("there is no column %s of times", kql.ColumnBin)
		}
		if bins.IsValid(i) {
			c.Start = bins.Value(i)
		}
		all[leg] = append(all[leg], c)
	}
	for _, bins := range all {
		slices.SortFunc(bins, func(a, b hunting.Count) int { return a.Start.Compare(b.Start) })
	}
	return all, nil
}

// integer reads a whole number of a row, whatever type the API gives the column.
func integer(a *hunting.Answer, name string, row int) (int64, error) {
	col := schema.Find(a.Record, name)
	if col == nil || col.IsNull(row) {
		return 0, fmt.Errorf("row %d has no %s", row, name)
	}
	n, err := strconv.ParseInt(col.ValueStr(row), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s %q is no whole number", name, call.Shorten(col.ValueStr(row)))
	}
	return n, nil
}
