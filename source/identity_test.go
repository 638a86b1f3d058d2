package source_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/source/call/calltest"
)

const empty = `{"schema":[],"results":[]}`

// script answers the n-th request with the n-th function, and further ones with the last.
type script struct {
	mu    sync.Mutex
	seen  []*http.Request
	steps []func(http.ResponseWriter, *http.Request)
}

func (s *script) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	n := min(len(s.seen), len(s.steps)-1)
	s.seen = append(s.seen, req)
	s.mu.Unlock()
	s.steps[n](w, req)
}

func say(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestRequestIsWhatTheAPIWants(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{
		"graph": `https://graph.microsoft.com/v1.0/security/runHuntingQuery {"Query":"A\n| extend _IngestionTime = ingestion_time()\n| where _IngestionTime >= datetime(2026-01-02T00:00:00.0000000Z) and _IngestionTime < datetime(2026-01-02T00:00:00.0000001Z)","Timespan":"P3650D"}`,
		"m365d": `https://api.security.microsoft.com/api/advancedhunting/run {"Query":"A\n| where Timestamp >= datetime(2026-01-02T00:00:00.0000000Z) and Timestamp < datetime(2026-01-02T00:00:00.0000001Z)\n| extend _IngestionTime = ingestion_time()"}`,
		"mde":   `https://api.securitycenter.microsoft.com/api/advancedqueries/run {"Query":"let _startTime = datetime(2026-01-02T00:00:00.0000000Z);\nlet _endTime = datetime(2026-01-02T00:00:00.0000001Z);\nB | where t < 1"}`,
	} {
		ds := map[string]hunting.Dataset{
			"graph": {Name: "A", Clock: hunting.ClockIngestion},
			"m365d": {Name: "A", Clock: hunting.ClockEvent, TimeColumn: "Timestamp"},
			"mde":   {Name: "q", Clock: hunting.ClockEvent, Query: "\nB | where t < 1\n"},
		}[api]
		var got string
		h := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			got = req.URL.String() + " " + string(body)
			for name, want := range map[string]string{"Content-Type": "application/json; charset=utf-8", "Authorization": "Bearer token-1", "Accept-Encoding": "gzip"} {
				if v := req.Header.Get(name); v != want {
					t.Errorf("%s: %s %q", api, name, v)
				}
			}
			_, _ = io.WriteString(w, empty)
		})
		r, err := source.New(config(func(c *call.Config) { c.API = api }), calltest.Keeper{}, call.Options{
			HTTP: &http.Client{Transport: direct{h}}, Credential: &credential{}, Now: func() time.Time { return day.Add(time.Hour) },
		})
		if err != nil {
			t.Fatal(err)
		}
		w := hunting.Window{Start: day, End: day.Add(hunting.Tick)}
		if err := read(t.Context(), r, ds, w, func(p hunting.Page) error { p.Release(); return nil }); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", api, got, want)
		}
	}
}

