package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/state"
)

// ErrIncomplete: what could be exported is, and the API withholds something: it does not
// deliver it, or does not say whether there is more. The error says what.
var ErrIncomplete = errors.New("the export is not complete")

// GapsError: everything that the API delivers is exported; some stretches it does not
// deliver. They are kept and tried again by the next run.
type GapsError struct {
	Gaps []state.Gap
}

// Error says how many there are, and describes the first.
func (e *GapsError) Error() string {
	g := e.Gaps[0]
	return fmt.Sprintf("the API does not deliver %d stretches, the first %s after %d tries: %s; they are tried again each run, see `exporter state show`",
		len(e.Gaps), Window(g.Stretch), g.Tries, g.Reason)
}

// Unwrap gives ErrIncomplete.
func (e *GapsError) Unwrap() error { return ErrIncomplete }

// UnclockedError: rows without ingestion time came in after the dataset had begun to be
// read by ingestion time, so no window holds them.
type UnclockedError struct {
	Rows   int64
	Window Window // of their event times
}

// Error says which rows are meant and what to do.
func (e *UnclockedError) Error() string {
	return fmt.Sprintf("%d rows of %s have no ingestion time and are in no window: they are not exported; export the table under another STATE_URL and LAKE_URL with EXPORT_CURSOR=event",
		e.Rows, e.Window)
}

// Unwrap gives ErrIncomplete.
func (e *UnclockedError) Unwrap() error { return ErrIncomplete }

// UncheckedError: the API has not counted the dataset's rows for longer than
// EXPORT_RECONCILE. Late rows are not lost as long as it counts again within a week.
type UncheckedError struct {
	Since time.Time // up to where counts were compared
	Err   error     // of the last count
}

// Error says since when and why.
func (e *UncheckedError) Error() string {
	return fmt.Sprintf("the API has not counted the rows since %s, so late ones are not found: %v", e.Since.Format(time.RFC3339), e.Err)
}

// Unwrap gives ErrIncomplete and the error of the last count.
func (e *UncheckedError) Unwrap() []error { return []error{ErrIncomplete, e.Err} }

// work is what a run does with a settled dataset. Nothing later in it is held up by a
// stretch that the API does not deliver.
func (r *run) work(ctx, stop context.Context) error {
	if r.ds.Mode == ModeSnapshot {
		r.arrive()
		return r.snapshot(ctx, stop)
	}
	if err := r.chooseClock(); err != nil {
		return err
	}
	if r.Backfill != nil {
		return r.backfill(ctx, stop)
	}
	horizon := r.Horizon().UTC().Truncate(Tick)
	c, err := r.count(ctx, stop, horizon)
	if err != nil {
		return err
	}
	earlier := r.doc.Gaps
	forward := job{kind: KindNew, tally: c.ahead}
	if w := (Window{r.doc.Watermark, horizon}); w.Start.Before(w.End) {
		forward.parts = []Part{{Window: w}}
	}
	if err := r.read(ctx, stop, forward); err != nil {
		return err
	}
	if err := r.late(ctx, stop, c); err != nil {
		return err
	}
	return errors.Join(r.retry(ctx, stop, earlier), c.unclocked, c.failed, r.delivered())
}

// chooseClock takes the clock from the state, once it says one: its windows mean
// nothing by the other clock.
func (r *run) chooseClock() error {
	known := Clock(r.doc.Clock)
	if known == "" || known == r.ds.Clock {
		return nil
	}
	if r.ds.FixedClock {
		return refuse("the state cuts %s by %s time, EXPORT_CURSOR asks for %s time, and windows of the one mean nothing by the other: set EXPORT_CURSOR=%s, or use another STATE_URL and LAKE_URL",
			r.ds.Name, known, r.ds.Clock, known)
	}
	r.ds.Clock = known
	return nil
}

