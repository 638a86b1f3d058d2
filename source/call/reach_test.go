package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/source/call/calltest"
	"hunting-exporter/source/quota"
)

// dialing is a Reader whose connections are made by dial, and what it logs. It needs
// virtual time.
func dialing(t *testing.T, dial func(context.Context) (net.Conn, error), change func(*Config)) (*Client, *bytes.Buffer) {
	t.Helper()
	web := newHTTP(nil, 4)
	web.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	t.Cleanup(web.CloseIdleConnections)
	c := Config{
		API: "graph", Cloud: "public", Endpoint: "http://127.0.0.1:7", Concurrency: 4, CallsPerMinute: 1000, MaxRows: 100, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
	}
	if change != nil {
		change(&c)
	}
	var logged bytes.Buffer
	r, err := New(c, calltest.Keeper{}, Options{HTTP: web, Credential: new(numbered), Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	return r, &logged
}

// TestAPIThatIsNeverReached: however it is out of reach, whoever asks, all end within a
// minute of the first call, with one warning.
func TestAPIThatIsNeverReached(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	silent := func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, tt := range map[string]struct {
		dial   func(context.Context) (net.Conn, error)
		change func(*Config)
		says   string
	}{
		"refuses":           {func(context.Context) (net.Conn, error) { return nil, refused }, nil, "connection refused"},
		"has no name":       {func(context.Context) (net.Conn, error) { return nil, &net.DNSError{Err: "no such host", Name: "x"} }, nil, "no such host"},
		"short time-out":    {silent, func(c *Config) { c.Timeout = 7 * time.Second }, "SOURCE_TIMEOUT"},
		"queued by quota":   {func(context.Context) (net.Conn, error) { return nil, refused }, func(c *Config) { c.CallsPerMinute = 1 }, "connection refused"},
		"queued by turns":   {silent, func(c *Config) { c.Timeout, c.Concurrency = 35*time.Second, 1 }, "SOURCE_TIMEOUT"},
		"drops the packets": {func(ctx context.Context) (net.Conn, error) { return nil, late(ctx, 30*time.Second) }, nil, "i/o timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, logged := dialing(t, tt.dial, tt.change)
				begun := time.Now()
				var wg sync.WaitGroup
				for i := range 6 {
					wg.Go(func() {
						_, err := r.fetch(t.Context(), placeAt(i, i), request{Query: "T"})
						if !errors.Is(err, hunting.ErrUnreachable) || !errors.Is(err, ErrTransient) {
							t.Errorf("got %v", err)
							return
						}
						for _, want := range []string{fmt.Sprint("dataset ", i), "127.0.0.1:7 cannot be reached: ", tt.says, "SOURCE_ENDPOINT"} {
							if !strings.Contains(err.Error(), want) {
								t.Errorf("%q does not say %q", err, want)
							}
						}
					})
				}
				wg.Wait()
				if d := time.Since(begun); d > 45*time.Second && tt.change == nil || d > time.Minute+quota.Margin {
					t.Errorf("took %s", d)
				}
				if n := strings.Count(logged.String(), "\n"); n > 1 {
					t.Errorf("%d warnings:\n%s", n, logged)
				}
			})
		})
	}
}

// late is the time-out of a dial after d.
func late(ctx context.Context, d time.Duration) error {
	if err := sleep(ctx, d); err != nil {
		return err
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("i/o timeout")}
}

// TestAPIThatComesLate: an API that is reached after half a minute's knocking, or was
// reached before it went away, is tried as often as ever.
func TestAPIThatComesLate(t *testing.T) {
	t.Parallel()
	for name, up := range map[string]func(time.Duration) bool{
		"late":       func(at time.Duration) bool { return at >= 20*time.Second },
		"goes away":  func(at time.Duration) bool { return at < time.Second || at > 50*time.Second },
		"after a go": func(at time.Duration) bool { return at >= reachPatience },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				w := wire{serve: func(*http.Request) (string, bool) { return plainly("200 OK", two), false }}
				r, _ := dialing(t, func(ctx context.Context) (net.Conn, error) {
					if !up(time.Since(begun)) {
						return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
					}
					return w.dial(ctx)
				}, nil)
				for range 2 {
					a, err := r.Ask(t.Context(), Target{}, "T")
					if err != nil {
						t.Fatal(err)
					}
					a.Release()
					_ = sleep(t.Context(), time.Second)
				}
			})
		})
	}
}

// TestStoppedWhileKnocking: the context's end is no verdict.
func TestStoppedWhileKnocking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := dialing(t, func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.fetch(ctx, Target{}, request{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
