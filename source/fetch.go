package source

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sethvargo/go-retry"

	"hunting-exporter/pipeline"
)

// patience is how long one query is tried while the tenant's quota refuses it.
const patience = 2 * time.Hour

// retriesOf is how often a transient failure is tried again: about a minute in all.
const retriesOf = 6

// place is where a query belongs, for errors and the log.
type place struct {
	dataset string
	window  pipeline.Window
	costly  bool // a costly answer is worth a retry: the query itself costs nothing
}

func (p place) attrs(e *Error) []any {
	a := []any{slog.String("dataset", p.dataset), slog.Int("status", e.Status), slog.String("code", e.Code), slog.String("message", e.Message)}
	if !p.window.Start.IsZero() {
		a = append(a, slog.String("window", p.window.String()))
	}
	return a
}

// fetch makes calls until one is answered or it makes no sense to go on. It is the one
// place that retries. The error is an *Error with its place, or the context's.
func (c *client) fetch(ctx context.Context, p place, q request) (answer, error) {
	again := retry.WithMaxRetries(retriesOf,
		retry.WithCappedDuration(30*time.Second, retry.WithJitterPercent(20, retry.NewExponential(time.Second))))
	begun, refused, refreshed := c.now(), "", false
	for {
		token, a, sent, err := c.attempt(ctx, refused, q)
		if err == nil {
			c.governor.succeeded()
			return a, nil
		}
		var e *Error
		if !errors.As(err, &e) {
			return answer{}, err
		}
		if p.costly && e.kind == tooCostly {
			e = e.as(transient)
		}
		refused = ""
		switch {
		case e.kind == unauthorized && !refreshed:
			refused, refreshed = token, true
			c.log.WarnContext(ctx, "token refused, getting a fresh one", p.attrs(e)...)
		case e.kind == throttled:
			c.refusals.Add(1)
			d, worth := c.governor.refused(sent, e)
			if !worth || c.now().Add(d).Sub(begun) > patience {
				return answer{}, e.at(p.dataset, p.window)
			}
			c.log.WarnContext(ctx, "throttled, everybody waits", append(p.attrs(e), slog.Duration("wait", d))...)
		case e.kind == transient:
			d, stop := again.Next()
			if stop {
				return answer{}, e.at(p.dataset, p.window)
			}
			d = max(d, min(e.wait, longestBackoff))
			c.retries.Add(1)
			c.log.WarnContext(ctx, "trying again", append(p.attrs(e), slog.Duration("wait", d))...)
			if err := sleep(ctx, d); err != nil {
				return answer{}, err
			}
		default:
			return answer{}, e.at(p.dataset, p.window)
		}
	}
}

// attempt makes one call, in its turn and within the quota. The token comes first:
// getting one may take a while, and the quota counts calls when they arrive.
func (c *client) attempt(ctx context.Context, refused string, q request) (token string, a answer, sent time.Time, err error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return "", a, sent, ctx.Err()
	}
	defer func() { <-c.slots }()
	if token, err = c.token(ctx, refused); err != nil {
		return "", a, sent, err
	}
	if err = c.governor.wait(ctx); err != nil {
		return "", a, sent, err
	}
	sent = c.now()
	a, err = c.call(ctx, token, q)
	return token, a, sent, err
}
