package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
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
			s := surroundings{log: newLogger(&log, false, cfg.Log), http: &http.Client{Transport: noAPI{}}}
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
