package pipeline

import (
	"context"
	"errors"
	"time"

	"hunting-exporter/internal/stopping"
	"hunting-exporter/state"
)

// closeTransaction ends what a failed commit left open: until then read_committed
// consumers of the topic would wait, up to the transaction's timeout.
func (r *run) closeTransaction(ctx context.Context) {
	var lost *state.LostError
	if !r.open || errors.As(r.claim.Err(), &lost) { // the new owner has fenced, or will
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := r.kafka.Fence(ctx); err != nil {
		r.log.Warn("a transaction stays open until the next run or its timeout; read_committed consumers wait", "error", err)
	}
}

// afterwards is for what a run does last, cancelled or stopped or not: a few seconds.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(stopping.With(context.WithoutCancel(ctx), context.Background()), 10*time.Second)
}
