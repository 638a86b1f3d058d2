package call

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/source/call/calltest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"
)

// apiFunc is an API without a network, so that time can be virtual.
type apiFunc func(*http.Request) *http.Response

// elapse waits until this much later.
func elapse(t *testing.T, d time.Duration) {
	t.Helper()
	time.Sleep(d) // of a bubble
}

func minute(n int) time.Time { return time.Date(2026, 1, 2, 0, n, 0, 0, time.UTC) }

// placeAt is a place of a dataset and a window.
func placeAt(dataset, start int) Target {
	p := Target{Dataset: fmt.Sprint("dataset ", dataset)}
	if start >= 0 {
		p.Window = hunting.Window{Start: minute(start), End: minute(start + 1)}
	}
	return p
}

func (w apiFunc) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := w(req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return resp, nil
}

// said429 is a refusal of the quota: a text, and perhaps a Retry-After.
func said429(text, after string) *http.Response {
	resp := reply(http.StatusTooManyRequests, text)
	resp.Header.Set("Retry-After", after)
	return resp
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func noRows() *http.Response { return reply(http.StatusOK, `{"schema":[],"results":[]}`) }

// tokenAt gives out tokens named after the time of their making, as a cache would.
type tokenAt struct {
	takes, lasts time.Duration

	mu      sync.Mutex
	current azcore.AccessToken
}

func (c *tokenAt) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !time.Now().Before(c.current.ExpiresOn) {
		if err := sleep(ctx, c.takes); err != nil {
			return azcore.AccessToken{}, err
		}
		c.current = azcore.AccessToken{Token: time.Now().Format(time.TimeOnly), ExpiresOn: time.Now().Add(c.lasts)}
	}
	return c.current, nil
}

// over is a client over an apiFunc.
func over(t testing.TB, w http.RoundTripper, change func(*Config)) *Client {
	t.Helper()
	return withTokens(t, w, &tokenAt{lasts: time.Hour}, change)
}

func withTokens(t testing.TB, w http.RoundTripper, tokens azcore.TokenCredential, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		API: "graph", Cloud: "public", Concurrency: 4, CallsPerMinute: 45, MaxRows: 100_000, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
		TenantID: "contoso.test", ClientID: "app", ClientSecret: "unused",
	}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg, calltest.Keeper{}, Options{HTTP: &http.Client{Transport: w}, Credential: tokens})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWaitsForWhatARefusalSays(t *testing.T) {
	t.Parallel()
	const calls = "API calls quota exceeded! maximum allowed 45 per 00:01:00"
	const cpu = "You have exceeded processing resources allocated to this tenant. You can run queries again in "
	for name, tt := range map[string]struct {
		text, after string
		low, high   time.Duration // until the next call; a second is added to what is stated
	}{
		"limit":           {legacyError("429", calls), "", 61 * time.Second, 61 * time.Second},
		"hour limit":      {legacyError("429", "API calls quota exceeded! maximum allowed 1500 per 01:00:00"), "", 901 * time.Second, 901 * time.Second},
		"seconds":         {legacyError("TooManyRequests", calls+" for the key Destination+TenantID+AppID. You can send requests again in 8 seconds."), "", 9 * time.Second, 9 * time.Second},
		"CPU, clock":      {graphError("TooManyRequests", cpu+"00:03:00."), "", 181 * time.Second, 181 * time.Second},
		"CPU, not stated": {graphError("TooManyRequests", cpu+"a while."), "", 841 * time.Second, 841 * time.Second}, // from 00:01:00
		"header":          {legacyError("429", calls), "17", 18 * time.Second, 18 * time.Second},
		"nothing":         {"", "", 3 * time.Second, 5 * time.Second},
		"HTML":            {"<html>slow down</html>", "", 3 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				c := over(t, apiFunc(func(*http.Request) *http.Response {
					at = append(at, time.Now())
					if len(at) == 1 {
						return said429(tt.text, tt.after)
					}
					return noRows()
				}), nil)
				elapse(t, time.Minute)
				if _, err := c.fetch(t.Context(), placeAt(1, 1), request{}); err != nil {
					t.Fatal(err)
				}
				if len(at) != 2 {
					t.Fatalf("%d calls", len(at))
				}
				if d := at[1].Sub(at[0]); d < tt.low || d > tt.high {
					t.Errorf("waited %s, want %s to %s", d, tt.low, tt.high)
				}
				if n := c.refusals.Load(); n != 1 {
					t.Errorf("%d refusals counted", n)
				}
			})
		})
	}
}

// TestLearnedLimitsHoldForTheProcess: a lower one is kept, a higher one changes nothing.
func TestLearnedLimitsHoldForTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		texts := map[int]string{
			1:  "maximum allowed 10 per 00:01:00. You can send requests again in 1 seconds.",
			2:  "maximum allowed 60 per 00:01:00. You can send requests again in 1 seconds.",
			30: "maximum allowed 100 per 01:00:00. You can send requests again in 1 seconds.",
		}
		var at []time.Time
		c := over(t, apiFunc(func(*http.Request) *http.Response {
			at = append(at, time.Now())
			if text, ok := texts[len(at)]; ok {
				return said429(legacyError("429", text), "")
			}
			return noRows()
		}), nil)
		for range 247 {
			if _, err := c.fetch(t.Context(), placeAt(1, 1), request{}); err != nil {
				t.Fatal(err)
			}
		}
		if len(at) != 250 {
			t.Fatalf("%d calls", len(at))
		}
		if n := mostIn(at, time.Minute); n != 10 {
			t.Errorf("%d calls in a minute, want 10", n)
		}
		if n := mostIn(at, time.Hour); n != 100 {
			t.Errorf("%d calls in an hour, want 100", n)
		}
	})
}

// mostIn is the largest number of the times, in order, that lie in one stretch.
func mostIn(at []time.Time, stretch time.Duration) int {
	most, from := 0, 0
	for i := range at {
		for at[i].Sub(at[from]) >= stretch {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// TestRefusalIsKnownBeforeTheNextTurn: with one call at a time, the next one in the queue
// must not run into the refusal that the last one has just met.
func TestRefusalIsKnownBeforeTheNextTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		c := over(t, apiFunc(func(*http.Request) *http.Response {
			at = append(at, time.Now())
			if len(at) == 1 {
				_ = sleep(t.Context(), time.Second) // the others come
				return said429("", "30")
			}
			return noRows()
		}), func(c *Config) { c.Concurrency = 1 })
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				if _, err := c.fetch(t.Context(), placeAt(i, 1), request{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(at) != 6 || at[1].Sub(at[0]) != 32*time.Second {
			t.Errorf("calls at %v", at)
		}
	})
}

// TestRefusedQueryKeepsItsPlace: it goes before those of its dataset that came later.
func TestRefusedQueryKeepsItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		c := over(t, apiFunc(func(req *http.Request) *http.Response {
			var q request
			if err := json.NewDecoder(req.Body).Decode(&q); err != nil {
				t.Error(err)
			}
			got = append(got, q.Query)
			_ = sleep(t.Context(), time.Second) // the others come
			if len(got) <= 2 {
				return said429("", "30")
			}
			return noRows()
		}), func(c *Config) { c.Concurrency = 1 })
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				if _, err := c.fetch(t.Context(), placeAt(1, 1), request{Query: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if d := cmp.Diff([]string{"0", "0", "0", "1", "2"}, got); d != "" {
			t.Error(d)
		}
	})
}