func TestThrottlingIsWaitedFor(t *testing.T) {
	t.Parallel()
	quarter := func(at time.Duration) time.Duration { return 15*time.Minute - at }
	for name, tt := range map[string]struct {
		step      func(http.ResponseWriter, *http.Request)
		low, high time.Duration
	}{
		"header":  {say(429, "", "Retry-After", "30"), 30 * time.Second, 30 * time.Second},
		"seconds": {say(429, `{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 45 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 8 seconds."}}`), 8 * time.Second, 8 * time.Second},
		"period":  {say(429, `{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 45 per 00:01:00"}}`), time.Minute, time.Minute},
		"cpu":     {say(429, `{"error":{"code":"TooManyRequests","message":"You have exceeded processing resources allocated to this tenant."}}`), quarter(0), quarter(0)},
		"html":    {say(429, `<html>`), 3 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := reader(t, &script{steps: []func(http.ResponseWriter, *http.Request){tt.step, say(200, empty)}}, nil)
				begun := time.Now()
				if _, err := r.Query(t.Context(), "T"); err != nil {
					t.Fatal(err)
				}
				if d := time.Since(begun); d < tt.low || d > tt.high+time.Second { // a second for the clocks
					t.Errorf("waited %s, want %s to %s", d, tt.low, tt.high)
				}
				if s := r.Stats(); s.Calls != 2 || s.Refusals != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestThrottlingForTooLongEnds(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]func(http.ResponseWriter, *http.Request){
		"at once":  say(429, `{"error":{"code":"429","message":"You have exceeded processing resources allocated to this tenant. You can run queries again in 09:00:00."}}`),
		"for ever": say(429, ""),
	} {
		synctest.Test(t, func(t *testing.T) {
			r := reader(t, &script{steps: []func(http.ResponseWriter, *http.Request){step}}, nil)
			begun := time.Now()
			if _, err := r.Query(t.Context(), "T"); !errors.Is(err, call.ErrThrottled) {
				t.Errorf("%s: got %v", name, err)
			}
			if d := time.Since(begun); d > 2*time.Hour {
				t.Errorf("%s: took %s", name, d)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := &script{steps: []func(http.ResponseWriter, *http.Request){say(200, empty)}}
	elsewhere := httptest.NewServer(other)
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 307, 308} {
		api := httptest.NewServer(http.HandlerFunc(say(status, "", "Location", elsewhere.URL)))
		r, err := source.New(config(func(c *call.Config) { c.Endpoint = api.URL }), calltest.Keeper{}, call.Options{Credential: &credential{}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Query(t.Context(), "T")
		if !errors.Is(err, call.ErrUnexpected) || !strings.Contains(err.Error(), "redirect") {
			t.Errorf("%d: got %v", status, err)
		}
		r.Close()
		api.Close()
	}
	if len(other.seen) != 0 {
		t.Errorf("%d requests went elsewhere, with Authorization %q", len(other.seen), other.seen[0].Header.Get("Authorization"))
	}
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	ok := &script{steps: []func(http.ResponseWriter, *http.Request){say(401, ""), say(200, empty)}}
	if _, err := reader(t, ok, nil).Query(t.Context(), "T"); err != nil {
		t.Error(err)
	}
	if a, b := ok.seen[0].Header.Get("Authorization"), ok.seen[1].Header.Get("Authorization"); a == b {
		t.Errorf("the token refused was sent again: %s", b)
	}
	bad := &script{steps: []func(http.ResponseWriter, *http.Request){say(401, `<html>`)}}
	_, err := reader(t, bad, nil).Query(t.Context(), "T")
	if !errors.Is(err, call.ErrDenied) || len(bad.seen) != 2 {
		t.Errorf("%d requests, %v", len(bad.seen), err)
	}
}

const planted = "S3cr3t~planted+value/42"

// entra is a token server and an API at once. It echoes what it is sent: the worst that
// a server may do to a log.
type entra struct {
	mu     sync.Mutex
	tokens int
	assert []string
	wrong  bool
	api    http.HandlerFunc
}

func (e *entra) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	base := "https://" + req.Host + "/contoso.test"
	switch {
	case strings.HasSuffix(req.URL.Path, "/openid-configuration"):
		_ = json.NewEncoder(w).Encode(map[string]string{
			"issuer": base + "/v2.0", "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/oauth2/v2.0/token",
		})
	case strings.HasSuffix(req.URL.Path, "/token"):
		_ = req.ParseForm()
		e.assert = append(e.assert, req.Form.Get("client_assertion"))
		w.Header().Set("Content-Type", "application/json")
		if e.wrong {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{
				"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided: " + req.Form.Encode() + planted,
			})
			return
		}
		e.tokens++
		claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"roles":["Other"],"n":%d}`, e.tokens))
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "e30." + claims + ".x", "token_type": "Bearer", "expires_in": 3600})
	default:
		e.api(w, req)
	}
}

func secure(t *testing.T, e *entra, change func(*call.Config)) (*source.Reader, *bytes.Buffer) {
	t.Helper()
	srv := httptest.NewTLSServer(e)
	t.Cleanup(srv.Close)
	var logged bytes.Buffer
	c := config(func(c *call.Config) {
		c.Endpoint, c.AuthorityHost, c.ClientSecret = srv.URL, srv.URL+"/", planted
		if change != nil {
			change(c)
		}
	})
	if p := c.Problems(); len(p) > 0 {
		t.Fatal(p)
	}
	r, err := source.New(c, calltest.Keeper{}, call.Options{HTTP: srv.Client(), Log: slog.New(slog.NewJSONHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, &logged
}

func TestWrongSecretIsDeniedAndNeverTold(t *testing.T) {
	t.Parallel()
	r, logged := secure(t, &entra{wrong: true}, nil)
	err := r.Check(t.Context())
	if !errors.Is(err, call.ErrDenied) || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("got %v", err)
	}
	text := fmt.Sprintf("%v %+v %#v %s", err, err, err, logged)
	for _, secret := range []string{planted, "S3cr3t"} {
		if strings.Contains(text, secret) {
			t.Errorf("the secret is told: %s", text)
		}
	}
}

func TestSecretsAreInNoErrorAndNoLog(t *testing.T) {
	t.Parallel()
	e := &entra{}
	n := 0
	e.api = func(w http.ResponseWriter, req *http.Request) {
		n++
		w.WriteHeader(map[int]int{1: 401, 2: 503}[n] + map[bool]int{true: 403}[n > 2])
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": planted, "message": req.Header.Get("Authorization") + planted}})
	}
	r, logged := secure(t, e, nil)
	if err := r.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged.String(), "ThreatHunting.Read.All") {
		t.Errorf("nothing said of the missing role: %s", logged)
	}
	_, err := r.Query(t.Context(), "T")
	if !errors.Is(err, call.ErrDenied) || n != 3 || e.tokens != 2 {
		t.Errorf("%d calls, %d tokens, %v", n, e.tokens, err)
	}
	text := fmt.Sprintf("%v %+v %#v %s", err, err, err, logged)
	for _, secret := range []string{planted, "e30."} {
		if strings.Contains(text, secret) {
			t.Errorf("told: %s", text)
		}
	}
}

func TestTokenFileIsReadEachTime(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	e := &entra{}
	n := 0
	e.api = func(w http.ResponseWriter, _ *http.Request) {
		n++
		if n == 1 {
			write("second")
			w.WriteHeader(401)
			return
		}
		_, _ = io.WriteString(w, empty)
	}
	r, _ := secure(t, e, func(c *call.Config) { c.ClientSecret, c.FederatedTokenFile = "", file })
	if _, err := r.Query(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(e.assert, " "); got != "first second" {
		t.Errorf("assertions sent: %s", got)
	}
}

func TestUntrustedCertificateIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(say(200, empty)))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer srv.Close()
	r, err := source.New(config(func(c *call.Config) { c.Endpoint = srv.URL }), calltest.Keeper{}, call.Options{Credential: &credential{}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Query(t.Context(), "T"); !errors.Is(err, call.ErrUnexpected) || !strings.Contains(err.Error(), "SSL_CERT_FILE") || r.Calls() != 1 {
		t.Errorf("%d calls, %v", r.Calls(), err)
	}
}
