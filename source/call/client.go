// Package call makes one query of the hunting API: one complete answer, or one classified
// error, with an identity, within the quota, tried again where that makes sense.
package call

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"hunting-exporter/hunting"
	"hunting-exporter/source/quota"
)

// Client makes single calls: one query, one answer, complete or an error.
type Client struct {
	cfg      Config
	url      string
	http     *http.Client
	identity *Identity
	governor *quota.Governor
	reach    reach
	skew     *skew
	decoder  Decoder
	now      func() time.Time
	log      *slog.Logger

	calls, refusals, retries atomic.Int64
	throttling               throttling

	Close func() // closes idle connections, and an own Identity
}

// Options are what a Reader or an Identity uses of its surroundings. The zero value works.
type Options struct {
	Identity   *Identity              // of a Reader; nil: an own one
	HTTP       *http.Client           // for the API and the token server; nil: an own one
	Credential azcore.TokenCredential // nil: made from the Config
	Now        func() time.Time       // nil: time.Now; it must go on while the Reader waits
	Log        *slog.Logger           // nil: nothing is logged
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// New makes a client whose answers go through a decoder. It makes no call.
func New(cfg Config, decoder Decoder, o Options) (*Client, error) {
	if _, ok := flavours[cfg.API]; !ok {
		return nil, fmt.Errorf("source: SOURCE_API %q: no such API", cfg.API)
	}
	o = o.filled()
	if cfg.Concurrency < 1 || cfg.CallsPerMinute < 1 || cfg.MaxRows < 1 || cfg.MaxBody < 1 || cfg.Timeout <= 0 {
		return nil, fmt.Errorf("source: limits are not set: concurrency %d, calls a minute %d, rows %d, bytes %d, timeout %s",
			cfg.Concurrency, cfg.CallsPerMinute, cfg.MaxRows, cfg.MaxBody, cfg.Timeout)
	}
	if reason := badURL(cfg.endpoint(), true); reason != "" {
		return nil, fmt.Errorf("source: SOURCE_ENDPOINT %s: %s", redactedURL(cfg.endpoint()), reason)
	}
	web := newHTTP(o.HTTP, cfg.Concurrency)
	closes := web.CloseIdleConnections
	if o.Identity == nil {
		o.Identity = NewIdentity(cfg, o)
		closes = func() { web.CloseIdleConnections(); o.Identity.Close() }
	}
	allowed := []quota.Limit{{Calls: cfg.CallsPerMinute, Per: time.Minute}}
	if n := cfg.PerHour(); n > 0 {
		allowed = append(allowed, quota.Limit{Calls: n, Per: time.Hour})
	}
	return &Client{
		cfg: cfg, url: cfg.endpoint(), http: web, decoder: decoder, now: o.Now, log: o.Log, skew: o.Identity.skew,
		identity: o.Identity, governor: quota.NewGovernor(o.Now, cfg.Concurrency, allowed...), Close: closes,
	}, nil
}

// Check gets a token, so that a wrong secret is found before anything else is done.
func (c *Client) Check(ctx context.Context) error { return c.identity.Check(ctx) }

// Tenant is the id of the tenant that is read; see Identity.Tenant.
func (c *Client) Tenant(ctx context.Context) (string, error) { return c.identity.Tenant(ctx) }

// Ahead is how far this machine's clock is ahead of the servers', by their answers so
// far; 0 if it is not, as far as they show.
func (c *Client) Ahead() time.Duration { return c.skew.known() }

// Stats counts what a client has done so far.
type Stats struct {
	Calls    int64 // sent to the API
	Refusals int64 // of them answered 429
	Retries  int64 // after transient failures
}

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	return Stats{Calls: c.calls.Load(), Refusals: c.refusals.Load(), Retries: c.retries.Load()}
}

// request is the body that goes out.
type request struct {
	Query    string `json:"Query"`
	Timespan string `json:"Timespan,omitempty"`
}

