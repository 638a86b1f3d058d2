package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/source/call"
)

// TestTokenServerThatAsksToWait is waited for, as long as it asks, and not asked sooner.
func TestTokenServerThatAsksToWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer   func(http.ResponseWriter, int)
		requests int
		waits    time.Duration
	}{
		"90 s":           {refuseFirst(1, refuse(429, "too_many_requests", "AADSTS90055: slow down", "Retry-After", "90")), 2, 90 * time.Second},
		"20 s, thrice":   {refuseFirst(3, refuse(429, "too_many_requests", "slow down", "Retry-After", "20")), 4, 60 * time.Second},
		"half an hour":   {refuseFirst(1, refuse(503, "", "", "Retry-After", "1800")), 2, 30 * time.Minute},
		"no error body":  {refuseFirst(1, func(w http.ResponseWriter) { say(429, "", "Retry-After", "61")(w, nil) }), 2, 61 * time.Second},
		"does not say":   {refuseFirst(3, refuse(503, "x", "y")), 4, 5 * time.Second},
		"in other words": {refuseFirst(2, refuse(400, "temporarily_unavailable", "AADSTS90033: A transient error has occurred. Please try again.")), 3, 2 * time.Second},
		"as a refusal":   {refuseFirst(1, refuse(400, "invalid_request", "AADSTS50196: The server terminated an operation because it encountered a client request loop.", "Retry-After", "70")), 2, 70 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &tokenServer{answer: tt.answer}
				r, logged := loggingIn(t, s, nil)
				defer r.Close()
				begun := time.Now()
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						if err := r.Check(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if d := time.Since(begun); d < tt.waits || d > tt.waits+6*time.Second || s.requests() != tt.requests {
					t.Errorf("%d requests in %s, want %d in %s", s.requests(), d, tt.requests, tt.waits)
				}
				if n := strings.Count(logged.String(), "\n"); n != 1 {
					t.Errorf("%d warnings:\n%s", n, logged)
				}
			})
		})
	}
}

// TestWaitBeyondTheDeadline: who cannot wait so long ends at once and says why, and so does
// who comes while the wait lasts, without asking again.
func TestWaitBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &tokenServer{answer: refuseFirst(1, refuse(429, "too_many_requests", "slow down", "Retry-After", "90"))}
		r, _ := loggingIn(t, s, nil)
		defer r.Close()
		begun := time.Now()
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := r.Check(ctx)
			cancel()
			if !errors.Is(err, hunting.ErrTooLate) || errors.Is(err, call.ErrDenied) {
				t.Fatalf("got %v", err)
			}
			for _, want := range []string{"429", "asks to wait 90 s", "deadline"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "quota") {
				t.Errorf("%q speaks of the API's quota", err)
			}
		}
		if d := time.Since(begun); d > 0 || s.requests() != 1 {
			t.Errorf("%d requests in %s", s.requests(), d)
		}
		if err := r.Check(t.Context()); err != nil || time.Since(begun) < 90*time.Second || s.requests() != 2 {
			t.Errorf("%d requests in %s, %v", s.requests(), time.Since(begun), err)
		}
	})
}

// TestTokenServerThatKeepsFailing ends the login within a minute or so, as a failure that may
// pass; one that asks for more than an hour, at once.
func TestTokenServerThatKeepsFailing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		refusal func(http.ResponseWriter)
		most    time.Duration
		is      error
		says    string
	}{
		"503":               {refuse(503, "x", "y"), 65 * time.Second, call.ErrToken, "503"},
		"in words":          {refuse(400, "temporarily_unavailable", "AADSTS90033: try again"), 65 * time.Second, call.ErrToken, "AADSTS90033"},
		"tomorrow":          {refuse(429, "x", "y", "Retry-After", "86400"), 0, call.ErrToken, "asks to wait 86400 s"},
		"wrong secret":      {refuse(401, "invalid_client", "AADSTS7000215: Invalid client secret"), 0, call.ErrDenied, "AADSTS7000215"},
		"a gateway's words": {func(w http.ResponseWriter) { say(403, "<html>")(w, nil) }, 0, call.ErrUnexpected, "AZURE_AUTHORITY_HOST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &tokenServer{answer: refuseFirst(1000, tt.refusal)}
				r, _ := loggingIn(t, s, nil)
				defer r.Close()
				begun := time.Now()
				_, err := r.Query(t.Context(), "T")
				if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) || r.Calls() != 0 {
					t.Errorf("%d calls, got %v", r.Calls(), err)
				}
				if d := time.Since(begun); d > tt.most {
					t.Errorf("%s, %d requests", d, s.requests())
				}
			})
		})
	}
}

