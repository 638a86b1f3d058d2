package state_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/internal/stopping"
	"hunting-exporter/state"
)

// TestStopEndsRepeatedWrites: once the run is asked to end, a write without an answer is
// not sent again.
func TestStopEndsRepeatedWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		stop, ask := context.WithCancel(t.Context())
		ctx := stopping.With(t.Context(), stop)
		c := hold(t, s)
		defer c.Release(ctx)
		s.put(func(func()) error { return errLost })
		began := time.Now()
		time.AfterFunc(10*time.Second, ask)
		var unknown *state.UnknownError
		if _, err := c.Update(ctx, func(*state.Document) {}); !errors.As(err, &unknown) {
			t.Errorf("update: %v, want UnknownError", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("ended after %s, want 10s", took)
		}
	})
}
