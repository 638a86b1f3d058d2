package pipeline

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// ErrStopped: the run was asked to stop before the dataset had caught up. What had
// been read completely is committed.
var ErrStopped = errors.New("stopped before the dataset had caught up")

// batches starts the source and the transform stage. The channel is closed when
// both have ended; err then says why they ended early, nil if they read the whole
// window. Ending stop makes them end; the batches before it are whole and in order.
func (r *run) batches(ctx, stop context.Context, w Window) (out <-chan Batch, err func() error) {
	read, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(stop, func() { cancel(ErrStopped) })
	pages := make(chan Page, r.Limits.Buffer)
	batches := make(chan Batch, r.Limits.Buffer)
	var g errgroup.Group
	g.Go(func() error {
		defer close(pages)
		err := r.Source.Read(read, r.ds, w, func(p Page) error {
			select {
			case pages <- p:
				return nil
			case <-read.Done():
				p.Release()
				return context.Cause(read)
			}
		})
		if read.Err() != nil {
			return context.Cause(read)
		}
		return err
	})
	g.Go(func() error {
		defer close(batches)
		err := r.transform(ctx, pages, batches)
		cancel(err) // nobody reads pages any more
		for p := range pages {
			p.Release()
		}
		return err
	})
	return batches, func() error {
		err := g.Wait()
		unhook()
		cancel(nil)
		return err
	}
}

// transform turns pages into batches until pages is closed.
func (r *run) transform(ctx context.Context, pages <-chan Page, batches chan<- Batch) error {
	for p := range pages {
		w := p.Window
		b, err := r.Transformer.Transform(ctx, r.ds, p)
		if err != nil {
			return fmt.Errorf("window %s: %w", w, err)
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			b.Release()
			return context.Cause(ctx)
		}
	}
	return nil
}

// sinkStage is one sink's goroutine within a commit, fed through a bounded channel.
type sinkStage struct {
	in   chan Batch
	done chan struct{}
	err  error // set before done is closed
}

// startSink writes what arrives until the channel is closed, or the first error.
func startSink(ctx context.Context, buffer int, write func(context.Context, Batch) error) *sinkStage {
	s := &sinkStage{in: make(chan Batch, buffer), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for b := range s.in {
			if s.err == nil {
				s.err = write(ctx, b)
			}
			b.Release()
		}
	}()
	return s
}

// send hands the stage its own reference to the batch.
func (s *sinkStage) send(ctx context.Context, b Batch) error {
	b.Record.Retain()
	select {
	case s.in <- b:
		return nil
	case <-ctx.Done():
		b.Release()
		return context.Cause(ctx)
	}
}

// close ends the stage and returns its first error.
func (s *sinkStage) close() error {
	close(s.in)
	<-s.done
	return s.err
}
