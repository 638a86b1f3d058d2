package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"hunting-exporter/hunting"
)

// reachPatience is how long an API that was never reached is tried for.
const reachPatience = 30 * time.Second

// reach knows whether the API was ever reached. One that was not is not worth the retries
// of one that fails in the middle of a run: its address is wrong, or the way is closed, and
// that is so for all calls.
type reach struct {
	mu      sync.Mutex
	reached bool
	since   time.Time // the first call; zero: none yet
	told    bool
	lost    *Error // the verdict; nil: none
	waiting map[*context.CancelFunc]struct{}
}

// try notes that a call goes out.
func (r *reach) try(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.IsZero() {
		r.since = now
	}
}

// arrived notes that there is a connection to the API.
func (r *reach) arrived() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = true
}

// never reports whether no call has reached the API so far.
func (r *reach) never() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.reached
}

// missed takes in a call that did not reach the API. It returns how long there is left for
// others, and whether it was the first.
func (r *reach) missed(now time.Time) (left time.Duration, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, r.told = !r.told, true
	return reachPatience - now.Sub(r.since), first
}

// give ends all calls with a verdict, unless one has come through meanwhile.
func (r *reach) give(verdict *Error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reached {
		return false
	}
	if r.lost == nil {
		r.lost = verdict
	}
	for end := range r.waiting {
		(*end)()
	}
	return true
}

// verdict is what all calls ended with; nil: none.
func (r *reach) verdict() *Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// while is ctx until the verdict.
func (r *reach) while(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost != nil {
		end()
	}
	if r.waiting == nil {
		r.waiting = map[*context.CancelFunc]struct{}{}
	}
	r.waiting[&end] = struct{}{}
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.waiting, &end)
		end()
	}
}

// knock waits for the next try to reach an API that no call has reached so far, or ends
// all of them.
func (f *pursuit) knock(ctx context.Context, e, final *Error) error {
	left, first := f.reach.missed(f.now())
	if left <= 0 {
		if f.reach.give(f.unreachable(e)) {
			return final
		}
		return f.pause(ctx, e, final)
	}
	d, stop := f.backoff.Next()
	if stop || d > left {
		d = left
	}
	f.retries.Add(1)
	level := slog.LevelDebug
	if first {
		level = slog.LevelWarn
	}
	f.log.Log(ctx, level, "the API cannot be reached, trying again", append(f.place.Attrs(e), slog.Duration("wait", d))...)
	return sleep(ctx, d)
}

// unreachable is the verdict after a last failure.
func (c *Client) unreachable(e *Error) *Error {
	host, why := c.url, e.Message
	if u, err := url.Parse(c.url); err == nil {
		host = u.Host
	}
	var way *url.Error
	if errors.As(e.Cause, &way) { // without the address, which is named anyway
		why = c.redact(way.Err.Error())
	}
	return &Error{
		Kind: transient, Message: fmt.Sprintf("%s cannot be reached: %s", host, Shorten(why)), Cause: hunting.ErrUnreachable,
		Fix: "check SOURCE_ENDPOINT, DNS, network policies, firewalls and the proxy",
	}
}