// TestFailingRenewalCostsNobodyAWait while the old token is good, and is tried once a minute.
func TestFailingRenewalCostsNobodyAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down sync.Map
		s := &tokenServer{}
		s.answer = func(w http.ResponseWriter, n int) {
			if _, ok := down.Load("down"); ok {
				time.Sleep(5 * time.Second)
				say(503, "")(w, nil)
				return
			}
			token(w, n)
		}
		r, logged := loggingIn(t, s, nil)
		defer r.Close()
		all := func() (slowest time.Duration) {
			var wg sync.WaitGroup
			var mu sync.Mutex
			begun := time.Now()
			for range 10 {
				wg.Go(func() {
					if err := r.Check(t.Context()); err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					slowest = max(slowest, time.Since(begun))
				})
			}
			wg.Wait()
			return slowest
		}
		begun := time.Now()
		all()
		time.Sleep(31 * time.Minute)
		down.Store("down", true)
		for time.Since(begun) < 59*time.Minute {
			if d := all(); d > 0 {
				t.Fatalf("waited %s after %s", d, time.Since(begun))
			}
			time.Sleep(10 * time.Second)
		}
		if n := s.requests(); n < 20 || n > 30 {
			t.Errorf("%d requests in 29 minutes", n)
		}
		if n := strings.Count(logged.String(), "\n"); n != 1 {
			t.Errorf("%d warnings:\n%s", n, logged)
		}
		down.Delete("down")
		time.Sleep(time.Minute) // it has ended
		before := s.requests()
		if d := all(); d > 0 || s.requests() != before+1 {
			t.Errorf("%d requests, waited %s", s.requests()-before, d)
		}
	})
}

// TestTokenThatHasEnded is replaced for all who wait by one series of requests.
func TestTokenThatHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &tokenServer{}
		begun := time.Now()
		s.answer = func(w http.ResponseWriter, n int) {
			if at := time.Since(begun); at > time.Second && at < time.Hour+20*time.Second {
				say(503, "")(w, nil)
				return
			}
			token(w, n)
		}
		r, _ := loggingIn(t, s, nil)
		defer r.Close()
		if err := r.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := r.Check(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begun); d < time.Hour+20*time.Second || d > time.Hour+45*time.Second || s.requests() > 8 {
			t.Errorf("%d requests, after %s", s.requests(), d)
		}
		left, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Check(left); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestLoginIsLeft: who does not wait any more ends, and with the last one the requests.
func TestLoginIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &tokenServer{answer: refuseFirst(1, refuse(429, "", "", "Retry-After", "600"))}
		r, _ := loggingIn(t, s, nil)
		defer r.Close()
		begun := time.Now()
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			if err := r.Check(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		if d := time.Since(begun); d != 2*time.Minute || s.requests() != 1 {
			t.Errorf("%d requests, after %s", s.requests(), d)
		}
		if err := r.Check(t.Context()); err != nil || time.Since(begun) < 10*time.Minute || time.Since(begun) > 11*time.Minute {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

// TestRotatedSecretFile: what logs in is read for each token, and is in no error.
func TestRotatedSecretFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &tokenServer{answer: token}
	r, _ := loggingIn(t, s, func(c *call.Config) { c.ClientSecret, c.ClientSecretFile = "planted-first", file })
	defer r.Close()
	write("planted-first\n")
	s.api = func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") == "Bearer token-2" {
			_, _ = io.WriteString(w, empty)
			return
		}
		write("\ufeffplanted-second\r\n")
		w.WriteHeader(http.StatusUnauthorized)
	}
	if _, err := r.Query(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.secrets, " "); got != "planted-first planted-second" {
		t.Errorf("sent %s", got)
	}
	write("planted-third")
	s.answer = func(w http.ResponseWriter, _ int) {
		refuse(401, "invalid_client", "AADSTS7000215: Invalid client secret provided: planted-third, not planted-second or planted-first")(w)
	}
	s.api = say(401, "")
	if _, err := r.Query(t.Context(), "T"); !errors.Is(err, call.ErrDenied) || strings.Contains(fmt.Sprintf("%+v %#v", err, err), "planted") {
		t.Errorf("got %+v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(t.Context()); !errors.Is(err, call.ErrDenied) || !strings.Contains(err.Error(), "AZURE_CLIENT_SECRET_FILE "+file) {
		t.Errorf("got %v", err)
	}
}
