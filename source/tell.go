package source

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"hunting-exporter/hunting"
)

// tell logs a call, whatever came of it. The query stays out: it may hold what is looked for.
func (c *client) tell(ctx context.Context, p place, resp *http.Response, a *hunting.Answer, err error, took time.Duration) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	kind := "rows"
	if p.rows.Name == "" {
		kind = "count"
	}
	attrs := []any{
		slog.String("dataset", p.dataset), slog.String("kind", kind), slog.Int64("rows", a.Rows()), slog.Int64("bytes", a.Bytes),
		slog.Float64("seconds", took.Seconds()),
	}
	if !p.window.Start.IsZero() {
		attrs = append(attrs, slog.String("window", p.window.String()))
	}
	status := 0 // no answer
	if resp != nil {
		status = resp.StatusCode
		attrs = append(attrs, slog.String("request_id", c.redact(shorten(requestID(resp.Header)))))
	}
	attrs = append(attrs, slog.Int("status", status))
	var e *Error
	if errors.As(err, &e) {
		attrs = append(attrs, slog.String("code", e.Code), slog.String("message", e.Message))
	}
	c.log.DebugContext(ctx, "call", attrs...)
}

// requestID is what Microsoft's support asks for; empty: the answer has none.
func requestID(h http.Header) string {
	for _, name := range []string{"Request-Id", "X-Ms-Request-Id", "X-Ms-Correlation-Id", "Client-Request-Id"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}
