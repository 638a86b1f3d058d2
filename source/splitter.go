package source

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/call"
	"hunting-exporter/source/estimate"
	"hunting-exporter/source/kql"
)

// splitter fetches one planned piece. What does not come in one answer is halved, by
// time down to one tick and then by hash; what does not come at all becomes a gap.
type splitter struct {
	r           *Reader
	ds          hunting.Dataset
	pace        *estimate.Estimator
	open        []piece // the next one last; those of one part lie together
	splitBudget *splitBudget

	trouble  trouble
	cut      int     // answers that had too many rows
	tooLarge []piece // refused for their size
	answers  []sized // so far
}

// sized is a piece and the size of its answer.
type sized struct {
	piece
	bytes int
}

// trouble counts costly answers.
type trouble struct {
	costly    int           // of the planned piece
	spent     time.Duration // on them
	narrowest int           // of a piece that cannot be halved
}

const (
	// suspicious is after how many costly answers to ask whether the API answers at all.
	suspicious = 6
	// hopeless is after how many tries of a piece that cannot be halved to give it up.
	hopeless = 3
	// mostSlices is into how many slices a tick or a table is cut.
	mostSlices = 4096
)

// next makes one call. ok is false if it has nothing to hand over: the piece was
// replaced by smaller ones.
func (f *splitter) next(ctx context.Context) (res result, ok bool) {
	p := f.open[len(f.open)-1]
	f.open = f.open[:len(f.open)-1]
	res.page.Part = p.of
	res.page.More = len(f.open) > 0 && f.open[len(f.open)-1].of == p.of
	if p.rows == 0 { // counted: there is nothing to fetch
		return res, true
	}
	a, err := f.answer(ctx, p)
	if err == nil {
		f.trouble.narrowest = 0
		f.splitBudget.large.Add(1)
		f.answers = append(f.answers, sized{p, int(a.Bytes)})
		res.page.Answer = a
		return res, true
	}
	var e *call.Error
	if !errors.As(err, &e) || !e.Kind.Narrows() {
		return result{err: err}, true
	}
	f.note(p, e)
	smaller, err := f.smaller(ctx, p, e)
	switch {
	case err != nil:
		return result{err: err}, true
	case len(smaller) > 0:
		f.open = append(f.open, smaller...)
		return result{}, false
	}
	f.trouble.narrowest = 0
	res.page.Gap = &hunting.Gap{Part: hunting.Part{Window: p.of.Window, Slice: p.slice}, Reason: e.Reason()}
	return res, true
}

// answer fetches a piece and checks it against what was counted before.
func (f *splitter) answer(ctx context.Context, p piece) (hunting.Answer, error) {
	from, to := p.ticks()
	at := call.Target{Dataset: f.ds.Name, Window: p.of.Window, Rows: f.ds}
	a, err := f.r.rows(ctx, at, kql.Page(f.ds, p.of.Window, p.slice))
	if err != nil {
		return hunting.Answer{}, err
	}
	if err := f.whole(ctx, p, a.Rows()); err != nil {
		a.Release()
		return hunting.Answer{}, err
	}
	if p.slice.N <= 1 {
		f.pace.Answered(to-from, int(a.Rows()), int(a.Bytes))
	}
	return a, nil
}

// whole reports an answer that was cut, though not at SOURCE_MAX_ROWS: at a cap learned
// since, or at one that nobody knows of yet, which shows only by a count.
func (f *splitter) whole(ctx context.Context, p piece, rows int64) error {
	e := &call.Error{Kind: call.TooMany, Dataset: f.ds.Name, Window: p.of.Window}
	if most := f.r.cap.Load(); rows >= most {
		e.Message = fmt.Sprintf("%d rows, the cap was found to be %d: the rest may have been cut", rows, most)
		return e
	}
	if p.rows == unknown || rows >= p.rows {
		return nil
	}
	counts, err := f.r.countLegs(ctx, call.Target{Dataset: f.ds.Name, Window: p.of.Window}, []kql.Leg{{Dataset: f.ds, Windows: []hunting.Window{p.of.Window}}})
	if err != nil && !uncounted(err) {
		return err
	}
	if err == nil && totalOf(counts[0]) <= rows {
		return nil // rows have expired in between
	}
	e.Message = fmt.Sprintf("%d rows where the API counts %d: the rest was cut without a word", rows, p.rows)
	if rows > 0 && rows%1000 == 0 { // as caps are
		f.r.cap.Store(rows)
	}
	return e
}

// note takes in a refusal.
func (f *splitter) note(p piece, e *call.Error) {
	from, to := p.ticks()
	if p.slice.N <= 1 {
		f.pace.Overflowed(to-from, e.Kind == call.TooMany)
	}
	if e.Kind == call.TooLarge {
		if len(f.tooLarge) == 0 {
			f.pace.Unsettle()
		}
		f.tooLarge = append(f.tooLarge, p)
	}
	if e.Kind != call.TooCostly {
		return
	}
	f.trouble.costly++
	f.trouble.spent += e.Took
	if to-from <= 1 || p.slice.N > 1 {
		f.trouble.narrowest++
	}
}

// learn tells the estimate how large those pieces were that were refused for their size, the
// largest first.
func (f *splitter) learn() {
	if len(f.tooLarge) > 0 {
		defer f.pace.Settle()
	}
	for _, refused := range f.tooLarge {
		from, to := refused.ticks()
		var sizes []int
		for _, a := range f.answers {
			start, end := a.ticks()
			if start >= from && end <= to && within(a.slice, refused.slice) {
				sizes = append(sizes, a.bytes)
			}
		}
		if len(f.open) == 0 { // all of its parts have come
			f.pace.Refused(sizes)
		}
	}
}

