package call

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/sethvargo/go-retry"

	"hunting-exporter/internal/setting"
	"hunting-exporter/source/quota"
)

// Identity gets tokens as the configured application, for any resource. A token is kept
// until shortly before its end, and renewed before that at one place, while it is in use.
type Identity struct {
	cfg  Config
	web  *http.Client
	make func(policy.Transporter) (azcore.TokenCredential, error)
	skew *skew
	now  func() time.Time
	log  *slog.Logger
	ctx  context.Context // of all requests
	end  context.CancelFunc

	mu       sync.Mutex
	tokens   map[string]*token // by scope
	secrets  []setting.Secret  // that were read so far
	answered bool              // the token server has, once
}

// token is what is known of the tokens of one scope.
type token struct {
	scope      string
	value      string    // empty: none
	renew, end time.Time // from when on it is renewed, and not used any more
	rest       time.Time // no request before
	err        *Error    // of the last request; nil: none, or it gave a token
	told       bool      // that it was not renewed
	renewal    *renewal  // under way; nil: none
}

// renewal is one token on its way, for all who wait for it.
type renewal struct {
	end     context.CancelFunc
	waiting int
	began   time.Time
	asked   time.Duration // to wait, in all
	backoff retry.Backoff
	news    chan struct{} // closed when there is an error to wait after, or it is over

	over  bool
	value string
	err   *Error
}

// NewIdentity makes an Identity. It makes no request.
func NewIdentity(cfg Config, o Options) *Identity {
	o = o.filled()
	i := &Identity{
		cfg: cfg, web: newHTTP(o.HTTP, 1), skew: &skew{now: o.Now, log: o.Log}, now: o.Now, log: o.Log,
		tokens: map[string]*token{}, secrets: []setting.Secret{cfg.ClientSecret, cfg.CertificatePassword},
	}
	i.make = i.credential
	if o.Credential != nil {
		i.make = func(policy.Transporter) (azcore.TokenCredential, error) { return o.Credential, nil }
	}
	i.ctx, i.end = context.WithCancel(context.Background())
	return i
}

// Close ends what is under way.
func (i *Identity) Close() {
	i.end()
	i.web.CloseIdleConnections()
}

// Token returns a token for a scope; refused is one that the resource did not take, or
// empty. Where the token server asks to wait, it waits, unless the context's deadline comes
// before. The error is an *Error, or the context's.
func (i *Identity) Token(ctx context.Context, scope, refused string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	i.mu.Lock()
	t := i.tokens[scope]
	if t == nil {
		t = &token{scope: scope}
		i.tokens[scope] = t
	}
	if refused == t.value { // calls run side by side: only the first one's counts
		t.value = ""
	}
	now := i.now()
	value, usable := t.value, t.usable(now)
	if t.renewal == nil && (!usable || t.due(now)) {
		t.renewal = i.begin(t, now)
	}
	r := t.renewal
	if !usable {
		r.waiting++
	}
	i.mu.Unlock()
	if usable {
		return value, nil
	}
	return i.await(ctx, t, r)
}

func (t *token) usable(now time.Time) bool { return t.value != "" && now.Before(t.end) }

func (t *token) due(now time.Time) bool { return !now.Before(t.renew) && !now.Before(t.rest) }

// take takes in a new token. Shortly before its end it is not used any more: a call takes
// a while to arrive.
func (t *token) take(a azcore.AccessToken, now time.Time) {
	lasts := a.ExpiresOn.Sub(now)
	t.value, t.err, t.told, t.rest = a.Token, nil, false, time.Time{}
	t.end = a.ExpiresOn.Add(-min(30*time.Second, lasts/10))
	t.renew = a.ExpiresOn.Add(-min(5*time.Minute, lasts/4))
	if on := a.RefreshOn; on.After(now) && on.Before(t.renew) {
		t.renew = on
	}
}

// await waits for the end of a renewal.
func (i *Identity) await(ctx context.Context, t *token, r *renewal) (string, error) {
	defer i.leave(t, r)
	deadline, _ := ctx.Deadline()
	for {
		i.mu.Lock()
		over, value, final, news := r.over, r.value, r.err, r.news
		last, d := t.err, t.rest.Sub(i.now())
		i.mu.Unlock()
		switch {
		case over && final != nil:
			return "", final
		case over:
			return value, nil
		case last != nil && d > 0 && quota.Beyond(deadline, d):
			return "", last.late(d)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// leave is called by each who has waited. A renewal that nobody needs ends.
func (i *Identity) leave(t *token, r *renewal) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.waiting--; r.waiting == 0 && !r.over {
		r.end()
		t.finish(r, nil)
	}
}

// finish ends a renewal for all who wait.
func (t *token) finish(r *renewal, err *Error) {
	r.over, r.value, r.err = true, t.value, err
	close(r.news)
	if t.renewal == r {
		t.renewal = nil
	}
}
