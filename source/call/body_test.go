package call

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/source/call/calltest"
	"hunting-exporter/transform"
)

const sample = `{"@odata.context":"https://x/$metadata","schema":[{"name":"A","type":"String"},{"name":"D","type":"Object"}],
"results":[
 {"A":"plain","A@odata.type":"#String","D":{"k":["{\"x\":1}",{"deep":[[],{}]}],"@odata.type":"#t"}},
 {"A":"quote \" back\\slash \\\\\" end }]","D":{}},
 {"A":"` + "a long string without any escape that goes past the first thirty-two bytes and then has one \\\" here" + `","D":null},
 {}
] } ` + "\r\n\t"

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func slowly(body []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(body)) }

// TestEveryCutIsSeen cuts an answer where nothing but its own bytes tells: the
// connection ended as if all had been sent.
func TestEveryCutIsSeen(t *testing.T) {
	t.Parallel()
	decoder := transform.NewDecoder(transform.Config{}, new(pool.Pool))
	read := func(r io.Reader, encoding string) (hunting.Answer, error) {
		c := &Client{cfg: Config{API: "graph", MaxRows: 100, MaxBody: 1 << 20}, decoder: decoder, identity: new(Identity), now: time.Now}
		header := http.Header{"Content-Encoding": {encoding}}
		return c.decode(t.Context(), Target{}, &http.Response{StatusCode: 200, Header: header, ContentLength: -1, Body: io.NopCloser(r)})
	}
	for encoding, whole := range map[string][]byte{"": []byte(strings.TrimSpace(sample)), "gzip": zipped(t, sample)} {
		for n := range len(whole) + 1 {
			a, err := read(slowly(whole[:n]), encoding)
			if (err == nil) != (n == len(whole)) {
				t.Fatalf("%q cut to %d of %d bytes: %v", encoding, n, len(whole), err)
			}
			a.Release()
		}
		for n := range whole {
			if encoding == "" {
				break
			}
			damaged := bytes.Clone(whole)
			damaged[n] ^= 0x10
			if a, err := read(slowly(damaged), encoding); err == nil && a.Rows() != 4 {
				t.Fatalf("byte %d damaged: another body, no error", n)
			}
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	text := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	zip := func(s string) func() io.Reader {
		z := zipped(t, s)
		return func() io.Reader { return bytes.NewReader(z) }
	}
	for name, tt := range map[string]struct {
		body     func() io.Reader
		encoding string
		length   int64
		err      error
	}{
		"at the limit":          {text(long), "", -1, nil},
		"plain":                 {text(long + "x"), "", -1, errTooBig},
		"zipped, at it":         {zip(long), "gzip", -1, nil},
		"a bomb":                {zip(long + "x"), "gzip", -1, errTooBig},
		"stated too long":       {text(""), "", 5001, errTooBig},
		"zipped, too long":      {text(""), "gzip", 5001, errTooBig},
		"nothing, zipped often": {text(strings.Repeat(string(zipped(t, "")), 300)), "gzip", -1, errTooBig},
		"odd encoding":          {text(long), "br", -1, errEncoding},
		"two encodings":         {zip(long), "gzip, gzip", -1, errEncoding},
		"empty gzip":            {text(""), "gzip", -1, io.ErrUnexpectedEOF},
		"a wrapped EOF":         {func() io.Reader { return iotest.ErrReader(errors.Join(io.EOF)) }, "", -1, io.ErrUnexpectedEOF},
		"no gzip at all":        {text(long), "gzip", -1, gzip.ErrHeader},
		"gzip in two parts":     {func() io.Reader { return io.MultiReader(zip(long[:50])(), zip(long[50:])()) }, "gzip", -1, nil},
	} {
		b, err := openBody(tt.body(), tt.encoding, tt.length, 5000)
		if err == nil {
			err = b.end()
			if errors.Is(err, hunting.ErrMalformed) { // there were bytes, to their end
				err = b.failure()
			}
			b.close()
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: got %v, want %v", name, err, tt.err)
		}
	}
}

func TestServerThatCutsIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]http.HandlerFunc{
		"length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, sample)
		},
		"chunk": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, sample)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"close": func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + sample[:200])
			_ = buffered.Flush()
			_ = conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(cut)
			defer srv.Close()
			web := newHTTP(nil, 1)
			defer web.CloseIdleConnections()
			c := &Client{cfg: Config{API: "graph", MaxRows: 100, MaxBody: 1 << 20, Timeout: time.Minute}, url: srv.URL, http: web, decoder: calltest.Keeper{}, identity: new(Identity), now: time.Now, skew: &skew{now: time.Now}, log: slog.New(slog.DiscardHandler)}
			_, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
			var e *Error
			if !errors.As(err, &e) || e.Kind != transient {
				t.Errorf("got %v", err)
			}
		})
	}
}