// within reports whether a slice is a part of another one.
func within(s, of hunting.Slice) bool {
	return of.N <= 1 || s.N >= of.N && s.I%of.N == of.I
}

// smaller is what to fetch instead of a piece that overflowed, the first one last; none
// if it is to be a gap. An error means that the API does not answer at all.
func (f *splitter) smaller(ctx context.Context, p piece, e *call.Error) ([]piece, error) {
	from, to := p.ticks()
	narrowest := to-from <= 1 || p.slice.N > 1 || f.ds.Mode == hunting.ModeSnapshot
	lost := f.splitBudget.lost(e.Kind) || f.trouble.costly >= hopeless && f.trouble.spent > 2*f.r.cfg.Timeout
	// A gateway that is down answers like one that is overburdened. An empty window
	// tells the two apart, lest an outage be taken for a stretch that cannot be had.
	if e.Kind == call.TooCostly && (f.trouble.costly%suspicious == 0 || narrowest || lost) {
		if err := f.r.Probe(ctx, f.ds, p.of.Window); err != nil {
			return nil, err
		}
	}
	switch {
	case lost:
		return nil, nil
	case narrowest && e.Kind == call.TooCostly && f.trouble.narrowest < hopeless:
		return []piece{p}, nil
	case narrowest && (e.Kind == call.TooCostly && f.ds.Mode != hunting.ModeSnapshot || p.slice.N >= mostSlices):
		return nil, nil
	}
	f.r.narrow.Add(1)
	f.r.log.WarnContext(ctx, "window narrowed", call.Target{Dataset: f.ds.Name, Window: p.of.Window}.Attrs(e)...)
	if narrowest {
		return doubled(p), nil
	}
	if f.cut++; e.Kind == call.TooMany && f.cut > 1 && countable(f.ds) {
		if pieces, err := f.replan(ctx, p); err != nil || len(pieces) > 1 {
			return pieces, err
		}
	}
	middle := schema.FromTicks(from + (to-from)/2)
	return []piece{
		{of: hunting.Part{Window: hunting.Window{Start: middle, End: p.of.End}}, rows: unknown},
		{of: hunting.Part{Window: hunting.Window{Start: p.of.Start, End: middle}}, rows: unknown},
	}, nil
}

// replan cuts a piece that had too many rows, and whose halves have, by its counts.
func (f *splitter) replan(ctx context.Context, p piece) (pieces []piece, err error) {
	from, to := p.ticks()
	pl := &planner{r: f.r, ds: f.ds, pace: f.pace, from: from, to: to}
	if err := pl.count(ctx); err != nil || !pl.counted {
		return nil, err
	}
	for pl.from < pl.to {
		next, err := pl.next(ctx)
		if err != nil {
			return nil, err
		}
		pieces = append(f.halves(next), pieces...) // the first one last
	}
	return pieces, nil
}

// doubled is a piece in twice as many slices: those of N*2 that N's slice consists of.
func doubled(p piece) []piece {
	n := max(1, p.slice.N)
	first, second := p, p
	first.rows, second.rows = unknown, unknown
	first.slice = hunting.Slice{I: p.slice.I, N: 2 * n}
	second.slice = hunting.Slice{I: p.slice.I + n, N: 2 * n}
	return []piece{second, first}
}

// halves is a planned piece cut in advance where it was counted to be too much for one
// answer: a tick into slices, anything else in time.
func (f *splitter) halves(p piece) []piece {
	most, _ := f.pace.Rows()
	if p.rows < f.r.cap.Load() && (p.probe || 2*p.rows <= 3*most) {
		return []piece{p}
	}
	from, to := p.ticks()
	n := slicesFor(p.rows, most)
	var out []piece
	for i := n - 1; i >= 0; i-- {
		part := piece{of: p.of, rows: unknown}
		if to-from <= 1 {
			part.slice = hunting.Slice{I: i, N: n}
		} else {
			part.of.Start = schema.FromTicks(from + (to-from)*int64(i)/int64(n))
			part.of.End = schema.FromTicks(from + (to-from)*int64(i+1)/int64(n))
		}
		if part.of.Start.Before(part.of.End) {
			out = append(out, part)
		}
	}
	return out
}

// Probe asks for no time of a window: whether rows would come at all, in the columns that
// the head of a custom query names.
func (r *Reader) Probe(ctx context.Context, ds hunting.Dataset, w hunting.Window) error {
	at := call.Target{Dataset: ds.Name, Window: w, Rows: ds, Costly: true}
	a, err := r.rows(ctx, at, kql.Nothing(ds, w.Start))
	if err != nil {
		return err
	}
	a.Release()
	return nil
}

// splitBudget is how many refusals one Read bears before it leaves what fails as a gap, as wide
// as it is: where nothing can be had, halving would go on for every tick. The next run
// narrows further.
type splitBudget struct {
	costly, large atomic.Int64
}

// steady is a Read's split budget. Answers refused for their size are borne as long as about as
// many halves of them come.
const steady = 64

func newSplitBudget(coarse bool) *splitBudget {
	n := &splitBudget{}
	n.large.Store(steady)
	if !coarse {
		n.costly.Store(steady)
	}
	return n
}

// lost reports whether a refusal of this kind is one too many.
func (n *splitBudget) lost(k call.Kind) bool {
	switch k {
	case call.TooCostly:
		return n.costly.Add(-1) < 0
	case call.TooLarge:
		return n.large.Add(-1) < 0
	}
	return false
}
