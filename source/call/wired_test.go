package call

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hunting-exporter/internal/pool"
	"hunting-exporter/transform"
)

// wired are answers for the real decoder: both flavours, and a schema that comes last.
var wired = map[string]struct {
	text string
	rows int64
}{
	"graph": {bodies["graph"].text, 2},
	"m365d": {bodies["m365d"].text, 3},
	"schema last": {`{"results":[{"D":{"a":["{\"results\":[{}]}",[[],{}]],"b":"]}]}"},"T":"C:\\\\dir\\"},` + "\r\n\t" +
		`{"D":[1.5e-3,true,null],"T":"\u007d\u005d\"}]}é€😀"},{}],"schema":[{"name":"D","type":"Object"},{"name":"T","type":"String"}]}`, 3},
}

// TestDecoderAndWire cuts answers at every byte in every way in which a connection can end.
// The real decoder gives the whole answer only, and whatever was lent for another one is back.
func TestDecoderAndWire(t *testing.T) {
	t.Parallel()
	for name, body := range wired {
		for encoding, p := range encodings(t, body.text) {
			for way, f := range framings {
				t.Run(name+", "+encoding+", "+way, func(t *testing.T) {
					t.Parallel()
					var lent pool.Pool
					var answer string
					c := caller(wire{serve: func(*http.Request) (string, bool) { return answer, false }, reset: f.reset}.client(t))
					c.decoder = transform.NewDecoder(transform.Config{}, &lent)
					for n := len(p[0]); n >= 0; n-- { // the whole one first
						answer = f.wire(p[0], n, p[1])
						a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
						var e *Error
						switch {
						case err != nil && (!errors.As(err, &e) || e.Kind != transient):
							t.Fatalf("cut to %d of %d bytes: %v", n, len(p[0]), err)
						case err == nil && n < len(p[0]):
							t.Fatalf("cut to %d of %d bytes, it is accepted", n, len(p[0]))
						case n == len(p[0]) && (err == nil) == f.open:
							t.Fatalf("all of its bytes came: %v", err)
						case err == nil && a.Rows() != body.rows:
							t.Fatalf("%d rows", a.Rows())
						}
						a.Release()
						if lent.Lent() != 0 {
							t.Fatalf("cut to %d of %d bytes: %d bytes stay lent after %v", n, len(p[0]), lent.Lent(), err)
						}
					}
				})
			}
		}
	}
}

// TestDamagedTransferIsNoAnswer flips bits of a gzip stream: what is accepted has the same
// cells, and what is not is worth another try, whatever the decoder made of it.
func TestDamagedTransferIsNoAnswer(t *testing.T) {
	t.Parallel()
	var lent pool.Pool
	decoder := transform.NewDecoder(transform.Config{}, &lent)
	whole := zipped(t, strings.Repeat(" ", 100)+wired["graph"].text)
	read := func(b []byte) (string, error) {
		c := &Client{cfg: Config{API: "graph", MaxRows: 100, MaxBody: 1 << 20}, decoder: decoder, identity: new(Identity), now: time.Now}
		resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Encoding": {"gzip"}}, ContentLength: -1, Body: io.NopCloser(slowly(b))}
		a, err := c.decode(t.Context(), Target{}, resp)
		defer a.Release()
		if err != nil {
			if e := c.undecodable(resp, "token", err); e != nil && e.Kind != transient {
				return "", fmt.Errorf("not tried again: %w", err)
			}
			return "", nil
		}
		return fmt.Sprint(a.Record), nil
	}
	want, err := read(whole)
	if err != nil || want == "" {
		t.Fatal(want, err)
	}
	accepted := 0
	for n := range whole {
		for bit := range 8 {
			damaged := bytes.Clone(whole)
			damaged[n] ^= 1 << bit
			got, err := read(damaged)
			if err != nil || got != "" && got != want {
				t.Errorf("bit %d of byte %d damaged: %q, %v", bit, n, got, err)
			}
			if got != "" {
				accepted++
			}
		}
	}
	if lent.Lent() != 0 {
		t.Errorf("%d bytes stay lent", lent.Lent())
	}
	t.Logf("%d of %d damages change nothing", accepted, 8*len(whole))
}

