package call

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hunting-exporter/source/call/calltest"
)

// bodies are small answers with whatever might mislead a reader about their end.
var bodies = map[string]struct {
	text string
	rows int
}{
	"graph": {`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults",` +
		`"schema":[{"name":"Timestamp","type":"DateTime"},{"name":"N","type":"Int64"}],"results":[` +
		`{"Timestamp":"2026-01-02T03:04:05.1234567Z","N@odata.type":"#Int64","N":9007199254740993},{"Timestamp":{},"N":{}}]}`, 2},
	"m365d": {`{"Stats":{"ExecutionTime":0.0937517,"resource_usage":{"cpu":{"total cpu":"00:00:00"}},"dataset_statistics":[{"table_row_count":3,"table_size":102}]},` +
		`"Schema":[{"Name":"A","Type":"String"},{"Name":"B","Type":"SByte"}],"Results":[{"A":"","B":0},{"A":"x","B":1},{"A":null,"B":null}]}`, 3},
	"nested": {`{"results":[{"D":{"a":["{\"results\":[{}]}",[[],{}]],"b":"]}]}"},"T":"C:\\\\dir\\"},` + "\r\n\t" +
		`{"D":[1.5e-3,true,null],"T":"\u007d\u005d\"}]}é€😀"},{}],"schema":[{"name":"D","type":"Object"}]}`, 3},
}

// framing is a way in which the first n bytes of a payload arrive.
type framing struct {
	wire  func(payload string, n int, header string) string
	reset bool // the connection breaks
	open  bool // even after all bytes, nothing says that this is the end
}

var framings = map[string]framing{
	"length stated, closed": {wire: lengthy},
	"length stated, reset":  {wire: lengthy, reset: true},
	"length of the cut":     {wire: func(p string, n int, header string) string { return lengthy(p[:n], n, header) }},
	"chunks, ended":         {wire: func(p string, n int, header string) string { return chunked(p, n, header) + "0\r\n\r\n" }},
	"chunks, closed":        {wire: chunked, open: true},
	"chunks, reset":         {wire: chunked, reset: true, open: true},
	"until closed":          {wire: unframed},
	"until reset":           {wire: unframed, reset: true, open: true},
	"HTTP 1.0":              {wire: func(p string, n int, header string) string { return "HTTP/1.0 200 OK\r\n" + header + "\r\n" + p[:n] }},
}

func lengthy(p string, n int, header string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", header, len(p), p[:n])
}

func unframed(p string, n int, header string) string {
	return "HTTP/1.1 200 OK\r\n" + header + "Connection: close\r\n\r\n" + p[:n]
}

// chunked is two chunks, without the last one that says that there are no more.
func chunked(p string, n int, header string) string {
	all := "HTTP/1.1 200 OK\r\n" + header + "Transfer-Encoding: chunked\r\n\r\n"
	for _, part := range []string{p[:n/2], p[n/2 : n]} {
		if part != "" {
			all += fmt.Sprintf("%x\r\n%s\r\n", len(part), part)
		}
	}
	return all
}

// encodings are the payloads of a body, with the header that says so.
func encodings(t *testing.T, text string) map[string][2]string {
	t.Helper()
	return map[string][2]string{"plain": {text, ""}, "gzip": {string(zipped(t, text)), "Content-Encoding: gzip\r\n"}}
}

// answered is what the client makes of a wire's bytes: whether it takes them for a whole
// answer, which then has to be the very body.
func answered(t *testing.T, c *Client, body string, rows int) (bool, *Error) {
	t.Helper()
	a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
	if err == nil {
		if string(calltest.BodyOf(a)) != body || a.Rows() != int64(rows) {
			t.Fatalf("another answer is accepted: %d rows of %q", a.Rows(), calltest.BodyOf(a))
		}
		a.Release()
		return true, nil
	}
	var e *Error
	if !errors.As(err, &e) || a.Record != nil {
		t.Fatalf("no *Error, or a body beside it: %v", err)
	}
	return false, e
}