// timespan is Graph's own limit on event time. Left out, it is 30 days, and of it and
// the query's the narrower wins: an event that is older when it comes in would never
// be answered. Ten years leave the query's window alone.
const timespan = "P3650D"

func (c *Client) request(text string) request {
	q := request{Query: text}
	if flavours[c.cfg.API].timespan {
		q.Timespan = timespan
	}
	return q
}

// Ask is fetch of a text.
func (c *Client) Ask(ctx context.Context, p Target, text string) (hunting.Answer, error) {
	return c.fetch(ctx, p, c.request(text))
}

var errOwnTimeout = errors.New("SOURCE_TIMEOUT is over")

// call makes one call with the token given. The error is an *Error, or the context's.
func (c *Client) call(ctx context.Context, p Target, token string, q request) (hunting.Answer, error) {
	body, err := encode(q)
	if err != nil {
		return hunting.Answer{}, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, errOwnTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return hunting.Answer{}, &Error{Kind: Unexpected, Message: c.redact(err.Error()), Cause: err}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	// Not sent: it lets the transport repeat the query, which changes nothing, on another
	// connection if the server has closed the idle one that it was sent on.
	req.Header["Idempotency-Key"] = []string{}
	c.calls.Add(1)
	sent := c.now()
	c.reach.try(sent)
	resp, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { c.reach.arrived() },
	})))
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		c.reach.arrived()
		c.skew.note(sent, resp)
	}
	a, err := c.answer(ctx, limited, p, token, resp, err)
	c.tell(ctx, p, resp, &a, err, c.now().Sub(sent))
	return a, err
}

// answer reads what came of a call.
func (c *Client) answer(ctx, limited context.Context, p Target, token string, resp *http.Response, err error) (hunting.Answer, error) {
	if err != nil {
		return hunting.Answer{}, c.failed(ctx, limited, 0, err)
	}
	if resp.StatusCode != http.StatusOK {
		return hunting.Answer{}, c.refusal(resp, token)
	}
	a, err := c.decode(limited, p, resp)
	if err == nil {
		return c.result(ctx, p, resp, a, token)
	}
	if e := c.undecodable(resp, token, err); e != nil {
		return a, e
	}
	return a, c.failed(ctx, limited, resp.StatusCode, err)
}

// encode leaves < and > as they are: queries hold them, and some gateways look inside.
func encode(q request) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(q); err != nil {
		return nil, &Error{Kind: Unexpected, Message: err.Error(), Cause: err}
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// refusal classifies an answer other than 200. Its body may be HTML, empty or cut.
func (c *Client) refusal(resp *http.Response, token string) *Error {
	return c.classify(resp, beginning(resp), token)
}

func (c *Client) classify(resp *http.Response, body []byte, token string) *Error {
	return c.cfg.classify(resp.StatusCode, resp.Header, body, c.now(), func(s string) string { return c.redact(s, token) })
}

// failed explains a call that ended without a whole answer.
func (c *Client) failed(ctx, limited context.Context, status int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &Error{Kind: transient, Status: status, Message: c.redact(err.Error()), Cause: err, unmet: c.reach.never()}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(context.Cause(limited), errOwnTimeout) && e.unmet: // no query has cost anything
		e.Message, e.Cause = fmt.Sprintf("no connection within %s (SOURCE_TIMEOUT)", c.cfg.Timeout), errOwnTimeout
	case errors.Is(context.Cause(limited), errOwnTimeout):
		e.Kind, e.Cause = TooCostly, errOwnTimeout
		e.Message = fmt.Sprintf("no whole answer within %s (SOURCE_TIMEOUT)", c.cfg.Timeout)
	case errors.Is(err, errTooBig):
		e.Kind = TooLarge
	case errors.Is(err, errEncoding):
		e.Kind, e.Fix = Unexpected, wayFix
	case errors.As(err, &certificate):
		e.Kind, e.Fix = Unexpected, "if the server's certificate is of a private authority, set SSL_CERT_FILE"
	}
	return e
}