// retry reads gaps of earlier runs again.
func (r *run) retry(ctx, stop context.Context, gaps []state.Gap) error {
	j := job{kind: KindGap}
	for _, g := range gaps {
		j.parts = append(j.parts, Part{Window: Window(g.Stretch), Slice: Slice{I: g.I, N: g.N}})
	}
	return r.read(ctx, stop, j)
}

// delivered is nil if the dataset has no gaps.
func (r *run) delivered() error {
	if len(r.doc.Gaps) == 0 {
		return nil
	}
	return &GapsError{Gaps: r.doc.Gaps}
}

// backfill reads what was never read of a stretch of the past.
func (r *run) backfill(ctx, stop context.Context) error {
	if r.ds.Mode == ModeAggregate {
		return refuse("%s sums up its windows: the rows of a backfill would depend on how it is cut; run the query for the stretch by hand", r.ds.Name)
	}
	lost, err := r.lost(ctx, stop, r.Backfill.Window)
	if err != nil {
		return err
	}
	missing := Missing(r.doc.Progress, r.Backfill.Window)
	if r.Backfill.Newest {
		missing = newestFirst(missing)
	}
	j := job{kind: KindBackfill}
	for _, w := range missing {
		j.parts = append(j.parts, Part{Window: w})
	}
	if err := r.read(ctx, stop, j); err != nil {
		return err
	}
	return errors.Join(lost, r.delivered())
}

// Missing is what of a stretch was never read. Nothing after the watermark is: that is
// left to the runs to come.
func Missing(p state.Progress, w Window) []Window {
	if w.End.After(p.Watermark) {
		w.End = p.Watermark
	}
	if !w.Start.Before(w.End) {
		return nil
	}
	missing := []state.Stretch{state.Stretch(w)}
	for _, c := range p.Covered {
		missing = state.Minus(missing, c)
	}
	windows := make([]Window, len(missing))
	for i, m := range missing {
		windows[i] = Window(m)
	}
	return windows
}

// newestFirst cuts windows at midnight and turns their order round.
func newestFirst(windows []Window) []Window {
	var days []Window
	for _, w := range windows {
		for w.Start.Before(w.End) {
			midnight := w.Start.Truncate(24 * time.Hour).Add(24 * time.Hour)
			if midnight.After(w.End) {
				midnight = w.End
			}
			days = append(days, Window{w.Start, midnight})
			w.Start = midnight
		}
	}
	slices.Reverse(days)
	return days
}

// snapshot exports the table as it stands, unless the last time is not long ago.
func (r *run) snapshot(ctx, stop context.Context) error {
	if r.Backfill != nil {
		return refuse("%s holds how things stand now: there is no past to export", r.ds.Name)
	}
	now := time.Now().UTC().Truncate(Tick)
	if now.Before(r.doc.Snapshot.Add(r.Limits.Snapshot)) {
		return nil
	}
	part := Part{Window: Window{now, now.Add(Tick)}}
	return r.read(ctx, stop, job{kind: KindSnapshot, parts: []Part{part}})
}

// counts are the API's counts at the beginning of a run.
type counts struct {
	past      Window         // read by earlier runs, in whole quarter hours; empty: not counted
	bins      []ledger.Count // of past
	ahead     *Tally         // of what is to be read; nil: not counted
	unclocked error          // not nil: there are rows that no window holds
	failed    error          // not nil: the API has not counted for long
}

