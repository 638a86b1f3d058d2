package call

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

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
		_, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
		var e *Error
		switch {
		case tt.fits && err != nil:
			t.Errorf("%s: %v", name, err)
		case !tt.fits && (!errors.As(err, &e) || e.Kind != TooLarge || !strings.Contains(err.Error(), "5000 bytes")):
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
		_, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
		var e *Error
		if !errors.As(err, &e) || e.Kind != TooLarge {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
