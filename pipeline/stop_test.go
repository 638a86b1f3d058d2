package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/state"
)

// TestATimeOutIsNoStop: that a call, or the way to the API, timed out is a failure, with
// EXPORT_DEADLINE or without; that the quota comes after the deadline is none.
func TestATimeOutIsNoStop(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded} // as net's own, which is one too
	for name, c := range map[string]struct {
		err  error
		stop bool
	}{
		"time-out of the way":      {dial, false},
		"time-out of a call":       {fmt.Errorf("token: %w", context.DeadlineExceeded), false},
		"quota after the deadline": {hunting.ErrTooLate, true},
	} {
		for _, deadline := range []time.Duration{0, time.Hour} {
			t.Run(fmt.Sprint(name, deadline), func(t *testing.T) {
				w := newWorld(1, 70)
				e := onlyLake.exporter(w, &client{w: w}, "run")
				e.Source = fakeSource{w: w, page: 7 * time.Second, fail: func(hunting.Window) error { return c.err }}
				stop := t.Context()
				if deadline > 0 {
					var cancel context.CancelFunc
					stop, cancel = context.WithTimeout(stop, deadline)
					defer cancel()
				}
				r := e.Export(t.Context(), stop, []hunting.Dataset{ds})[0]
				if !errors.Is(r.Err, c.err) || errors.Is(r.Err, pipeline.ErrStopped) != c.stop {
					t.Errorf("ended with %v", r.Err)
				}
			})
		}
	}
}

// TestCancelledRunAbortsItsTransaction: a run that is ended in the middle of a commit leaves
// no read_committed consumer waiting, and the next one need not wait for its lease.
func TestCancelledRunAbortsItsTransaction(t *testing.T) {
	for _, step := range []commit.Step{commit.StepPrepare, commit.StepIntent} {
		t.Run(string(step), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 70)
				ctx, cancel := context.WithCancel(t.Context())
				e := both.exporter(w, &client{w: w}, "cancelled")
				e.AfterStep = func(s commit.Step) {
					if s == step {
						cancel()
					}
				}
				if r := export(ctx, e); !errors.Is(r.Err, context.Canceled) {
					t.Errorf("error = %v, want context.Canceled", r.Err)
				}
				for id, co := range w.broker {
					if len(co.rows) > 0 {
						t.Errorf("%s has a transaction of %d rows open", id, len(co.rows))
					}
				}
				if r := export(t.Context(), both.exporter(w, &client{w: w}, "next")); r.Err != nil {
					t.Errorf("the next run: %v", r.Err)
				}
				w.check(t, both)
			})
		})
	}
}

// TestLostRunLeavesTheNewOwnerAlone: a run whose dataset another one has taken over does
// not fence that one's producer.
func TestLostRunLeavesTheNewOwnerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		c := &client{w: w}
		e := both.exporter(w, c, "old")
		fences, over := 0, false
		e.AfterStep = func(s commit.Step) {
			if s != commit.StepPrepare || over {
				return
			}
			over = true
			w.mu.Lock()
			c.asleep = time.Now().Add(10 * lease) // with its renewals
			w.mu.Unlock()
			time.Sleep(2 * lease)
			if r := export(t.Context(), both.exporter(w, &client{w: w}, "new")); r.Err != nil {
				t.Errorf("the new owner: %v", r.Err)
			}
			for _, co := range w.broker {
				fences = co.epoch
			}
		}
		var lost *state.LostError
		if r := export(t.Context(), e); !errors.As(r.Err, &lost) {
			t.Errorf("error = %v, want that the claim is lost", r.Err)
		}
		for id, co := range w.broker {
			if co.epoch != fences {
				t.Errorf("%s is at epoch %d, the new owner left it at %d", id, co.epoch, fences)
			}
		}
		w.check(t, both)
	})
}
