package source

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// throttling is a time in which the API refuses calls for the quota. However many calls run
// into it, it is one warning.
type throttling struct {
	mu       sync.Mutex
	refusals int // in it; 0: there is none
	began    time.Time
	last     time.Time // refusal
}

// refused counts a refusal. first: the throttling begins with it.
func (t *throttling) refused(now time.Time) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refusals == 0 {
		t.began = now
	}
	t.refusals++
	t.last = now
	return t.refusals == 1
}

// over ends the throttling with a call that was answered, if it was sent after the last
// refusal: those under way say nothing.
func (t *throttling) over(sent, now time.Time) (refusals int, lasted time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refusals == 0 || !sent.After(t.last) {
		return 0, 0
	}
	refusals, t.refusals = t.refusals, 0
	return refusals, now.Sub(t.began)
}

// throttled says that a call was refused, as a warning once a throttling.
func (f *pursuit) throttled(ctx context.Context, e *Error) {
	level := slog.LevelDebug
	if f.throttling.refused(f.now()) {
		level = slog.LevelWarn
	}
	f.log.Log(ctx, level, "throttled, everybody waits", append(f.place.attrs(e), slog.Duration("wait", f.wait))...)
}

// answered says so if a throttling has ended with a call sent then.
func (f *pursuit) answered(ctx context.Context, sent time.Time) {
	if n, lasted := f.throttling.over(sent, f.now()); n > 0 {
		f.log.InfoContext(ctx, "throttling is over", slog.Int("refusals", n), slog.Duration("lasted", lasted))
	}
}
