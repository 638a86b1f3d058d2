package pipeline

import (
	"context"
	"sync"
	"time"
)

// barrierPatience is how long datasets that are ready to count wait for the others.
const barrierPatience = 5 * time.Second

// barrier lets datasets ask for their counts at the same moment, so that these travel
// in one call. Nobody waits for one that has ended, or that is held up for long.
type barrier struct {
	mu      sync.Mutex
	missing int
	met     chan struct{} // closed when all are here, or have ended
}

func newBarrier(n int) *barrier { return &barrier{missing: n, met: make(chan struct{})} }

// arrive is called once a dataset, whether it is ready or has ended.
func (v *barrier) arrive() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.missing--; v.missing == 0 {
		close(v.met)
	}
}

// wait waits for the others. There are none where nobody runs: v is nil.
func (v *barrier) wait(ctx context.Context) {
	if v == nil {
		return
	}
	patience := time.NewTimer(barrierPatience)
	defer patience.Stop()
	select {
	case <-v.met:
	case <-patience.C:
	case <-ctx.Done():
	}
}
