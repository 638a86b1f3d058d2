package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql"
)

// fetching fetches one planned piece. What does not come in one answer is halved, by
// time down to one tick and then by hash; what does not come at all becomes a gap.
type fetching struct {
	r     *Reader
	ds    hunting.Dataset
	pace  *pace
	open  []piece // the next one last; those of one part lie together
	nerve *nerve

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
func (f *fetching) next(ctx context.Context) (res result, ok bool) {
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
		f.nerve.large.Add(1)
		f.answers = append(f.answers, sized{p, int(a.Bytes)})
		res.page.Answer = a
		return res, true
	}
	var e *Error
	if !errors.As(err, &e) || !e.kind.narrows() {
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
	res.page.Gap = &hunting.Gap{Part: hunting.Part{Window: p.of.Window, Slice: p.slice}, Reason: e.reason()}
	return res, true
}

// answer fetches a piece and checks it against what was counted before.
func (f *fetching) answer(ctx context.Context, p piece) (hunting.Answer, error) {
	from, to := p.ticks()
	at := place{dataset: f.ds.Name, window: p.of.Window, rows: f.ds}
	a, err := f.r.rows(ctx, at, kql.Page(f.ds, p.of.Window, p.slice))
	if err != nil {
		return hunting.Answer{}, err
	}
	if err := f.whole(ctx, p, a.Rows()); err != nil {
		a.Release()
		return hunting.Answer{}, err
	}
	if p.slice.N <= 1 {
		f.pace.answered(to-from, int(a.Rows()), int(a.Bytes))
	}
	return a, nil
}

// whole reports an answer that was cut, though not at SOURCE_MAX_ROWS: at a cap learned
// since, or at one that nobody knows of yet, which shows only by a count.
func (f *fetching) whole(ctx context.Context, p piece, rows int64) error {
	e := &Error{kind: tooMany, Dataset: f.ds.Name, Window: p.of.Window}
	if most := f.r.cap.Load(); rows >= most {
		e.Message = fmt.Sprintf("%d rows, the cap was found to be %d: the rest may have been cut", rows, most)
		return e
	}
	if p.rows == unknown || rows >= p.rows {
		return nil
	}
	counts, err := f.r.countLegs(ctx, place{dataset: f.ds.Name, window: p.of.Window}, []kql.Leg{{Dataset: f.ds, Windows: []hunting.Window{p.of.Window}}})
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
func (f *fetching) note(p piece, e *Error) {
	from, to := p.ticks()
	if p.slice.N <= 1 {
		f.pace.overflowed(to-from, e.kind)
	}
	if e.kind == tooLarge {
		if len(f.tooLarge) == 0 {
			f.pace.unsettle()
		}
		f.tooLarge = append(f.tooLarge, p)
	}
	if e.kind != tooCostly {
		return
	}
	f.trouble.costly++
	f.trouble.spent += e.took
	if to-from <= 1 || p.slice.N > 1 {
		f.trouble.narrowest++
	}
}

// learn tells the pace how large those pieces were that were refused for their size, the
// largest first.
func (f *fetching) learn() {
	if len(f.tooLarge) > 0 {
		defer f.pace.settle()
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
			f.pace.refused(sizes)
		}
	}
}

// within reports whether a slice is a part of another one.
func within(s, of hunting.Slice) bool {
	return of.N <= 1 || s.N >= of.N && s.I%of.N == of.I
}

// smaller is what to fetch instead of a piece that overflowed, the first one last; none
// if it is to be a gap. An error means that the API does not answer at all.
func (f *fetching) smaller(ctx context.Context, p piece, e *Error) ([]piece, error) {
	from, to := p.ticks()
	narrowest := to-from <= 1 || p.slice.N > 1 || f.ds.Mode == hunting.ModeSnapshot
	lost := f.nerve.lost(e.kind) || f.trouble.costly >= hopeless && f.trouble.spent > 2*f.r.client.cfg.Timeout
	// A gateway that is down answers like one that is overburdened. An empty window
	// tells the two apart, lest an outage be taken for a stretch that cannot be had.
	if e.kind == tooCostly && (f.trouble.costly%suspicious == 0 || narrowest || lost) {
		if err := f.r.Probe(ctx, f.ds, p.of.Window); err != nil {
			return nil, err
		}
	}
	switch {
	case lost:
		return nil, nil
	case narrowest && e.kind == tooCostly && f.trouble.narrowest < hopeless:
		return []piece{p}, nil
	case narrowest && (e.kind == tooCostly && f.ds.Mode != hunting.ModeSnapshot || p.slice.N >= mostSlices):
		return nil, nil
	}
	f.r.narrow.Add(1)
	f.r.client.log.WarnContext(ctx, "window narrowed", place{dataset: f.ds.Name, window: p.of.Window}.attrs(e)...)
	if narrowest {
		return doubled(p), nil
	}
	if f.cut++; e.kind == tooMany && f.cut > 1 && countable(f.ds) {
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
func (f *fetching) replan(ctx context.Context, p piece) (pieces []piece, err error) {
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
func (f *fetching) halves(p piece) []piece {
	most, _ := f.pace.rows()
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
	at := place{dataset: ds.Name, window: w, rows: ds, costly: true}
	a, err := r.rows(ctx, at, kql.Nothing(ds, w.Start))
	if err != nil {
		return err
	}
	a.Release()
	return nil
}
