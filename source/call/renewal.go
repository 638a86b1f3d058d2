package call

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/sethvargo/go-retry"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/source/quota"
)

const (
	// tokenTimeout is how long one request for a token may take.
	tokenTimeout = 30 * time.Second
	// tokenPatience is how long a token server that answers is tried, beside the waits that
	// it asks for.
	tokenPatience = time.Minute
	// renewalRest is the time between two tries to renew a token that can still be used.
	renewalRest = time.Minute
)

// begin begins a renewal.
func (i *Identity) begin(t *token, now time.Time) *renewal {
	ctx, end := context.WithCancel(i.ctx)
	r := &renewal{end: end, began: now, backoff: transientBackoff(), news: make(chan struct{})}
	if d := t.rest.Sub(now); d > 0 {
		r.asked = d
	}
	go func() {
		defer end()
		defer crash.Exit()
		i.renew(ctx, t, r)
	}()
	return r
}

// renew makes requests until there is a token, or it makes no sense to go on. It is the one
// place that tries again.
func (i *Identity) renew(ctx context.Context, t *token, r *renewal) {
	for {
		i.mu.Lock()
		d := t.rest.Sub(i.now())
		i.mu.Unlock()
		if d > 0 && sleep(ctx, d) != nil {
			return // nobody waits any more
		}
		got, e := i.request(ctx, t.scope)
		if i.landed(t, r, got, e) {
			return
		}
	}
}

// landed takes in what came of a request, and says whether it was the last one.
func (i *Identity) landed(t *token, r *renewal, got azcore.AccessToken, e *Error) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if r.over { // nobody has waited for it
		return true
	}
	first := t.err == nil
	if t.err = e; e == nil {
		t.take(got, now)
		t.finish(r, nil)
		return true
	}
	if r.waiting == 0 { // the old one is good for a while
		t.rest = now.Add(max(min(e.wait, quota.LongestStated), min(renewalRest, t.end.Sub(now))))
		if !t.told {
			t.told = true
			i.log.Warn("the token could not be renewed; the old one is used, and renewing it tried again", "error", e, "until", t.end)
		}
		t.finish(r, e)
		return true
	}
	d, again := i.pause(r, e, now)
	if !again {
		t.finish(r, e)
		return true
	}
	level := slog.LevelDebug
	if first {
		level = slog.LevelWarn
	}
	i.log.Log(i.ctx, level, "no token yet, trying again", slog.Int("status", e.Status), slog.String("code", e.Code), slog.String("message", e.Message), slog.Duration("wait", d))
	t.rest = now.Add(d)
	close(r.news)
	r.news = make(chan struct{})
	return false
}

// pause is how long to wait after a failure; false: it is one to end with.
func (i *Identity) pause(r *renewal, e *Error, now time.Time) (time.Duration, bool) {
	switch {
	case e.Kind != noToken:
		return 0, false
	case e.wait > 0:
		d := e.wait + quota.Margin
		r.asked += d
		return d, e.wait <= quota.LongestStated && r.asked <= quota.Patience
	}
	most := tokenPatience
	if !i.answered {
		most = reachPatience
	}
	left := most - (now.Sub(r.began) - r.asked)
	if left <= 0 {
		if !i.answered {
			e.Cause = hunting.ErrUnreachable
		}
		return 0, false
	}
	d, _ := r.backoff.Next()
	return min(d, left), true
}

// transientBackoff is without an end.
func transientBackoff() retry.Backoff {
	return retry.WithCappedDuration(30*time.Second, retry.WithJitterPercent(20, retry.NewExponential(time.Second)))
}

// exchange is the transport of one request for a token, which takes the server several
// answers.
type exchange struct {
	*Identity
	failed *url.Error // how the last one failed on the way
}

// Do makes one request to the token server.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	sent := x.now()
	resp, err := x.web.Do(req)
	if x.failed = nil; err != nil {
		errors.As(err, &x.failed)
		return resp, err
	}
	x.mu.Lock()
	x.answered = true
	x.mu.Unlock()
	x.skew.note(sent, resp)
	return resp, nil
}

// request makes one request for a token.
func (i *Identity) request(ctx context.Context, scope string) (azcore.AccessToken, *Error) {
	limited, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	x := &exchange{Identity: i}
	cred, err := i.make(x)
	if err != nil {
		return azcore.AccessToken{}, &Error{Kind: denied, Message: "token: " + Shorten(i.redact(err.Error())), Fix: "make the credential usable for the exporter"}
	}
	got, err := cred.GetToken(limited, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err == nil {
		return got, nil
	}
	if x.failed == nil {
		return got, i.refusal(err)
	}
	host, why := "?", i.redact(x.failed.Err.Error())
	if u, err := url.Parse(x.failed.URL); err == nil {
		host = u.Host
	}
	if limited.Err() != nil {
		why = fmt.Sprintf("no answer within %s", tokenTimeout)
	}
	e := &Error{
		Kind: noToken, Message: fmt.Sprintf("%s cannot be reached: %s", host, Shorten(why)),
		Fix: "check AZURE_AUTHORITY_HOST, DNS, network policies, firewalls and the proxy",
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(x.failed, &certificate) {
		e.Kind, e.Fix = Unexpected, "if the token server's certificate is of a private authority, set SSL_CERT_FILE"
	}
	return got, e
}

// redact takes secrets out of a text.
func (i *Identity) redact(text string, more ...string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return redact(text, i.secrets, more...)
}

// passing are codes of Entra ID that say of themselves that they pass: throttling, and
// services behind it that do not answer. They come with status 400 and 401 as well.
var passing = regexp.MustCompile(`AADSTS(50196|50166|90006|90012|90024|90025|90033|90055)\b`)

// refusal explains an answer that is no token. The cause is not kept: it holds the whole
// exchange, the request with its secret too.
func (i *Identity) refusal(err error) *Error {
	var refusal *azidentity.AuthenticationFailedError
	if !errors.As(err, &refusal) || refusal.RawResponse == nil {
		return &Error{Kind: noToken, Message: Shorten(i.redact(err.Error()))}
	}
	resp := refusal.RawResponse
	e := &Error{Status: resp.StatusCode, wait: quota.Stated(resp.Header.Get("Retry-After"), "", i.now())}
	var body []byte
	if b, err := runtime.Payload(resp); err == nil {
		body = b[:min(len(b), maxErrorBody)]
	}
	code, message := said(body)
	if code == "" && message == "" {
		message = fmt.Sprintf("no error object, %d bytes of %q", len(body), resp.Header.Get("Content-Type"))
	}
	e.Code, e.Message = Shorten(i.redact(code)), "token: "+Shorten(i.redact(message))
	switch {
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout, e.Status >= 500,
		code == "temporarily_unavailable", code == "server_error", passing.MatchString(message):
		e.Kind = noToken
		if e.wait > 0 {
			e.Message += fmt.Sprintf("; asks to wait %.0f s", e.wait.Seconds())
		}
	case code == "": // a gateway's answer, or another server's
		e.Kind, e.Fix = Unexpected, "check AZURE_AUTHORITY_HOST, and any proxy in between"
	default:
		e.Kind, e.Fix = denied, "check AZURE_TENANT_ID, AZURE_CLIENT_ID and the credential (expired? the secret's value, not its id?)"
	}
	return e
}
