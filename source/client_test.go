package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// wire is a server of which every byte is chosen. It writes what serve returns to each
// request, and closes the connection unless it is told to keep it.
type wire struct {
	serve  func(*http.Request) (answer string, keep bool)
	stream func(net.Conn) // instead of serve: answers by itself
	reset  bool           // the connection does not end, it breaks
}

// client is one that talks to the wire over a pipe in memory: exact and in virtual time.
func (w wire) client(tb testing.TB) *http.Client {
	tb.Helper()
	web := newHTTP(nil, 1)
	web.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go w.talk(far)
		if w.reset {
			return broken{near}, nil
		}
		return near, nil
	}
	tb.Cleanup(web.CloseIdleConnections)
	return web
}

func (w wire) talk(conn net.Conn) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		if w.stream != nil {
			w.stream(conn)
			return
		}
		answer, keep := w.serve(req)
		if _, err := io.WriteString(conn, answer); err != nil || !keep {
			return
		}
	}
}

// broken is a connection whose end is a reset.
type broken struct{ net.Conn }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return n, err
}

// caller is a client without quota and tokens, for single calls.
func caller(web *http.Client) *client {
	return &client{
		cfg: Config{API: "m365d", MaxRows: 100, MaxBody: 512 << 20, Timeout: 4 * time.Minute}, url: "http://api.test/run",
		http: web, decoder: Keeper{}, now: time.Now, log: slog.New(slog.DiscardHandler),
	}
}

func plainly(status, body string, header ...string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s", status, len(body), strings.Join(append(header, ""), "\r\n"), body)
}

const (
	two  = `{"Schema":[],"Results":[{"a":1},{"a":2}]}`
	html = `<!DOCTYPE html><html><body>{"Schema":[],"Results":[]}</body></html>`
)

func stats(entries string) string {
	return `{"Stats":{"ExecutionTime":0.1,"dataset_statistics":[` + entries + `]},"Schema":[],"Results":[{"a":1},{"a":2}]}`
}

func TestWhatAnAnswerIs(t *testing.T) {
	t.Parallel()
	const whole = kind(-1) // no error
	text, form := "Content-Type: text/plain", "Content-Type: application/json"
	for name, tt := range map[string]struct {
		answer string
		kind   kind
		says   string
	}{
		"a result":                    {plainly("200 OK", two, form), whole, ""},
		"no type":                     {plainly("200 OK", two), whole, ""},
		"text, but a result":          {plainly("200 OK", two, text), whole, ""},
		"said to be HTML, a result":   {plainly("200 OK", two, "Content-Type: text/html"), whole, ""},
		"identity":                    {plainly("200 OK", two, "Content-Encoding: Identity"), whole, ""},
		"HTML":                        {plainly("200 OK", html, "Content-Type: text/html; charset=utf-8"), unexpected, "text/html"},
		"HTML, said to be JSON":       {plainly("200 OK", html, form), unexpected, "proxy"},
		"a login page":                {plainly("200 OK", "Please sign in", text), unexpected, "proxy"},
		"empty":                       {plainly("200 OK", "", form), transient, ""},
		"white space":                 {plainly("200 OK", "\r\n \t", form), transient, ""},
		"a list":                      {plainly("200 OK", "["+two+"]", form), unexpected, ""},
		"null":                        {plainly("200 OK", "null", form), unexpected, ""},
		"no object":                   {plainly("200 OK", `"`+two+`"`, form), unexpected, ""},
		"not an answer of hunting":    {plainly("200 OK", `{"value":[]}`, form), unexpected, "no results"},
		"results null":                {plainly("200 OK", `{"Schema":[],"Results":null}`, form), unexpected, "no results"},
		"results before their schema": {plainly("200 OK", `{"Results":[{"a":1},{"a":2}],"Schema":[]}`, form), whole, ""},
		"more after it":               {plainly("200 OK", two+two, form), unexpected, "after"},
		"byte order mark":             {plainly("200 OK", "\ufeff"+two, form), unexpected, ""},
		"a next page":                 {plainly("200 OK", `{"@odata.nextLink":"https://x","results":[{}]}`, form), tooMany, "next page"},
		"an error":                    {plainly("200 OK", legacyError("InternalServerError", "oops"), form), unexpected, "oops"},
		"an error and rows":           {plainly("200 OK", `{"results":[{}],"error":{"code":"BadRequest","message":"Query execution has exceeded the allowed result size"}}`, form), tooLarge, "allowed result size"},
		"an error and null":           {plainly("200 OK", `{"results":null,"error":{"code":"429","message":"API calls quota exceeded!"}}`, form), throttled, "quota"},
		"an error, try again":         {plainly("200 OK", graphError("UnknownError", "An unexpected error occurred during query execution. Please try again in a few minutes."), form), transient, "try again"},
		"an encoding not asked for":   {plainly("200 OK", two, "Content-Encoding: br"), unexpected, `"br"`},
		"said to be gzip":             {plainly("200 OK", two, "Content-Encoding: gzip"), transient, ""},
		"an odd length":               {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", transient, ""},
		"no HTTP":                     {two, transient, ""},
		"nothing":                     {"", transient, ""},
		"201":                         {plainly("201 Created", two, form), unexpected, "201"},
		"204":                         {"HTTP/1.1 204 No Content\r\n\r\n", unexpected, "204"},
		"206":                         {plainly("206 Partial Content", two, form, "Content-Range: bytes 0-40/100"), unexpected, "206"},
		"302":                         {plainly("302 Found", two, "Location: /elsewhere"), unexpected, "SOURCE_ENDPOINT"},
		"407":                         {plainly("407 Proxy Authentication Required", html, "Content-Type: text/html"), unexpected, "407"},
		"statistics agree":            {plainly("200 OK", stats(`{"table_row_count":2}`), form), whole, ""},
		"statistics count more":       {plainly("200 OK", stats(`{"table_row_count":3}`), form), tooMany, "count 3"},
		"statistics count less":       {plainly("200 OK", stats(`{"table_row_count":1}`), form), whole, ""},
		"statistics of two tables":    {plainly("200 OK", stats(`{"table_row_count":90},{"table_row_count":2}`), form), whole, ""},
		"statistics make no sense":    {plainly("200 OK", stats(`{"table_row_count":{}}`), form), whole, ""},
		"statistics are none":         {plainly("200 OK", stats(``), form), whole, ""},
		"a cut before the statistics": {plainly("200 OK", stats(`{"table_row_count":2}`)[:30], form), transient, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := caller(wire{serve: func(*http.Request) (string, bool) { return tt.answer, false }}.client(t))
			a, err := c.call(t.Context(), place{}, "token", request{Query: "T"})
			var e *Error
			switch {
			case tt.kind == whole && err == nil:
				if a.Rows() != 2 || !strings.HasSuffix(tt.answer, string(BodyOf(a))) {
					t.Errorf("%d rows of %q", a.Rows(), BodyOf(a))
				}
				a.Release()
			case !errors.As(err, &e) || e.kind != tt.kind || !strings.Contains(err.Error(), tt.says):
				t.Errorf("got %v, want kind %d that says %q", err, tt.kind, tt.says)
			case a.Record != nil:
				t.Error("an error and a body")
			}
		})
	}
}

