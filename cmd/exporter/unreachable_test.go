package main

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/report"
)

// noAPI is a token server of which the API refuses connections.
type noAPI struct{}

func (noAPI) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	base := "https://" + req.URL.Host + "/t"
	switch {
	case strings.HasSuffix(req.URL.Path, "/openid-configuration"):
		_ = json.NewEncoder(rec).Encode(map[string]string{"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token"})
	case strings.HasSuffix(req.URL.Path, "/token"):
		_ = json.NewEncoder(rec).Encode(map[string]any{"access_token": "t", "token_type": "Bearer", "expires_in": 3600})
	default:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return rec.Result(), nil
}

// TestAPIThatIsNeverReachedEndsARun within a minute, exit 1, in few words, whatever is
// exported.
func TestAPIThatIsNeverReachedEndsARun(t *testing.T) {
	t.Parallel()
	for _, backfill := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log strings.Builder
			cfg, problems := judged(t, nil, usable("LAKE_URL", t.TempDir(), "LOG_FORMAT", "json", "AZURE_AUTHORITY_HOST", "https://login.test/",
				"SOURCE_ENDPOINT", "https://api.test", "EXPORT_TABLES", "AlertInfo,DeviceProcessEvents,DeviceLogonEvents,DeviceTvmSoftwareInventory,EmailEvents"))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			s := surroundings{log: report.NewLogger(&log, false, cfg.Log), http: &http.Client{Transport: noAPI{}}}
			if backfill {
				var err error
				if s.backfill, err = (&stretchFlags{from: "48h", order: "oldest"}).backfill(time.Now(), cfg.Export.Lag); err != nil {
					t.Fatal(err)
				}
			}
			begun := time.Now()
			rep := export(t.Context(), t.Context(), cfg, s)
			if d := time.Since(begun); rep.Code != codeRetry || d > time.Minute {
				t.Errorf("exit code %d after %s", rep.Code, d)
			}
			for _, d := range rep.Datasets {
				if d.Note == "" && !strings.Contains(d.Error, "api.test cannot be reached: dial tcp: connection refused") {
					t.Errorf("%s: %q", d.Dataset, d.Error)
				}
			}
			if n := strings.Count(log.String(), `"level":"WARN"`); n != 1 {
				t.Errorf("%d warnings:\n%s", n, log.String())
			}
			plan := makePlan(t.Context(), cfg, s)
			if plan.Code != codeRetry || time.Since(begun) > 2*time.Minute {
				t.Errorf("the plan ends with %d after %s", plan.Code, time.Since(begun))
			}
		})
	}
}

// busyLogin is a token server that asks to wait for 90 s, once.
type busyLogin struct {
	noAPI
	refused sync.Once
}

func (b *busyLogin) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if strings.HasSuffix(req.URL.Path, "/token") {
		b.refused.Do(func() {
			rec := httptest.NewRecorder()
			rec.Header().Set("Retry-After", "90")
			rec.WriteHeader(http.StatusTooManyRequests)
			resp = rec.Result()
		})
	}
	if resp != nil {
		return resp, nil
	}
	return b.noAPI.RoundTrip(req)
}

// TestTokenServerThatAsksToWaitAtTheStart is waited for as long as the run may last.
func TestTokenServerThatAsksToWaitAtTheStart(t *testing.T) {
	t.Parallel()
	for deadline, says := range map[string]string{"0": "api.test cannot be reached", "10m": "api.test cannot be reached", "60s": "429: token: no error object"} {
		synctest.Test(t, func(t *testing.T) {
			cfg, problems := judged(t, nil, usable("LAKE_URL", t.TempDir(), "AZURE_AUTHORITY_HOST", "https://login.test/", "SOURCE_ENDPOINT", "https://api.test",
				"EXPORT_TABLES", "AlertInfo", "EXPORT_DEADLINE", deadline))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			begun := time.Now()
			rep := export(t.Context(), t.Context(), cfg, surroundings{log: slog.New(slog.DiscardHandler), http: &http.Client{Transport: &busyLogin{}}})
			text := rep.Error
			if len(rep.Datasets) > 0 {
				text = rep.Datasets[0].Error
			}
			waits := deadline != "60s"
			if d := time.Since(begun); rep.Code != codeRetry || waits != (d >= 90*time.Second) || !waits && d > time.Second {
				t.Errorf("EXPORT_DEADLINE=%s: exit code %d after %s", deadline, rep.Code, d)
			}
			if !strings.Contains(text, says) || waits == strings.Contains(text, "asks to wait 90 s") {
				t.Errorf("EXPORT_DEADLINE=%s: %q", deadline, text)
			}
			plan := makePlan(t.Context(), cfg, surroundings{log: slog.New(slog.DiscardHandler), http: &http.Client{Transport: &busyLogin{}}})
			if plan.Code != codeRetry || !waits && !strings.Contains(plan.Error, says) {
				t.Errorf("EXPORT_DEADLINE=%s: the plan ends with %d, %q", deadline, plan.Code, plan.Error)
			}
		})
	}
}