// TestDamageBeforeTheDecoderSeesItsEnd: the decoder finds no document long before the
// checksum tells that the transfer was damaged; the query is worth another try all the same.
func TestDamageBeforeTheDecoderSeesItsEnd(t *testing.T) {
	t.Parallel()
	var stored bytes.Buffer
	z, err := gzip.NewWriterLevel(&stored, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	text := `{"Schema":[],"Results":[]` + strings.Repeat(" ", 3<<20) + `}`
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for damage, want := range map[byte]Kind{0: -1, '!' ^ '{': transient} {
		sent := bytes.Replace(stored.Bytes(), []byte("{"), []byte{'{' ^ damage}, 1)
		c := caller(wire{serve: func(*http.Request) (string, bool) {
			return plainly("200 OK", string(sent), "Content-Encoding: gzip"), false
		}}.client(t))
		c.decoder = transform.NewDecoder(transform.Config{}, new(pool.Pool))
		a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
		var e *Error
		switch {
		case want < 0 && err != nil:
			t.Errorf("whole, it is refused: %v", err)
		case want >= 0 && (!errors.As(err, &e) || e.Kind != want):
			t.Errorf("damaged: %v", err)
		}
		a.Release()
	}
}

// TestRefusedAnswersGiveTheirMemoryBack: an answer with rows that is refused all the same.
func TestRefusedAnswersGiveTheirMemoryBack(t *testing.T) {
	t.Parallel()
	const begin, rows = `{"Schema":[{"Name":"A","Type":"String"},{"Name":"N","Type":"Int64"}],`, `"Results":[{"A":"x","N":1},{"A":"y","N":2}]`
	for name, tt := range map[string]struct {
		text string
		kind Kind
	}{
		"next page":      {begin + rows + `,"@odata.nextLink":"https://x"}`, TooMany},
		"row cap":        {begin + rows + `}`, TooMany},
		"statistics":     {begin + rows + `,"Stats":{"dataset_statistics":[{"table_row_count":3}]}}`, TooMany},
		"an error too":   {begin + rows + `,"error":{"code":"BadRequest","message":"Query execution has exceeded the allowed result size"}}`, TooLarge},
		"quota":          {`{"error":{"code":"429","message":"API calls quota exceeded!"},` + rows + `,` + begin[1:len(begin)-1] + `}`, throttled},
		"more after":     {begin + rows + `}{`, Unexpected},
		"results twice":  {begin + rows + `,` + rows + `}`, Unexpected},
		"no results":     {begin[:len(begin)-1] + `}`, Unexpected},
		"too deep":       {begin + `"Results":[{"A":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}]}`, Unexpected},
		"cut":            {begin + rows[:len(rows)-3], transient},
		"no JSON":        {begin + `"Results":[{"A":"x","N":01}]}`, Unexpected},
		"invalid escape": {begin + `"Results":[{"A":"\q"}]}`, Unexpected},
	} {
		var lent pool.Pool
		c := caller(wire{serve: func(*http.Request) (string, bool) { return plainly("200 OK", tt.text), false }}.client(t))
		c.decoder = transform.NewDecoder(transform.Config{}, &lent)
		if name == "row cap" {
			c.cfg.MaxRows = 2
		}
		a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
		var e *Error
		if !errors.As(err, &e) || e.Kind != tt.kind || a.Record != nil {
			t.Errorf("%s: want kind %d, got %v", name, tt.kind, err)
		}
		if lent.Lent() != 0 {
			t.Errorf("%s: %d bytes stay lent", name, lent.Lent())
		}
	}
}