// TestOwnTimeoutEndsACall: however a server fails to answer, SOURCE_TIMEOUT ends the call,
// exactly then.
func TestOwnTimeoutEndsACall(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first, piece string // what is sent at once, and then each second
	}{
		"silent":          {"", ""},
		"header in drips": {"HTTP/1.1 200 OK\r\nA: ", "b"},
		"body in drips":   {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + `{"Results":[`, " "},
		"chunks in drips": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"},
		"no end":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(two), two), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan struct{})
				w := wire{stream: func(conn net.Conn) {
					defer close(gone)
					_, err := io.WriteString(conn, tt.first)
					for range 900 {
						time.Sleep(time.Second)
						if err == nil && tt.piece != "" {
							_, err = io.WriteString(conn, tt.piece)
						}
					}
				}}
				web := w.client(t)
				begun := time.Now()
				_, err := caller(web).call(t.Context(), place{}, "token", request{Query: "T"})
				var e *Error
				if !errors.As(err, &e) || e.kind != tooCostly || !strings.Contains(err.Error(), "SOURCE_TIMEOUT") {
					t.Errorf("got %v", err)
				}
				if d := time.Since(begun); d != 4*time.Minute {
					t.Errorf("took %s", d)
				}
				<-gone
			})
		})
	}
}

func TestErrorBodyInDripsKeepsItsStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := wire{serve: func(*http.Request) (string, bool) {
			return "HTTP/1.1 403 Forbidden\r\nContent-Length: 999\r\n\r\n{", true
		}}
		_, err := caller(w.client(t)).call(t.Context(), place{}, "token", request{Query: "T"})
		var e *Error
		if !errors.As(err, &e) || e.kind != denied || e.Status != http.StatusForbidden {
			t.Errorf("got %v", err)
		}
	})
}

func TestCancelEndsACall(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"before the header": "",
		"in the body":       "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + `{"Results":[`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				w := wire{serve: func(*http.Request) (string, bool) {
					go func() {
						time.Sleep(time.Second)
						cancel()
					}()
					return answer, true
				}}
				_, err := caller(w.client(t)).call(ctx, place{}, "token", request{Query: "T"})
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				var e *Error
				if errors.As(err, &e) {
					t.Error("being cancelled is no failure of the API")
				}
			})
		})
	}
}

func TestAnswersOverTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	long := `{"Results":[` + strings.Repeat(" ", 5000) + `]}`
	bomb := string(zipped(t, long))
	for name, tt := range map[string]struct {
		answer string
		fits   bool
	}{
		"at the limit":     {plainly("200 OK", `{"Results":[`+strings.Repeat(" ", 5000-14)+`]}`), true},
		"plain, stated":    {plainly("200 OK", long), false},
		"plain, chunks":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(long), long), false},
		"plain, until end": {"HTTP/1.0 200 OK\r\n\r\n" + long, false},
		"a bomb":           {plainly("200 OK", bomb, "Content-Encoding: gzip"), false},
	} {
		c := caller(wire{serve: func(*http.Request) (string, bool) { return tt.answer, false }}.client(t))
		c.cfg.MaxBody = 5000
		_, err := c.call(t.Context(), place{}, "token", request{Query: "T"})
		var e *Error
		switch {
		case tt.fits && err != nil:
			t.Errorf("%s: %v", name, err)
		case !tt.fits && (!errors.As(err, &e) || e.kind != tooLarge || !strings.Contains(err.Error(), "5000 bytes")):
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLongErrorsAreReadInPart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*maxErrorBody)
	for name, header := range map[string]string{
		"text":  "HTTP/1.1 400 Bad Request\r\nContent-Length: 999999999\r\n\r\nQuery execution has exceeded the allowed result size. " + long,
		"gzip":  plainly("400 Bad Request", string(zipped(t, "Query execution has exceeded the allowed result size. "+long)), "Content-Encoding: gzip"),
		"cut":   "HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n" + "exceeded the allowed result size",
		"alone": plainly("400 Bad Request", "exceeded the allowed result size"),
	} {
		c := caller(wire{serve: func(*http.Request) (string, bool) { return header, false }}.client(t))
		_, err := c.call(t.Context(), place{}, "token", request{Query: "T"})
		var e *Error
		if !errors.As(err, &e) || e.kind != tooLarge {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

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
			_, err := caller(w.client(t)).call(t.Context(), place{}, "token", request{Query: "T"})
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
func conversation(t *testing.T, answers ...string) (*Reader, *[]string) {
	t.Helper()
	var seen []string
	w := wire{serve: func(req *http.Request) (string, bool) {
		seen = append(seen, req.Header.Get("Authorization"))
		return answers[min(len(seen), len(answers))-1], false
	}}
	r, err := New(Config{
		API: "graph", Cloud: "public", Endpoint: "http://127.0.0.1", Concurrency: 1, CallsPerMinute: 1000, MaxRows: 100, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
	}, Keeper{}, Options{HTTP: w.client(t), Credential: new(numbered)})
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
		page, err := r.Query(t.Context(), "T")
		if err != nil || string(BodyOf(page)) != two || page.Rows() != 2 || len(*seen) != 4 {
			t.Errorf("%d requests, %d rows of %q, %v", len(*seen), page.Rows(), BodyOf(page), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, _ := conversation(t, plainly("200 OK", two[:20]))
		if _, err := r.Query(t.Context(), "T"); !errors.Is(err, ErrTransient) {
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
			if _, err := r.Query(t.Context(), "T"); err != nil {
				t.Error(err)
			}
		}
		if got := strings.Join(*seen, ","); got != "Bearer token-1,Bearer token-2,Bearer token-3,Bearer token-4,Bearer token-5,Bearer token-6" {
			t.Errorf("sent %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, seen := conversation(t, good, refused, refused, good)
		if _, err := r.Query(t.Context(), "T"); err != nil {
			t.Error(err)
		}
		if _, err := r.Query(t.Context(), "T"); !errors.Is(err, ErrDenied) || len(*seen) != 3 {
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
		a, err := c.call(t.Context(), place{}, "token", request{Query: "T"})
		if err != nil || string(BodyOf(a)) != two {
			t.Errorf("%q, %v", BodyOf(a), err)
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
				a, err := c.call(t.Context(), place{}, "token", request{Query: "T"})
				var e *Error
				switch {
				case err == nil && string(BodyOf(a)) == two:
				case n == len(two) && name == "ends":
					t.Errorf("the whole answer is refused: %v", err)
				case !errors.As(err, &e) || e.kind != transient:
					t.Errorf("%s after %d bytes, length stated %v: %q, %v", name, n, stated, BodyOf(a), err)
				}
			}
		}
	}
}
