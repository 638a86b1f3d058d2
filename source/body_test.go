package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

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
	c := &client{cfg: Config{API: "graph", MaxRows: 100}, now: time.Now}
	for encoding, whole := range map[string][]byte{"": []byte(strings.TrimSpace(sample)), "gzip": zipped(t, sample)} {
		for n := range len(whole) + 1 {
			body, err := readBody(slowly(whole[:n]), encoding, nil, maxBody)
			if err == nil {
				_, err = c.result(&http.Response{StatusCode: 200}, body, "token")
			}
			if (err == nil) != (n == len(whole)) {
				t.Fatalf("%q cut to %d of %d bytes: %v", encoding, n, len(whole), err)
			}
		}
		for n := range whole {
			if encoding == "" {
				break
			}
			damaged := bytes.Clone(whole)
			damaged[n] ^= 0x10
			body, err := readBody(slowly(damaged), encoding, nil, maxBody)
			if err == nil && string(body) != sample {
				t.Fatalf("byte %d damaged: another body, no error", n)
			}
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	for name, tt := range map[string]struct {
		body     io.Reader
		encoding string
		err      error
	}{
		"at the limit":  {strings.NewReader(long), "", nil},
		"plain":         {strings.NewReader(long + "x"), "", errTooBig},
		"a bomb":        {bytes.NewReader(zipped(t, long+"x")), "gzip", errTooBig},
		"odd encoding":  {strings.NewReader(long), "br", errShape},
		"empty gzip":    {strings.NewReader(""), "gzip", io.ErrUnexpectedEOF},
		"a wrapped EOF": {iotest.ErrReader(errors.Join(io.EOF)), "", io.EOF},
	} {
		if _, err := readBody(tt.body, tt.encoding, nil, 5000); !errors.Is(err, tt.err) {
			t.Errorf("%s: got %v, want %v", name, err, tt.err)
		}
	}
}

func TestBodiesAreUsedAgain(t *testing.T) {
	t.Parallel()
	var b buffers
	body := append(b.get(), sample...)
	free := b.free(body)
	free()
	free() // a page given back twice must not serve two answers
	first, second := b.get(), b.get()
	first, second = first[:1], second[:1]
	if &first[0] == &second[0] {
		t.Error("one body serves two answers")
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
			c := &client{cfg: Config{API: "graph", MaxRows: 100, Timeout: time.Minute}, url: srv.URL, http: web, now: time.Now}
			_, err := c.call(t.Context(), "token", request{Query: "T"})
			var e *Error
			if !errors.As(err, &e) || e.kind != transient {
				t.Errorf("got %v", err)
			}
		})
	}
}
