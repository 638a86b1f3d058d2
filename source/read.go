package source

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
)

// slot is one planned window on its way: its pages in order, or an error as the last.
type slot struct {
	pages   chan result   // closed by the goroutine that fetches
	fetched chan struct{} // closed when all of it has been answered
	release func()        // gives its place back
}

type result struct {
	page pipeline.Page
	err  error
}

// Read hands the pages of the window to emit, complete and in window order. The windows
// of the pages tile the window given. An error of emit ends it.
//
// It fetches ahead: besides the page that is its turn, all Reads together hold at most
// SOURCE_CONCURRENCY-1 pages, so a Read whose emit blocks cannot stop another.
func (r *Reader) Read(ctx context.Context, ds pipeline.Dataset, w pipeline.Window, emit func(pipeline.Page) error) error {
	if err := checkDataset(ds); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	from, to := schema.ToTicks(w.Start), schema.ToTicks(w.End)
	switch {
	case !schema.FromTicks(from).Equal(w.Start), !schema.FromTicks(to).Equal(w.End):
		return fmt.Errorf("source: %s: window %s is not on whole ticks of 100 ns", ds.Name, w)
	case from > to:
		return fmt.Errorf("source: %s: window %s ends before it starts", ds.Name, w)
	}
	ctx, cancel := context.WithCancel(ctx)
	slots := make(chan *slot, r.client.cfg.Concurrency)
	go r.plan(ctx, ds, from, to, slots)
	open, err := deliver(ctx, slots, emit)
	cancel()
	if open != nil {
		open.drain()
	}
	for s := range slots { // ends when plan has ended
		s.drain()
	}
	return err
}

