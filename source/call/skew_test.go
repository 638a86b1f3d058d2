package call

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/source/call/calltest"
)

// TestSkew: the machine's clock counts as ahead only where an answer proves it, and then
// by the most that the answers leave open.
func TestSkew(t *testing.T) {
	t.Parallel()
	type answer struct {
		date string // of the server: by how much it is ahead, or a header as it stands
		took time.Duration
	}
	for name, tt := range map[string]struct {
		answers []answer
		ahead   time.Duration
		warned  string
	}{
		"none":                {[]answer{{"", 0}}, 0, ""},
		"no date":             {[]answer{{"yesterday", 0}}, 0, ""},
		"the same":            {[]answer{{"0s", 0}}, 0, ""},
		"rounded":             {[]answer{{"-1s", 0}}, 0, ""}, // Date holds whole seconds
		"two seconds":         {[]answer{{"-2s", 0}}, 2 * time.Second, ""},
		"a minute":            {[]answer{{"-1m0s", 0}}, time.Minute, ""},
		"twenty minutes":      {[]answer{{"-20m0s", 0}}, 20 * time.Minute, "ahead_seconds=1200"},
		"a slow answer":       {[]answer{{"-2m0s", 2 * time.Minute}}, 0, ""}, // it may have been written at once
		"slow and ahead":      {[]answer{{"-10m0s", 2 * time.Minute}}, 10 * time.Minute, "ahead_seconds=600"},
		"then a quick one":    {[]answer{{"-10m0s", 2 * time.Minute}, {"-8m1s", time.Second}}, 8*time.Minute + time.Second, "ahead_seconds=600"},
		"then a slower one":   {[]answer{{"-8m1s", time.Second}, {"-10m0s", 2 * time.Minute}}, 8*time.Minute + time.Second, "ahead_seconds=481"},
		"set right meanwhile": {[]answer{{"-20m0s", 0}, {"0s", 0}}, 0, "ahead_seconds=1200"},
		"behind":              {[]answer{{"20m0s", 0}}, 0, "behind_seconds=1200"},
		"behind by little":    {[]answer{{"50s", 0}}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				r, logged := dialing(t, wire{serve: func(*http.Request) (string, bool) {
					a := tt.answers[n]
					n++
					time.Sleep(a.took)
					date := a.date
					if d, err := time.ParseDuration(a.date); err == nil {
						date = time.Now().Add(d).UTC().Format(http.TimeFormat)
					}
					return plainly("200 OK", two, "Date: "+date), false
				}}.dial, nil)
				for range tt.answers {
					a, err := r.Ask(t.Context(), Target{}, "T")
					if err != nil {
						t.Fatal(err)
					}
					a.Release()
				}
				if got := r.Ahead(); got != tt.ahead {
					t.Errorf("ahead by %s, want %s", got, tt.ahead)
				}
				if text := logged.String(); !strings.Contains(text, tt.warned) || (text != "") != (tt.warned != "") || strings.Count(text, "\n") > 1 {
					t.Errorf("warned %q", text)
				}
			})
		})
	}
}

// TestSkewOfTheTokenServer: the first answer of a run is a token.
func TestSkewOfTheTokenServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		web := &http.Client{Transport: apiFunc(func(*http.Request) *http.Response {
			resp := reply(http.StatusOK, `{"access_token":"t","token_type":"Bearer","expires_in":3600,"token_endpoint":"https://login.test/t","authorization_endpoint":"https://login.test/a","issuer":"https://login.test/t"}`)
			resp.Header.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			return resp
		})}
		var logged bytes.Buffer
		r, err := New(Config{
			API: "graph", Cloud: "public", Concurrency: 1, CallsPerMinute: 1000, MaxRows: 100, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
			TenantID: "t", ClientID: "c", ClientSecret: "s", AuthorityHost: "https://login.test/",
		}, calltest.Keeper{}, Options{HTTP: web, Log: slog.New(slog.NewTextHandler(&logged, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.Ahead() != time.Hour || !strings.Contains(logged.String(), "ahead_seconds=3600") {
			t.Errorf("ahead by %s: %s", r.Ahead(), &logged)
		}
	})
}