// TestNoCutIsAnAnswer cuts answers at every byte, in every way in which a connection can
// end. What is accepted is the whole answer only; everything else is worth another try.
func TestNoCutIsAnAnswer(t *testing.T) {
	t.Parallel()
	for name, body := range bodies {
		for encoding, p := range encodings(t, body.text) {
			for way, f := range framings {
				t.Run(name+", "+encoding+", "+way, func(t *testing.T) {
					t.Parallel()
					payload, header := p[0], p[1]
					var answer string
					c := caller(wire{serve: func(*http.Request) (string, bool) { return answer, false }, reset: f.reset}.client(t))
					for n := range len(payload) + 1 {
						answer = f.wire(payload, n, header)
						whole, e := answered(t, c, body.text, body.rows)
						switch {
						case whole && n < len(payload):
							t.Fatalf("cut to %d of %d bytes, it is accepted", n, len(payload))
						case !whole && e.Kind != transient:
							t.Fatalf("cut to %d of %d bytes: kind %d, %v", n, len(payload), e.Kind, e)
						case n == len(payload) && whole == f.open:
							t.Fatalf("all of its bytes came: accepted %v, %v", whole, e)
						}
					}
				})
			}
		}
	}
}

// TestNoCutOfTheWireIsAnAnswer cuts what is on the wire, header and chunks and all.
func TestNoCutOfTheWireIsAnAnswer(t *testing.T) {
	t.Parallel()
	for name, body := range bodies {
		for encoding, p := range encodings(t, body.text) {
			for _, reset := range []bool{false, true} {
				t.Run(fmt.Sprint(name, ", ", encoding, ", reset ", reset), func(t *testing.T) {
					t.Parallel()
					whole := chunked(p[0], len(p[0]), p[1]) + "0\r\n\r\n"
					var answer string
					c := caller(wire{serve: func(*http.Request) (string, bool) { return answer, false }, reset: reset}.client(t))
					for n := range len(whole) + 1 {
						answer = whole[:n]
						accepted, e := answered(t, c, body.text, body.rows)
						if accepted != (n == len(whole)) || e != nil && e.Kind != transient {
							t.Fatalf("cut to %d of %d bytes: accepted %v, %v", n, len(whole), accepted, e)
						}
					}
				})
			}
		}
	}
}

// TestNothingFollowsAnAnswer puts something after the end of answers.
func TestNothingFollowsAnAnswer(t *testing.T) {
	t.Parallel()
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answer string
			c := caller(wire{serve: func(*http.Request) (string, bool) { return answer, false }}.client(t))
			refused := func(encoding, payload, header string) {
				t.Helper()
				for way, f := range framings {
					answer = f.wire(payload, len(payload), header)
					whole, e := answered(t, c, body.text, body.rows)
					if whole || e.Kind != transient && e.Kind != Unexpected {
						t.Errorf("%s, %s: accepted %v, %v", encoding, way, whole, e)
					}
				}
			}
			for _, more := range []string{"x", "}", "]", ",", "{", `""`, "\x00", "\ufeff", " {}", "\n" + body.text, "null", "<!-- -->"} {
				z := string(zipped(t, body.text))
				refused("plain, "+more, body.text+more, "")
				refused("zipped, "+more, string(zipped(t, body.text+more)), "Content-Encoding: gzip\r\n")
				refused("zipped, then "+more, z+more, "Content-Encoding: gzip\r\n")
				refused("zipped, then zipped "+more, z+string(zipped(t, more)), "Content-Encoding: gzip\r\n")
			}
			// White space is nothing.
			answer = plainly("200 OK", body.text+" \r\n\t")
			a, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
			if err != nil || strings.TrimSpace(string(calltest.BodyOf(a))) != body.text {
				t.Errorf("white space after the end: %v", err)
			}
		})
	}
}