// deliver emits the pages of the slots, which come in window order. It returns the slot
// that it did not finish.
func deliver(ctx context.Context, slots <-chan *slot, emit func(pipeline.Page) error) (*slot, error) {
	for s := range slots {
		for res := range s.pages {
			err := res.err
			if err == nil {
				err = emit(res.page)
			}
			if err != nil {
				return s, err
			}
		}
		s.release()
		// A cancelled slot ends early: no later page may follow what it left out.
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, ctx.Err()
}

// drain lets go of what nobody wants any more.
func (s *slot) drain() {
	for res := range s.pages {
		res.page.Release()
	}
	s.release()
}

// plan cuts [from, to) into windows and starts fetching each as soon as there is room.
func (r *Reader) plan(ctx context.Context, ds pipeline.Dataset, from, to int64, slots chan<- *slot) {
	defer close(slots)
	own := make(chan struct{}, 1) // the place that no other Read can take
	p := r.pace(ds.Name)
	var last *slot
	for from < to {
		width, sure := p.next()
		if !sure && last != nil {
			select {
			case <-last.fetched:
			case <-ctx.Done():
				return
			}
			width, _ = p.next()
		}
		release, err := r.place(ctx, own)
		if err != nil {
			return
		}
		end := to
		if n := (to-from)/width + min(1, (to-from)%width); n > 1 {
			end = from + (to-from)/n + min(1, (to-from)%n) // even parts, none wider than width
		}
		s := &slot{pages: make(chan result), fetched: make(chan struct{}), release: release}
		w := pipeline.Window{Start: schema.FromTicks(from), End: schema.FromTicks(end)}
		go r.window(ctx, ds, w, p, s)
		select {
		case slots <- s:
		case <-ctx.Done():
			s.drain()
			return
		}
		last, from = s, end
	}
}

// place waits for room for one more page. Windows get theirs in order, so the one whose
// turn it is always has one.
func (r *Reader) place(ctx context.Context, own chan struct{}) (release func(), err error) {
	select {
	case own <- struct{}{}:
		return func() { <-own }, nil
	default:
	}
	select {
	case own <- struct{}{}:
		return func() { <-own }, nil
	case r.ahead <- struct{}{}:
		return func() { <-r.ahead }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// window fetches one planned window, in as many pages as it takes.
func (r *Reader) window(ctx context.Context, ds pipeline.Dataset, w pipeline.Window, p *pace, s *slot) {
	defer close(s.pages)
	fetched := sync.OnceFunc(func() { close(s.fetched) })
	defer fetched()
	open := []pipeline.Window{w} // the next one last
	var t trouble
	bytes, parts, tooLargeOnce := 0, 0, false
	for len(open) > 0 {
		next := open[len(open)-1]
		open = open[:len(open)-1]
		res := r.one(ctx, ds, next, p)
		var e *Error
		if errors.As(res.err, &e) && e.kind.narrows() {
			t.add(e.kind, next)
			tooLargeOnce = tooLargeOnce || e.kind == tooLarge
			var instead []pipeline.Window
			if instead, res.err = r.narrower(ctx, ds, next, e, t); res.err == nil {
				open = append(open, instead...)
				continue
			}
		}
		t, bytes, parts = trouble{}, bytes+len(res.page.Body), parts+1
		if len(open) == 0 || res.err != nil {
			if tooLargeOnce && res.err == nil {
				p.refusedAs(bytes, parts)
			}
			fetched()
		}
		select {
		case s.pages <- res:
		case <-ctx.Done():
			res.page.Release()
			return
		}
		if res.err != nil {
			return
		}
	}
}

// one fetches one window as one page.
func (r *Reader) one(ctx context.Context, ds pipeline.Dataset, w pipeline.Window, p *pace) result {
	width := schema.ToTicks(w.End) - schema.ToTicks(w.Start)
	a, err := r.client.fetch(ctx, place{dataset: ds.Name, window: w}, r.request(kql(ds, w)))
	var e *Error
	switch {
	case err == nil:
		p.answered(width, a.rows, len(a.body))
		return result{page: pipeline.Page{Window: w, Body: a.body, Rows: a.rows, Free: a.free}}
	case errors.As(err, &e) && e.kind.narrows():
		p.overflowed(width, e.kind)
	}
	return result{err: err}
}

// trouble counts costly answers since the last complete one.
type trouble struct {
	costly    int
	narrowest int // of them for a window that cannot be halved
}

// Costly answers after which to ask whether the API answers at all, and tries of the
// narrowest window after which to give it up.
const (
	suspicious = 6
	hopeless   = 3
)

func (t *trouble) add(k kind, w pipeline.Window) {
	if k != tooCostly {
		return
	}
	t.costly++
	if w.End.Sub(w.Start) <= pipeline.Tick {
		t.narrowest++
	}
}

// narrower is what to fetch instead of a window that overflowed, the first part last, or
// an error that says why there is nothing.
func (r *Reader) narrower(ctx context.Context, ds pipeline.Dataset, w pipeline.Window, e *Error, t trouble) ([]pipeline.Window, error) {
	from, to := schema.ToTicks(w.Start), schema.ToTicks(w.End)
	// A gateway that is down answers like one that is overburdened. An empty window
	// tells the two apart, lest an outage be taken for a stretch that cannot be had.
	if e.kind == tooCostly && (t.costly%suspicious == 0 || to-from <= 1) {
		empty := pipeline.Window{Start: w.Start, End: w.Start}
		probe := place{dataset: ds.Name, window: w, costly: true}
		a, err := r.client.fetch(ctx, probe, r.request(kql(ds, empty)))
		if err != nil {
			return nil, err
		}
		a.free()
	}
	switch {
	case to-from > 1:
	case e.kind == tooCostly && t.narrowest < hopeless:
		return []pipeline.Window{w}, nil
	default:
		final := e.at(ds.Name, w)
		final.Fix = "a window of 100 ns is the narrowest there is: its rows have to be fetched in another way, such as a custom query with fewer columns or rows"
		return nil, final
	}
	middle := schema.FromTicks(from + (to-from)/2)
	r.narrow.Add(1)
	r.client.log.WarnContext(ctx, "window narrowed", place{dataset: ds.Name, window: w}.attrs(e)...)
	return []pipeline.Window{{Start: middle, End: w.End}, {Start: w.Start, End: middle}}, nil
}
