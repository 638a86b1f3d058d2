package pipeline

import (
	"cmp"
	"context"
	"errors"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// reader brings what a pass reads through the stages to commits.
type reader struct{ *session }

// read reads a pass's parts and commits as it goes. After an error of the source what
// came before it is committed all the same.
func (r reader) read(ctx, stop context.Context, j pass) error {
	if len(j.parts) == 0 {
		return nil
	}
	read, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches, readErr := r.batches(read, stop, j)
	err := r.deliver(ctx, j, batches)
	if err == nil {
		return readErr()
	}
	cancel(err) // nobody takes batches any more
	for b := range batches {
		b.v.Release()
		b.release()
	}
	_ = readErr() // the consequence of err
	return err
}

// errTorn: the schema changed between the pages of one part, which one commit must hold.
var errTorn = errors.New("the schema changed while a window was read in slices; nothing of it was committed, run again")

// torn is errTorn, with the columns kept that came up: the next run begins with them, so
// that the same part is not torn again.
func (r reader) torn(ctx context.Context) error {
	err := r.Update(ctx, func(d *state.Document) { d.Columns = r.columns.Columns() })
	return errors.Join(errTorn, err)
}

// deliver gathers batches into attempts and commits each.
func (r reader) deliver(ctx context.Context, j pass, batches <-chan held[hunting.Batch]) (err error) {
	var a *attempt
	defer func() { err = errors.Join(err, a.discard()) }()
	timer := time.NewTimer(r.Limits.Interval)
	defer timer.Stop()
	commit := func() error {
		if a == nil || a.mid {
			return nil
		}
		err := errors.Join(a.explained(a.commit(ctx)), a.discard())
		a = nil
		timer.Reset(r.Limits.Interval)
		return err
	}
	for {
		select {
		case b, more := <-batches:
			if !more {
				return commit() // the pages of a part that was not read to its end are dropped
			}
			if a != nil && !a.accepts(b.v) {
				if err := commit(); err != nil || a != nil {
					b.v.Release()
					b.release()
					return cmp.Or(err, r.torn(ctx))
				}
			}
			if a == nil {
				a = r.begin(j, b.v.Part)
			}
			if err := a.add(ctx, b); err != nil {
				return a.explained(err)
			}
			if a.Rows >= r.Limits.Rows {
				if err := commit(); err != nil {
					return err
				}
			}
		case <-timer.C:
			if err := commit(); err != nil {
				return err
			}
			timer.Reset(r.Limits.Interval)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
