package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"hunting-exporter/pipeline"
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
		"quota after the deadline": {pipeline.ErrTooLate, true},
	} {
		for _, deadline := range []time.Duration{0, time.Hour} {
			t.Run(fmt.Sprint(name, deadline), func(t *testing.T) {
				w := newWorld(1, 70)
				e := onlyLake.exporter(w, &client{w: w}, "run")
				e.Source = source{w: w, page: 7 * time.Second, fail: func(pipeline.Window) error { return c.err }}
				stop := t.Context()
				if deadline > 0 {
					var cancel context.CancelFunc
					stop, cancel = context.WithTimeout(stop, deadline)
					defer cancel()
				}
				r := e.Export(t.Context(), stop, []pipeline.Dataset{ds})[0]
				if !errors.Is(r.Err, c.err) || errors.Is(r.Err, pipeline.ErrStopped) != c.stop {
					t.Errorf("ended with %v", r.Err)
				}
			})
		}
	}
}
