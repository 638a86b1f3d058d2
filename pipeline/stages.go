package pipeline

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
)

// ErrStopped: the run was asked to stop before the dataset had caught up. What had
// been read completely is committed.
var ErrStopped = errors.New("stopped before the dataset had caught up")

// batches starts the source and the transform stage. The channel is closed when
// both have ended; err then says why they ended early, nil if they read all parts.
// Ending stop makes them end; the batches before it are whole and in order.
func (r reader) batches(ctx, stop context.Context, j pass) (out <-chan held[hunting.Batch], err func() error) {
	read, cancel := until(ctx, stop)
	pages := make(chan held[hunting.Page], r.Limits.Buffer)
	batches := make(chan held[hunting.Batch], r.Limits.Buffer)
	var g errgroup.Group
	g.Go(func() error {
		defer close(pages)
		defer crash.Exit()
		err := r.Source.Read(read, r.reading(j), func(p hunting.Page) error {
			hold, err := r.memory.acquire(read, p.Answer.Bytes)
			if err != nil {
				p.Release()
				return err
			}
			select {
			case pages <- held[hunting.Page]{p, hold}:
				return nil
			case <-read.Done():
				p.Release()
				hold.release()
				return context.Cause(read)
			}
		})
		return stopped(read, err)
	})
	g.Go(func() error {
		defer close(batches)
		defer crash.Exit()
		err := r.transform(ctx, pages, batches)
		cancel(err) // nobody reads pages any more
		for p := range pages {
			p.v.Release()
			p.release()
		}
		return err
	})
	return batches, func() error {
		err := g.Wait()
		cancel(nil)
		return err
	}
}

// reading is what a pass reads. With many gaps, what fails is not narrowed into more.
func (r reader) reading(j pass) hunting.Reading {
	return hunting.Reading{Dataset: r.ds, Parts: j.parts, Tally: j.tally, Pace: r.Doc.Pace, Coarse: len(r.Doc.Gaps) > maxGaps/2}
}

// transform turns pages into batches until pages is closed.
func (r reader) transform(ctx context.Context, pages <-chan held[hunting.Page], batches chan<- held[hunting.Batch]) error {
	for p := range pages {
		part, more, gap := p.v.Part, p.v.More, p.v.Gap
		b := hunting.Batch{}
		if p.v.Answer.Rows() > 0 {
			var err error
			if b, err = r.Transformer.Transform(ctx, r.ds, r.columns, p.v); err != nil {
				p.release()
				return fmt.Errorf("window %s: %w", part.Window, err)
			}
		}
		b.Part, b.More, b.Gap = part, more, gap
		select {
		case batches <- held[hunting.Batch]{b, p.hold}:
		case <-ctx.Done():
			b.Release()
			p.release()
			return context.Cause(ctx)
		}
	}
	return nil
}

// until is ctx, ended with ErrStopped when stop ends, and with stop's deadline, so that
// the source can tell when it is no use to wait.
func until(ctx, stop context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(stop, func() { cancel(ErrStopped) })
	timer := context.CancelFunc(func() {})
	if at, ok := stop.Deadline(); ok {
		ctx, timer = context.WithDeadlineCause(ctx, at, ErrStopped)
	}
	return ctx, func(err error) {
		release()
		timer()
		cancel(err)
	}
}

// stopped is err, or ErrStopped where ctx is the reason for it, or its deadline to come.
func stopped(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, hunting.ErrTooLate):
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
	return err
}

// sinkStage is one sink's goroutine within a commit, fed through a bounded channel.
type sinkStage struct {
	in   chan held[hunting.Batch]
	done chan struct{}
	err  error // set before done is closed
}

// startSink writes what arrives until the channel is closed, or the first error.
func startSink(ctx context.Context, buffer int, write func(context.Context, hunting.Batch) error) *sinkStage {
	s := &sinkStage{in: make(chan held[hunting.Batch], buffer), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer crash.Exit()
		for b := range s.in {
			if s.err == nil {
				s.err = write(ctx, b.v)
			}
			b.v.Release()
			b.release()
		}
	}()
	return s
}

// send hands the stage its own reference to the batch.
func (s *sinkStage) send(ctx context.Context, b held[hunting.Batch]) error {
	b.v.Record.Retain()
	b.retain()
	select {
	case s.in <- b:
		return nil
	case <-ctx.Done():
		b.v.Release()
		b.release()
		return context.Cause(ctx)
	}
}

// close ends the stage and returns its first error.
func (s *sinkStage) close() error {
	close(s.in)
	<-s.done
	return s.err
}
