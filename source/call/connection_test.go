package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/source/call/calltest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// TestRedirectsStayUnfollowed: on the same host too, where Go's client would take
// Authorization along.
func TestRedirectsStayUnfollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"/elsewhere", "http://api.test/elsewhere", "http://other.test/run", "https://api.test/run", "//other.test/"} {
			asked := 0
			w := wire{serve: func(*http.Request) (string, bool) {
				asked++
				return plainly(fmt.Sprintf("%d Over There", status), two, "Location: "+to), true
			}}
			_, err := caller(w.client(t)).call(t.Context(), Target{}, "token", request{Query: "T"})
			if !errors.Is(err, ErrUnexpected) || !strings.Contains(err.Error(), "redirects are not followed") || asked != 1 {
				t.Errorf("%d to %s: %d requests, %v", status, to, asked, err)
			}
		}
	}
}

// numbered gives out another token each time.
type numbered int

func (n *numbered) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	*n++
	return azcore.AccessToken{Token: fmt.Sprintf("token-%d", *n), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// conversation is a Reader on a wire whose n-th request gets the n-th answer, and the
// Authorization that each request had. It needs virtual time.
func conversation(t *testing.T, answers ...string) (*Client, *[]string) {
	t.Helper()
	var seen []string
	w := wire{serve: func(req *http.Request) (string, bool) {
		seen = append(seen, req.Header.Get("Authorization"))
		return answers[min(len(seen), len(answers))-1], false
	}}
	r, err := New(Config{
		API: "graph", Cloud: "public", Endpoint: "http://127.0.0.1", Concurrency: 1, CallsPerMinute: 1000, MaxRows: 100, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
	}, calltest.Keeper{}, Options{HTTP: w.client(t), Credential: new(numbered)})
	if err != nil {
		t.Fatal(err)
	}
	return r, &seen
}

func TestCutAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cut := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + two
		r, seen := conversation(t, cut, "", plainly("200 OK", two[:20]), plainly("200 OK", two))
		page, err := r.Ask(t.Context(), Target{}, "T")
		if err != nil || string(calltest.BodyOf(page)) != two || page.Rows() != 2 || len(*seen) != 4 {
			t.Errorf("%d requests, %d rows of %q, %v", len(*seen), page.Rows(), calltest.BodyOf(page), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, _ := conversation(t, plainly("200 OK", two[:20]))
		if _, err := r.Ask(t.Context(), Target{}, "T"); !errors.Is(err, ErrTransient) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTokenThatExpiresInTheMiddle(t *testing.T) {
	t.Parallel()
	refused, good := plainly("401 Unauthorized", ""), plainly("200 OK", two)
	synctest.Test(t, func(t *testing.T) {
		r, seen := conversation(t, good, refused, good, good, refused, good)
		for range 4 {
			if _, err := r.Ask(t.Context(), Target{}, "T"); err != nil {
				t.Error(err)
			}
		}
		if got := strings.Join(*seen, ","); got != "Bearer token-1,Bearer token-1,Bearer token-2,Bearer token-2,Bearer token-2,Bearer token-3" {
			t.Errorf("sent %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, seen := conversation(t, good, refused, refused, good)
		if _, err := r.Ask(t.Context(), Target{}, "T"); err != nil {
			t.Error(err)
		}
		if _, err := r.Ask(t.Context(), Target{}, "T"); !errors.Is(err, ErrDenied) || len(*seen) != 3 {
			t.Errorf("%d requests, %v", len(*seen), err)
		}
	})
}

// TestIdleConnectionThatIsGone: a server closes connections when it likes, also while the
// next query is on its way. That is no failure worth a wait.
func TestIdleConnectionThatIsGone(t *testing.T) {
	t.Parallel()
	asked := 0
	c := caller(wire{serve: func(req *http.Request) (string, bool) {
		asked++
		if _, sent := req.Header["Idempotency-Key"]; sent {
			t.Error("a header for the transport alone is sent")
		}
		if asked == 2 {
			return "", false
		}
		return plainly("200 OK", two), true
	}}.client(t))
	for range 2 {
		a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
		if err != nil || string(calltest.BodyOf(a)) != two {
			t.Errorf("%q, %v", calltest.BodyOf(a), err)
		}
	}
	if asked != 3 {
		t.Errorf("%d requests", asked)
	}
}

// TestHTTP2 sees to it that the client speaks it, and that a stream which ends too early
// or breaks is no answer there either.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	var serve http.HandlerFunc
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.ProtoMajor != 2 {
			t.Errorf("the client speaks %s", req.Proto)
		}
		serve(w, req)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	web := newHTTP(nil, 1)
	web.Transport.(*http.Transport).TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	defer web.CloseIdleConnections()
	c := caller(web)
	c.url = srv.URL
	for n := range len(two) + 1 {
		for name, end := range map[string]func(w http.ResponseWriter){
			"ends": func(http.ResponseWriter) {},
			"breaks": func(w http.ResponseWriter) {
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			},
		} {
			for _, stated := range []bool{true, false} {
				serve = func(w http.ResponseWriter, _ *http.Request) {
					if stated {
						w.Header().Set("Content-Length", fmt.Sprint(len(two)))
					}
					_, _ = io.WriteString(w, two[:n])
					end(w)
				}
				a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
				var e *Error
				switch {
				case err == nil && string(calltest.BodyOf(a)) == two:
				case n == len(two) && name == "ends":
					t.Errorf("the whole answer is refused: %v", err)
				case !errors.As(err, &e) || e.Kind != transient:
					t.Errorf("%s after %d bytes, length stated %v: %q, %v", name, n, stated, calltest.BodyOf(a), err)
				}
			}
		}
	}
}
