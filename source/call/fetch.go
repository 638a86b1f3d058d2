package call

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sethvargo/go-retry"

	"hunting-exporter/hunting"
	"hunting-exporter/source/quota"
)

// retriesOf is how often a transient failure is tried again: about a minute in all.
const retriesOf = 6

// Target is where a query belongs, for its turn, for errors and for the log.
type Target struct {
	Dataset string
	Window  hunting.Window  // zero: none, such as for a count
	Rows    hunting.Dataset // whose rows the answer has; without a name: they are counts
	Costly  bool            // a costly answer is worth a retry: the query itself costs nothing
}

// counts is what the answers to counts are decoded as. No dataset has such a name, so that
// what the decoder learns of a table stays its own.
var counts = hunting.Dataset{Name: "count()"}

// as is the dataset that the answer is decoded as.
func (p Target) as() hunting.Dataset {
	if p.Rows.Name == "" {
		return counts
	}
	return p.Rows
}

// Attrs are those of a log record about an error of the target.
func (p Target) Attrs(e *Error) []any {
	a := []any{slog.String("dataset", p.Dataset), slog.Int("status", e.Status), slog.String("code", e.Code), slog.String("message", e.Message)}
	if !p.Window.Start.IsZero() {
		a = append(a, slog.String("window", p.Window.String()))
	}
	return a
}

// pursuit is one query on its way.
type pursuit struct {
	*Client
	place   Target
	request request
	waiter  *quota.Waiter
	backoff retry.Backoff // of transient failures

	refused   string // the token that the API did not take
	refreshed bool
	wait      time.Duration // what the last refusal asked for
	worth     bool          // waiting for it
	waited    time.Duration // for all of its own refusals
}

// fetch makes calls until one is answered or it makes no sense to go on. It is the one
// place that retries. The error is an *Error with its place, or the context's. If the
// quota allows no call before the context's deadline, fetch does not wait for it: the
// error is both ErrThrottled and hunting.ErrTooLate then.
func (c *Client) fetch(ctx context.Context, p Target, q request) (hunting.Answer, error) {
	live, release := c.reach.while(ctx)
	defer release()
	a, err := c.pursue(live, p, q)
	if lost := c.reach.verdict(); err != nil && lost != nil && ctx.Err() == nil {
		return hunting.Answer{}, lost.At(p.Dataset, p.Window)
	}
	return a, err
}

// pursue is fetch until the verdict that the API cannot be reached.
func (c *Client) pursue(ctx context.Context, p Target, q request) (hunting.Answer, error) {
	f := &pursuit{
		Client: c, place: p, request: q, waiter: c.governor.Enqueue(p.Dataset, p.Window.Start),
		backoff: retry.WithMaxRetries(retriesOf, transientBackoff()),
	}
	for {
		turn, err := c.governor.Wait(ctx, f.waiter)
		if err != nil {
			if e := lateFor(err); e != nil {
				return hunting.Answer{}, e.At(p.Dataset, p.Window)
			}
			return hunting.Answer{}, err
		}
		a, err := f.attempt(ctx, turn)
		if err == nil {
			return a, nil
		}
		if err = f.again(ctx, err); err != nil {
			return hunting.Answer{}, err
		}
	}
}

// attempt makes one call and ends its turn. The token comes after the waiting, which may
// outlast it, and before the call is counted: getting one may take a while, and the
// quota counts calls when they arrive.
func (f *pursuit) attempt(ctx context.Context, t *quota.Turn) (hunting.Answer, error) {
	defer t.End()
	token, err := f.identity.Token(ctx, f.cfg.scope(), f.refused)
	if err != nil {
		return hunting.Answer{}, err
	}
	t.Send()
	a, err := f.call(ctx, f.place, token, f.request)
	var e *Error
	if errors.As(err, &e) {
		e.Took = f.now().Sub(t.Sent)
	}
	switch {
	case err == nil:
		t.Succeeded()
		f.answered(ctx, t.Sent)
	case e != nil && e.Kind == throttled:
		// Before the turn ends: the next call must not run into the same refusal.
		f.wait, f.worth = t.Refused(e.refusal())
		f.waited += f.wait
		f.refusals.Add(1)
		f.throttled(ctx, e)
	case e != nil && e.Kind == unauthorized:
		f.refused = token
	}
	return a, err
}

// again returns nil when the query is to be tried again after err, or the error to end with.
func (f *pursuit) again(ctx context.Context, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if f.place.Costly && e.Kind == TooCostly {
		e = e.as(transient)
	}
	deadline, _ := ctx.Deadline()
	switch final := e.At(f.place.Dataset, f.place.Window); {
	case e.Kind == unauthorized && !f.refreshed:
		f.refreshed = true
		f.log.WarnContext(ctx, "token refused, getting a fresh one", f.place.Attrs(e)...)
		return nil
	case e.Kind == throttled && quota.Beyond(deadline, f.wait):
		return final.late(f.wait)
	case e.Kind == throttled && f.worth && f.waited <= quota.Patience:
		return nil
	case e.unmet && e.Kind == transient:
		return f.knock(ctx, e, final)
	case e.Kind == transient:
		return f.pause(ctx, e, final)
	default:
		return final
	}
}

// pause waits after a transient failure, or returns what to end with.
func (f *pursuit) pause(ctx context.Context, e, final *Error) error {
	d, stop := f.backoff.Next()
	if stop {
		return final
	}
	d = max(d, min(e.wait, quota.LongestBackoff))
	if deadline, _ := ctx.Deadline(); e.wait > 0 && quota.Beyond(deadline, d) { // refused in all but name
		return final.late(d)
	}
	f.retries.Add(1)
	f.log.WarnContext(ctx, "trying again", append(f.place.Attrs(e), slog.Duration("wait", d))...)
	return sleep(ctx, d)
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
