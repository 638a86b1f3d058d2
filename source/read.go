package source

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/schema"
	"hunting-exporter/source/estimate"
	"hunting-exporter/source/kql"
)

// slot is one planned piece on its way: its pages in order, or an error as the last.
type slot struct {
	piece   piece
	more    bool          // another slot has further pieces of the same part
	pages   chan result   // closed by the goroutine that fetches
	fetched chan struct{} // closed when all of it has been answered
	release func()        // gives its place back
}

// answered reports whether all of the slot has been answered.
func (s *slot) answered() bool {
	select {
	case <-s.fetched:
		return true
	default:
		return false
	}
}

type result struct {
	page hunting.Page
	err  error
}

// Read hands the pages of the parts to emit, complete and in order. The windows of the
// pages tile the parts. What the API does not deliver, though it answers, is a page
// with a Gap; any other failure is an error, as is one of emit.
//
// It fetches ahead: besides the page that is its turn, all Reads together hold at most
// SOURCE_CONCURRENCY-1 pages, so a Read whose emit blocks cannot stop another.
func (r *Reader) Read(ctx context.Context, q hunting.Reading, emit func(hunting.Page) error) error {
	if err := kql.Check(q.Dataset); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	for _, part := range q.Parts {
		if err := checkWindow(part.Window); err != nil {
			return fmt.Errorf("source: %s: %w", q.Dataset.Name, err)
		}
	}
	r.pace(q.Dataset.Name).Recall(q.Pace)
	ctx, cancel := context.WithCancel(ctx)
	slots := make(chan *slot, r.cfg.Concurrency)
	var planErr error
	go func() {
		defer close(slots)
		defer crash.Exit()
		planErr = r.plan(ctx, q, slots)
	}()
	open, err := deliver(ctx, slots, emit)
	cancel()
	if open != nil {
		open.drain()
	}
	for s := range slots { // ends when plan has ended
		s.drain()
	}
	if err == nil {
		err = planErr
	}
	return err
}

func checkWindow(w hunting.Window) error {
	from, to := schema.ToTicks(w.Start), schema.ToTicks(w.End)
	switch {
	case !schema.FromTicks(from).Equal(w.Start), !schema.FromTicks(to).Equal(w.End):
		return fmt.Errorf("window %s is not on whole ticks of 100 ns", w)
	case from > to:
		return fmt.Errorf("window %s ends before it starts", w)
	}
	return nil
}

// deliver emits the pages of the slots, which come in order. It returns the slot that
// it did not finish.
func deliver(ctx context.Context, slots <-chan *slot, emit func(hunting.Page) error) (*slot, error) {
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

// plan cuts the parts into pieces and starts fetching each as soon as there is room.
func (r *Reader) plan(ctx context.Context, q hunting.Reading, slots chan<- *slot) error {
	l := &prefetcher{
		r: r, ds: q.Dataset, pace: r.pace(q.Dataset.Name), splitBudget: newSplitBudget(q.Coarse),
		own: make(chan struct{}, 1), slots: slots,
	}
	for _, part := range q.Parts {
		var err error
		switch {
		case q.Dataset.Mode == hunting.ModeSnapshot:
			err = l.snapshot(ctx, part)
		case part.Slice.N > 1:
			err = l.launch(ctx, piece{of: part, slice: part.Slice, rows: unknown}, false)
		default:
			err = l.window(ctx, part, q.Tally)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prefetcher starts the pieces of one Read.
type prefetcher struct {
	r           *Reader
	ds          hunting.Dataset
	pace        *estimate.Estimator
	splitBudget *splitBudget
	own         chan struct{} // the place that no other Read can take
	slots       chan<- *slot
	open        []*slot // whose pieces may still be under way
}

// window launches a part piece by piece: while little is known, each waits for the answer
// before it.
func (l *prefetcher) window(ctx context.Context, part hunting.Part, tally *hunting.Tally) error {
	pl, err := l.r.planner(ctx, l.ds, l.pace, part, tally)
	if err != nil {
		return err
	}
	for pl.from < pl.to {
		if err := l.await(ctx, pl); err != nil {
			return err
		}
		next, err := pl.next(ctx)
		if err != nil {
			return err
		}
		if err := l.launch(ctx, next, false); err != nil {
			return err
		}
	}
	return nil
}

// await waits for answers under way until the next piece can be cut.
func (l *prefetcher) await(ctx context.Context, pl *planner) error {
	for len(l.open) > 0 && !pl.sure() {
		select {
		case <-l.open[0].fetched:
			l.open = l.open[1:]
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// snapshot launches a whole table in slices.
func (l *prefetcher) snapshot(ctx context.Context, part hunting.Part) error {
	n, err := l.r.snapshotSlices(ctx, l.ds, l.pace)
	if err != nil {
		return err
	}
	for i := range n {
		p := piece{of: part, rows: unknown}
		if n > 1 {
			p.slice = hunting.Slice{I: i, N: n}
		}
		if err := l.launch(ctx, p, i < n-1); err != nil {
			return err
		}
	}
	return nil
}

// launch starts a piece once there is room for its page.
func (l *prefetcher) launch(ctx context.Context, p piece, more bool) error {
	release, err := l.r.place(ctx, l.own)
	if err != nil {
		return err
	}
	s := &slot{piece: p, more: more, pages: make(chan result), fetched: make(chan struct{}), release: release}
	go func() {
		defer crash.Exit()
		l.fetch(ctx, s)
	}()
	select {
	case l.slots <- s:
	case <-ctx.Done():
		s.drain()
		return ctx.Err()
	}
	if p.rows == 0 {
		return nil
	}
	l.open = slices.DeleteFunc(l.open, func(s *slot) bool { return s.answered() })
	l.open = append(l.open, s)
	return nil
}

// place waits for room for one more page. Pieces get theirs in order, so the one whose
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

// fetch fetches a slot's piece, in as many pages as it takes.
func (l *prefetcher) fetch(ctx context.Context, s *slot) {
	defer close(s.pages)
	f := &splitter{r: l.r, ds: l.ds, pace: l.pace, splitBudget: l.splitBudget}
	f.open = f.halves(s.piece)
	fetched := sync.OnceFunc(func() {
		f.learn()
		if s.piece.probe {
			l.r.size.Probed()
		}
		close(s.fetched)
	})
	defer fetched()
	for len(f.open) > 0 {
		res, ok := f.next(ctx)
		if !ok {
			continue
		}
		if len(f.open) == 0 || res.err != nil {
			fetched()
		}
		res.page.More = res.page.More || len(f.open) == 0 && s.more
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
