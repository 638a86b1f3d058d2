package source

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

	"hunting-exporter/hunting"
)

// client makes single calls: one query, one answer, complete or an error.
type client struct {
	cfg      Config
	url      string
	http     *http.Client
	identity *Identity
	governor *governor
	reach    reach
	skew     *skew
	decoder  Decoder
	now      func() time.Time
	log      *slog.Logger

	calls, refusals, retries atomic.Int64
	throttling               throttling
}

// request is the body that goes out.
type request struct {
	Query    string `json:"Query"`
	Timespan string `json:"Timespan,omitempty"`
}

var errOwnTimeout = errors.New("SOURCE_TIMEOUT is over")

// call makes one call with the token given. The error is an *Error, or the context's.
func (c *client) call(ctx context.Context, p place, token string, q request) (hunting.Answer, error) {
	body, err := encode(q)
	if err != nil {
		return hunting.Answer{}, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, errOwnTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return hunting.Answer{}, &Error{kind: unexpected, Message: c.redact(err.Error()), cause: err}
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
func (c *client) answer(ctx, limited context.Context, p place, token string, resp *http.Response, err error) (hunting.Answer, error) {
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
		return nil, &Error{kind: unexpected, Message: err.Error(), cause: err}
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// refusal classifies an answer other than 200. Its body may be HTML, empty or cut.
func (c *client) refusal(resp *http.Response, token string) *Error {
	return c.classify(resp, beginning(resp), token)
}

func (c *client) classify(resp *http.Response, body []byte, token string) *Error {
	return c.cfg.classify(resp.StatusCode, resp.Header, body, c.now(), func(s string) string { return c.redact(s, token) })
}

// failed explains a call that ended without a whole answer.
func (c *client) failed(ctx, limited context.Context, status int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &Error{kind: transient, Status: status, Message: c.redact(err.Error()), cause: err, unmet: c.reach.never()}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(context.Cause(limited), errOwnTimeout) && e.unmet: // no query has cost anything
		e.Message, e.cause = fmt.Sprintf("no connection within %s (SOURCE_TIMEOUT)", c.cfg.Timeout), errOwnTimeout
	case errors.Is(context.Cause(limited), errOwnTimeout):
		e.kind, e.cause = tooCostly, errOwnTimeout
		e.Message = fmt.Sprintf("no whole answer within %s (SOURCE_TIMEOUT)", c.cfg.Timeout)
	case errors.Is(err, errTooBig):
		e.kind = tooLarge
	case errors.Is(err, errEncoding):
		e.kind, e.Fix = unexpected, wayFix
	case errors.As(err, &certificate):
		e.kind, e.Fix = unexpected, "if the server's certificate is of a private authority, set SSL_CERT_FILE"
	}
	return e
}
