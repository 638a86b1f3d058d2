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
			body, err := download{r: slowly(whole[:n]), encoding: encoding, limit: maxBody}.read(nil)
			if err == nil {
				_, err = c.result(t.Context(), &http.Response{StatusCode: 200}, body, "token")
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
			body, err := download{r: slowly(damaged), encoding: encoding, limit: maxBody}.read(nil)
			if err == nil && string(body) != sample {
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
		"odd encoding":          {text(long), "br", -1, errShape},
		"two encodings":         {zip(long), "gzip, gzip", -1, errShape},
		"empty gzip":            {text(""), "gzip", -1, io.ErrUnexpectedEOF},
		"a wrapped EOF":         {func() io.Reader { return iotest.ErrReader(errors.Join(io.EOF)) }, "", -1, io.EOF},
		"no gzip at all":        {text(long), "gzip", -1, gzip.ErrHeader},
		"gzip in two parts":     {func() io.Reader { return io.MultiReader(zip(long[:50])(), zip(long[50:])()) }, "gzip", -1, nil},
	} {
		for _, into := range [][]byte{nil, make([]byte, 0, 5000), make([]byte, 0, 20_000)} {
			if _, err := (download{r: tt.body(), encoding: tt.encoding, length: tt.length, limit: 5000}).read(into); !errors.Is(err, tt.err) {
				t.Errorf("%s, room for %d: got %v, want %v", name, cap(into), err, tt.err)
			}
		}
	}
}

func TestBodiesAreUsedAgain(t *testing.T) {
	t.Parallel()
	var b buffers
	body := append(b.get(0), sample...)
	free := b.free(body)
	free()
	free() // a page given back twice must not serve two answers
	first, second := b.get(0), b.get(0)
	first, second = first[:1], second[:1]
	if &first[0] == &second[0] {
		t.Error("one body serves two answers")
	}
}

// TestRoomIsWhatIsNeeded: a body is copied as little as possible and never twice as large
// in memory as it is, if its size is stated or like that of the one before.
func TestRoomIsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	text := strings.Repeat("x", size)
	for name, tt := range map[string]struct {
		encoding string
		length   int64
		before   int
		most     int
	}{
		"stated":           {"", size, 0, size + 1<<10},
		"stated, a lie":    {"", 100, 0, 2 * size},
		"nothing is known": {"", -1, 0, 2 * size},
		"like before":      {"", -1, size - size/100, size + size/8},
		"before was less":  {"", -1, size / 2, 2 * size},
		"zipped":           {"gzip", 3000, size, size + size/8},
	} {
		var b buffers
		b.saw(tt.before)
		r := io.Reader(strings.NewReader(text))
		if tt.encoding == "gzip" {
			r = bytes.NewReader(zipped(t, text))
		}
		d := download{r: r, encoding: tt.encoding, length: tt.length, limit: maxBody, expect: b.expect()}
		got, err := d.read(b.get(d.room()))
		if err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if cap(got) > tt.most {
			t.Errorf("%s: room for %d bytes, want %d at most", name, cap(got), tt.most)
		}
	}
	var b buffers
	b.saw(100 << 20)
	d := download{r: strings.NewReader(text[:largeBody/2]), length: -1, limit: maxBody, expect: b.expect()}
	if got, err := d.read(b.get(d.room())); err != nil || cap(got) > largeBody+1<<10 {
		t.Errorf("a small body takes the room of a large one: %d bytes, %v", cap(got), err)
	}
	for range 50 {
		b.saw(2 << 20)
	}
	if e := b.expect(); e > 3<<20 {
		t.Errorf("after many small answers %d bytes are expected", e)
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
