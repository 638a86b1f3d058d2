package call

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/source/call/calltest"
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
	web.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return w.dial(ctx) }
	tb.Cleanup(web.CloseIdleConnections)
	return web
}

func (w wire) dial(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	go w.talk(far)
	if w.reset {
		return broken{near}, nil
	}
	return near, nil
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
func caller(web *http.Client) *Client {
	return &Client{
		cfg: Config{API: "m365d", MaxRows: 100, MaxBody: 512 << 20, Timeout: 4 * time.Minute}, url: "http://api.test/run",
		http: web, decoder: calltest.Keeper{}, identity: new(Identity), now: time.Now, log: slog.New(slog.DiscardHandler),
		skew: &skew{now: time.Now, log: slog.New(slog.DiscardHandler)},
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
	const whole = Kind(-1) // no error
	text, form := "Content-Type: text/plain", "Content-Type: application/json"
	for name, tt := range map[string]struct {
		answer string
		kind   Kind
		says   string
	}{
		"a result":                    {plainly("200 OK", two, form), whole, ""},
		"no type":                     {plainly("200 OK", two), whole, ""},
		"text, but a result":          {plainly("200 OK", two, text), whole, ""},
		"said to be HTML, a result":   {plainly("200 OK", two, "Content-Type: text/html"), whole, ""},
		"identity":                    {plainly("200 OK", two, "Content-Encoding: Identity"), whole, ""},
		"HTML":                        {plainly("200 OK", html, "Content-Type: text/html; charset=utf-8"), Unexpected, "text/html"},
		"HTML, said to be JSON":       {plainly("200 OK", html, form), Unexpected, "proxy"},
		"a login page":                {plainly("200 OK", "Please sign in", text), Unexpected, "proxy"},
		"empty":                       {plainly("200 OK", "", form), transient, ""},
		"white space":                 {plainly("200 OK", "\r\n \t", form), transient, ""},
		"a list":                      {plainly("200 OK", "["+two+"]", form), Unexpected, ""},
		"null":                        {plainly("200 OK", "null", form), Unexpected, ""},
		"no object":                   {plainly("200 OK", `"`+two+`"`, form), Unexpected, ""},
		"not an answer of hunting":    {plainly("200 OK", `{"value":[]}`, form), Unexpected, "no results"},
		"results null":                {plainly("200 OK", `{"Schema":[],"Results":null}`, form), Unexpected, "no results"},
		"results before their schema": {plainly("200 OK", `{"Results":[{"a":1},{"a":2}],"Schema":[]}`, form), whole, ""},
		"more after it":               {plainly("200 OK", two+two, form), Unexpected, "after"},
		"byte order mark":             {plainly("200 OK", "\ufeff"+two, form), Unexpected, ""},
		"a next page":                 {plainly("200 OK", `{"@odata.nextLink":"https://x","results":[{}]}`, form), TooMany, "next page"},
		"an error":                    {plainly("200 OK", legacyError("InternalServerError", "oops"), form), Unexpected, "oops"},
		"an error and rows":           {plainly("200 OK", `{"results":[{}],"error":{"code":"BadRequest","message":"Query execution has exceeded the allowed result size"}}`, form), TooLarge, "allowed result size"},
		"an error and null":           {plainly("200 OK", `{"results":null,"error":{"code":"429","message":"API calls quota exceeded!"}}`, form), throttled, "quota"},
		"an error, try again":         {plainly("200 OK", graphError("UnknownError", "An unexpected error occurred during query execution. Please try again in a few minutes."), form), transient, "try again"},
		"an encoding not asked for":   {plainly("200 OK", two, "Content-Encoding: br"), Unexpected, `"br"`},
		"said to be gzip":             {plainly("200 OK", two, "Content-Encoding: gzip"), transient, ""},
		"an odd length":               {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", transient, ""},
		"no HTTP":                     {two, transient, ""},
		"nothing":                     {"", transient, ""},
		"201":                         {plainly("201 Created", two, form), Unexpected, "201"},
		"204":                         {"HTTP/1.1 204 No Content\r\n\r\n", Unexpected, "204"},
		"206":                         {plainly("206 Partial Content", two, form, "Content-Range: bytes 0-40/100"), Unexpected, "206"},
		"302":                         {plainly("302 Found", two, "Location: /elsewhere"), Unexpected, "SOURCE_ENDPOINT"},
		"407":                         {plainly("407 Proxy Authentication Required", html, "Content-Type: text/html"), Unexpected, "407"},
		"statistics agree":            {plainly("200 OK", stats(`{"table_row_count":2}`), form), whole, ""},
		"statistics count more":       {plainly("200 OK", stats(`{"table_row_count":3}`), form), TooMany, "count 3"},
		"statistics count less":       {plainly("200 OK", stats(`{"table_row_count":1}`), form), whole, ""},
		"statistics of two tables":    {plainly("200 OK", stats(`{"table_row_count":90},{"table_row_count":2}`), form), whole, ""},
		"statistics make no sense":    {plainly("200 OK", stats(`{"table_row_count":{}}`), form), whole, ""},
		"statistics are none":         {plainly("200 OK", stats(``), form), whole, ""},
		"a cut before the statistics": {plainly("200 OK", stats(`{"table_row_count":2}`)[:30], form), transient, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := caller(wire{serve: func(*http.Request) (string, bool) { return tt.answer, false }}.client(t))
			a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
			var e *Error
			switch {
			case tt.kind == whole && err == nil:
				if a.Rows() != 2 || !strings.HasSuffix(tt.answer, string(calltest.BodyOf(a))) {
					t.Errorf("%d rows of %q", a.Rows(), calltest.BodyOf(a))
				}
				a.Release()
			case !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(err.Error(), tt.says):
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
				_, err := caller(web).call(t.Context(), Target{}, "token", request{Query: "T"})
				var e *Error
				if !errors.As(err, &e) || e.Kind != TooCostly || !strings.Contains(err.Error(), "SOURCE_TIMEOUT") {
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
		_, err := caller(w.client(t)).call(t.Context(), Target{}, "token", request{Query: "T"})
		var e *Error
		if !errors.As(err, &e) || e.Kind != denied || e.Status != http.StatusForbidden {
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
				_, err := caller(w.client(t)).call(ctx, Target{}, "token", request{Query: "T"})
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
