package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/source/quota"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// TestDeadlineBeforeTheWaitEndsAtOnce: those refused and those who wait behind them.
func TestDeadlineBeforeTheWaitEndsAtOnce(t *testing.T) {
	t.Parallel()
	const cpu = "You have exceeded processing resources allocated to this tenant."
	for name, tt := range map[string]struct {
		refusal func() *http.Response
		says    string // the error
		most    int    // calls
	}{
		"CPU":               {func() *http.Response { return said429(graphError("TooManyRequests", cpu), "") }, "exceeded processing resources", 1},
		"stated":            {func() *http.Response { return said429(legacyError("429", "again in 20 minutes."), "") }, "again in 20 minutes", 1},
		"longer than worth": {func() *http.Response { return said429(legacyError("429", "again in 5 hours."), "") }, "again in 5 hours", 3}, // each asks for itself
		"quota":             {noRows, "the calls allowed are made", 1},
		"503 that says when": {func() *http.Response {
			resp := reply(http.StatusServiceUnavailable, "")
			resp.Header.Set("Retry-After", "800")
			return resp
		}, "status 503", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				c := over(t, apiFunc(func(*http.Request) *http.Response {
					calls++
					_ = sleep(t.Context(), time.Second) // the others come
					return tt.refusal()
				}), func(c *Config) {
					c.Concurrency = 1
					if name == "quota" {
						c.CallsPerMinute, c.CallsPerHour = 1, 1
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				begun := time.Now()
				var wg sync.WaitGroup
				for i := range 3 {
					wg.Go(func() {
						_, err := c.fetch(ctx, placeAt(i, 1), request{})
						if name == "quota" && err == nil {
							return // the one call allowed
						}
						if !errors.Is(err, ErrThrottled) || !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("got %v", err)
							return
						}
						for _, want := range []string{fmt.Sprint("dataset ", i), "2026-01-02T00:01", tt.says, "deadline", "EXPORT_DEADLINE"} {
							if !strings.Contains(err.Error(), want) {
								t.Errorf("%q does not say %q", err, want)
							}
						}
					})
				}
				wg.Wait()
				if d := time.Since(begun); d > time.Duration(tt.most)*time.Second {
					t.Errorf("took %s", d)
				}
				if calls != tt.most {
					t.Errorf("%d calls, want %d", calls, tt.most)
				}
			})
		})
	}
}

func TestWaitThatEndsBeforeTheDeadlineIsWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := over(t, apiFunc(func(*http.Request) *http.Response {
			if calls++; calls == 1 {
				return said429(graphError("TooManyRequests", "You have exceeded processing resources allocated to this tenant."), "")
			}
			return noRows()
		}), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 16*time.Minute)
		defer cancel()
		if _, err := c.fetch(ctx, placeAt(1, 1), request{}); err != nil {
			t.Error(err)
		}
	})
}

// TestTokenIsFreshAfterALongWait, and the time it takes to get is not the quota's.
func TestTokenIsFreshAfterALongWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		var tokens []string
		c := withTokens(t, apiFunc(func(req *http.Request) *http.Response {
			at, tokens = append(at, time.Now()), append(tokens, req.Header.Get("Authorization"))
			return noRows()
		}), &tokenAt{takes: 20 * time.Second, lasts: 10 * time.Minute}, func(c *Config) { c.CallsPerMinute, c.CallsPerHour = 1, 1 })
		for range 3 {
			if _, err := c.fetch(t.Context(), placeAt(1, 1), request{}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range at {
			if want := "Bearer " + at[i].Format(time.TimeOnly); tokens[i] != want {
				t.Errorf("call %d at %s had %s", i, at[i].Format(time.TimeOnly), tokens[i])
			}
			if i > 0 && at[i].Sub(at[i-1]) != time.Hour+quota.Margin+20*time.Second {
				t.Errorf("call %d came %s after the one before", i, at[i].Sub(at[i-1]))
			}
		}
	})
}

// brokenTokens fails some times before it gives a token out.
type brokenTokens struct{ fails int }

func (c *brokenTokens) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if c.fails--; c.fails >= 0 {
		return azcore.AccessToken{}, errors.New("no connection")
	}
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// TestFailingTokenCostsNoQuota: turns whose call was not sent come back.
func TestFailingTokenCostsNoQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := withTokens(t, apiFunc(func(*http.Request) *http.Response { return noRows() }), &brokenTokens{fails: 3},
			func(c *Config) { c.Concurrency, c.CallsPerMinute = 1, 1 })
		begun := time.Now()
		if _, err := c.fetch(t.Context(), placeAt(1, 1), request{}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begun); d > 10*time.Second { // three times of backoff
			t.Errorf("took %s", d)
		}
	})
}

// TestOneQueryAlwaysRefusedIsGivenUp although others are answered meanwhile.
func TestOneQueryAlwaysRefusedIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := over(t, apiFunc(func(req *http.Request) *http.Response {
			if body, _ := io.ReadAll(req.Body); strings.Contains(string(body), "costly") {
				return said429(legacyError("429", "again in 10 minutes."), "")
			}
			return noRows()
		}), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.fetch(ctx, placeAt(1, 1), request{}); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				_ = sleep(ctx, time.Minute)
			}
		})
		begun := time.Now()
		_, err := c.fetch(ctx, placeAt(2, 2), request{Query: "costly"})
		if !errors.Is(err, ErrThrottled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if d := time.Since(begun); d < quota.Patience-15*time.Minute || d > quota.Patience {
			t.Errorf("given up after %s", d)
		}
		cancel()
		wg.Wait()
	})
}