// count asks for all counts that a run needs at once, so that they travel in one call.
// When the API does not count, reading goes on without.
func (r *run) count(ctx, stop context.Context, horizon time.Time) (counts, error) {
	c := counts{past: r.comparable()}
	r.arrive()
	if !r.reconciles() {
		return c, nil
	}
	ctx, cancel := until(ctx, stop)
	defer cancel(nil)
	ahead := Window{r.doc.Watermark, horizon}
	tally := &Tally{Window: ahead, Width: BinWidth(ahead)}
	asked := []question{
		{Counting{Dataset: r.ds, Window: c.past, Width: ledger.Width}, &c.bins},
		{Counting{Dataset: r.ds, Window: ahead, Width: tally.Width}, &tally.Bins},
	}
	events := Window{c.past.Start, horizon}
	if !c.past.Start.Before(c.past.End) {
		events.Start = ahead.Start
	}
	var lost []ledger.Count
	if r.ingested() {
		asked = append(asked, question{r.unclocked(events), &lost})
	}
	if err := r.ask(ctx, asked); err != nil {
		if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
			return c, stopped(ctx, err)
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
	return c, nil
}

// unchecked is an error if counts have failed for too long.
func (r *run) unchecked(err error) error {
	since := latest(r.doc.Checked, r.doc.Ledger.From)
	if since.IsZero() || r.doc.Watermark.Sub(since) <= r.Limits.Reconcile {
		return nil
	}
	return &UncheckedError{Since: since, Err: err}
}

// ingested reports whether the dataset is cut by ingestion time and could have rows without.
func (r *run) ingested() bool {
	return r.ds.Clock == ClockIngestion && r.ds.Query == "" && r.ds.TimeColumn != ""
}

// unclocked asks for rows without ingestion time, by their event time.
func (r *run) unclocked(events Window) Counting {
	return Counting{Dataset: r.ds, Window: events, Width: ledger.Width, Unclocked: true}
}

// lost finds rows of a stretch of the past that have no ingestion time: the first error
// is about them, the second one about the search.
func (r *run) lost(ctx, stop context.Context, events Window) (found, err error) {
	r.arrive()
	if !r.ingested() {
		return nil, nil
	}
	ctx, cancel := until(ctx, stop)
	defer cancel(nil)
	var lost []ledger.Count
	if err := r.ask(ctx, []question{{r.unclocked(events), &lost}}); err != nil {
		return nil, stopped(ctx, err)
	}
	n := total(lost)
	if n == 0 {
		return nil, nil
	}
	switched, err := r.byEvent(ctx, n)
	if switched || err != nil {
		return nil, err
	}
	return &UnclockedError{Rows: n, Window: events}, nil
}

// byEvent begins a dataset again by event time, since it has rows without ingestion time.
// It does so only if nothing of the dataset was exported yet.
func (r *run) byEvent(ctx context.Context, rows int64) (switched bool, err error) {
	if r.doc.Rows > 0 || r.doc.Rejected > 0 || r.ds.FixedClock {
		return false, nil
	}
	r.log.Warn("rows have no ingestion time: the dataset is cut by event time from now on, and EXPORT_RECONCILE must reach as far back as rows come in late", "rows", rows)
	doc, err := r.claim.Update(ctx, func(d *state.Document) {
		d.Clock = string(ClockEvent)
		if len(d.Covered) > 0 {
			d.Progress = state.Progress{Watermark: d.Covered[0].Start}
		}
	})
	if err != nil {
		return false, err
	}
	r.doc, r.ds.Clock = doc, ClockEvent
	return true, nil
}

// question is one count and where its answer goes.
type question struct {
	Counting
	answer *[]ledger.Count
}

// ask asks all at the same time.
func (r *run) ask(ctx context.Context, asked []question) error {
	r.together.wait(ctx)
	errs := make(chan error, len(asked))
	n := 0
	for _, q := range asked {
		if !q.Window.Start.Before(q.Window.End) {
			continue
		}
		n++
		go func() {
			bins, err := r.Source.Count(ctx, q.Counting)
			*q.answer = bins
			errs <- err
		}()
	}
	var all error
	for range n {
		all = errors.Join(all, <-errs)
	}
	return all
}

func total(bins []ledger.Count) (rows int64) {
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
func BinWidth(w Window) time.Duration {
	for _, d := range widths {
		if w.End.Sub(w.Start) <= 200*d {
			return d
		}
	}
	return widths[len(widths)-1]
}
