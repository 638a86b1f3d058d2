package call

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/setting"
)

// tell logs a call, whatever came of it. The query stays out: it may hold what is looked for.
func (c *Client) tell(ctx context.Context, p Target, resp *http.Response, a *hunting.Answer, err error, took time.Duration) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	kind := "rows"
	if p.Rows.Name == "" {
		kind = "count"
	}
	attrs := []any{
		slog.String("dataset", p.Dataset), slog.String("kind", kind), slog.Int64("rows", a.Rows()), slog.Int64("bytes", a.Bytes),
		slog.Float64("seconds", took.Seconds()),
	}
	if !p.Window.Start.IsZero() {
		attrs = append(attrs, slog.String("window", p.Window.String()))
	}
	status := 0 // no answer
	if resp != nil {
		status = resp.StatusCode
		attrs = append(attrs, slog.String("request_id", c.redact(Shorten(requestID(resp.Header)))))
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
	f.log.Log(ctx, level, "throttled, everybody waits", append(f.place.Attrs(e), slog.Duration("wait", f.wait))...)
}

// answered says so if a throttling has ended with a call sent then.
func (f *pursuit) answered(ctx context.Context, sent time.Time) {
	if n, lasted := f.throttling.over(sent, f.now()); n > 0 {
		f.log.InfoContext(ctx, "throttling is over", slog.Int("refusals", n), slog.Duration("lasted", lasted))
	}
}

// jwt is what tokens and signed assertions look like.
var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)

// redact takes secrets out of a text, should a server or a proxy have echoed one. It
// comes before any shortening, which could leave half of one.
func redact(text string, secrets []setting.Secret, more ...string) string {
	for _, s := range secrets {
		more = append(more, s.Reveal())
	}
	for _, s := range more {
		if s == "" {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return jwt.ReplaceAllString(text, "***")
}

func (c *Client) redact(text string, more ...string) string { return c.identity.redact(text, more...) }
