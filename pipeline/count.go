package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// counts are the API's counts at the beginning of a run.
type counts struct {
	past      hunting.Window      // read by earlier runs, in whole quarter hours; empty: not counted
	bins      []hunting.Count     // of past
	book      *ledger.Ledger      // as it was when they were counted
	over      []ledger.Difference // of past, where book has more than bins
	ahead     *hunting.Tally      // of what is to be read; nil: not counted
	unclocked error               // not nil: there are rows that no window holds
	failed    error               // not nil: the API has not counted for long
}

// counter asks the API how many rows there are.
type counter struct{ *session }

// count asks for all counts that a run needs at once, so that they travel in one call.
// When the API does not count, reading goes on without.
func (r counter) count(ctx, stop context.Context, horizon time.Time) (counts, error) {
	c := counts{past: r.books.comparable()}
	r.arrive()
	if !r.books.reconciles() {
		return c, nil
	}
	ctx, cancel := until(ctx, stop)
	defer cancel(nil)
	ahead := hunting.Window{Start: r.Doc.Watermark, End: horizon}
	tally := &hunting.Tally{Window: ahead, Width: BinWidth(ahead)}
	asked := []question{
		{hunting.Counting{Dataset: r.ds, Window: c.past, Width: ledger.Width}, &c.bins},
		{hunting.Counting{Dataset: r.ds, Window: ahead, Width: tally.Width}, &tally.Bins},
	}
	events := hunting.Window{Start: c.past.Start, End: horizon}
	if !c.past.Start.Before(c.past.End) {
		events.Start = ahead.Start
	}
	var lost []hunting.Count
	if r.ingested() {
		asked = append(asked, question{r.unclocked(events), &lost})
	}
	if err := r.ask(ctx, asked); err != nil {
		if ctx.Err() != nil || errors.Is(err, hunting.ErrTooLate) {
			return c, stopped(ctx, err)
		}
		if errors.Is(err, hunting.ErrUnreachable) || hunting.Refused(err) {
			return c, err
		}
		r.log.Warn("the API does not count; reading goes on, and late rows are looked for by the next run", "error", err)
		return counts{failed: r.unchecked(err)}, nil
	}
	c.ahead = tally
	if n := total(lost); n > 0 {
		switched, err := r.byEvent(ctx, n)
		if err != nil {
			return c, err
		}
		if switched {
			return r.count(ctx, stop, horizon)
		}
		c.unclocked = &UnclockedError{Rows: n, Window: events}
	}
	err := r.surplus(ctx, &c, horizon)
	return c, err
}

// unchecked is an error if counts have failed for too long.
func (r counter) unchecked(err error) error {
	since := latest(r.Doc.Checked, r.Doc.Ledger.From)
	if since.IsZero() || r.Doc.Watermark.Sub(since) <= r.Limits.Reconcile {
		return nil
	}
	return &UncheckedError{Since: since, Err: err}
}

// ingested reports whether the dataset is cut by ingestion time and could have rows
// without. Of a table that the catalogue does not know, which may have no such time
// column, that is asked only until rows have come.
func (r counter) ingested() bool {
	_, known := schema.Lookup(r.ds.Name)
	return r.ds.Clock == hunting.ClockIngestion && r.ds.Query == "" && r.ds.TimeColumn != "" && (known || r.Doc.Rows == 0)
}

// unclocked asks for rows without ingestion time, by their event time.
func (r counter) unclocked(events hunting.Window) hunting.Counting {
	return hunting.Counting{Dataset: r.ds, Window: events, Width: ledger.Width, Unclocked: true}
}

// lost finds rows of a stretch of the past that have no ingestion time: the first error
// is about them, the second one about the search. How many rows of ahead are to be read it
// asks in the same call, for whoever watches.
func (r counter) lost(ctx, stop context.Context, events hunting.Window, ahead ...hunting.Window) (found, err error) {
	r.arrive()
	ctx, cancel := until(ctx, stop)
	defer cancel(nil)
	var asked []question
	bins := make([][]hunting.Count, len(ahead))
	for i, w := range ahead {
		asked = append(asked, question{hunting.Counting{Dataset: r.ds, Window: w}, &bins[i]})
	}
	var lost []hunting.Count
	if r.ingested() {
		asked = append(asked, question{r.unclocked(events), &lost})
	}
	if len(asked) == 0 {
		return nil, nil
	}
	refused := r.ask(ctx, asked)
	switch {
	case refused != nil && ctx.Err() != nil:
		return nil, stopped(ctx, refused)
	case hunting.Refused(refused):
		return nil, refused
	}
	if n := total(lost); n > 0 {
		switched, err := r.byEvent(ctx, n)
		if switched || err != nil {
			return nil, err
		}
		found = &UnclockedError{Rows: n, Window: events}
	}
	switch rows := total(slices.Concat(bins...)); {
	case refused != nil:
		r.log.Info("it is not known how much there is to backfill", "error", refused)
	case len(ahead) > 0:
		r.log.Info("rows to backfill, as counted", "rows", rows)
		r.Watch.Counted(r.ds.Name, rows)
	}
	return found, nil
}

// byEvent begins a dataset again by event time, since it has rows without ingestion time.
// It does so only if nothing of the dataset was exported yet.
func (r counter) byEvent(ctx context.Context, rows int64) (switched bool, err error) {
	if r.Doc.Rows > 0 || r.Doc.Rejected > 0 || r.ds.FixedClock {
		return false, nil
	}
	r.log.Warn("rows have no ingestion time: the dataset is cut by event time, and EXPORT_RECONCILE must reach as far back as rows come in late", "rows", rows)
	if err := r.Update(ctx, func(d *state.Document) {
		d.Clock = string(hunting.ClockEvent)
		if len(d.Covered) > 0 {
			d.Progress = state.Progress{Watermark: d.Covered[0].Start}
		}
	}); err != nil {
		return false, err
	}
	r.ds.Clock = hunting.ClockEvent
	return true, nil
}

// question is one count and where its answer goes.
type question struct {
	hunting.Counting
	answer *[]hunting.Count
}

// ask asks all at the same time.
func (r counter) ask(ctx context.Context, asked []question) error {
	r.together.wait(ctx)
	errs := make(chan error, len(asked))
	n := 0
	for _, q := range asked {
		if !q.Window.Start.Before(q.Window.End) {
			continue
		}
		n++
		go func() {
			defer crash.Exit()
			bins, err := r.Source.Count(ctx, q.Counting)
			if err != nil && q.Unclocked && ctx.Err() == nil { // such as of a table whose time is text
				r.log.Debug("rows without ingestion time are not counted", "error", err)
				bins, err = nil, nil
			}
			*q.answer = bins
			errs <- err
		}()
	}
	var all error
	for range n {
		if err := <-errs; all == nil || err != nil && !strings.Contains(all.Error(), err.Error()) { // they travel in one call
			all = errors.Join(all, err)
		}
	}
	return all
}

func total(bins []hunting.Count) (rows int64) {
	for _, b := range bins {
		rows += b.Rows
	}
	return rows
}

// widths are those that a day is a multiple of.
var widths = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
}

// BinWidth cuts a window that is to be read into some two hundred bins, not finer than a
// second.
func BinWidth(w hunting.Window) time.Duration {
	for _, d := range widths {
		if w.End.Sub(w.Start) <= 200*d {
			return d
		}
	}
	return widths[len(widths)-1]
}
