package pipeline

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// budget bounds the bytes of answers that are between the source and the sinks, so
// that memory grows neither with the export nor with the number of datasets.
type budget struct {
	bytes *semaphore.Weighted
	limit int64
}

// newBudget makes a budget of limit bytes; 0 has no bound.
func newBudget(limit int64) *budget {
	if limit <= 0 {
		return nil
	}
	return &budget{bytes: semaphore.NewWeighted(limit), limit: limit}
}

// acquire waits until n bytes are free. What alone exceeds the budget may pass when
// nothing else is in flight.
func (b *budget) acquire(ctx context.Context, n int64) (*hold, error) {
	if b == nil {
		return nil, nil //nolint:nilnil // no bound, nothing to give back
	}
	n = min(n, b.limit)
	if err := b.bytes.Acquire(ctx, n); err != nil {
		return nil, context.Cause(ctx)
	}
	h := &hold{free: func() { b.bytes.Release(n) }}
	h.refs.Store(1)
	return h, nil
}

// hold is a share of the budget, given back when its last holder releases it.
type hold struct {
	refs atomic.Int32
	free func()
}

func (h *hold) retain() {
	if h != nil {
		h.refs.Add(1)
	}
}

func (h *hold) release() {
	if h != nil && h.refs.Add(-1) == 0 {
		h.free()
	}
}

// held is a page or a batch together with its share of the budget.
type held[T any] struct {
	v T
	*hold
}
