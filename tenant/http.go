package tenant

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"hunting-exporter/tenant/data"
)

// maxRequest is where a proxy in front of the API refuses a body.
const maxRequest = 1 << 20

// clientGone stands in the log for an answer that did not get through.
const clientGone = 499

// ServeHTTP answers the hunting APIs, the token endpoint and its discovery.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", t.o.Now().UTC().Format(http.TimeFormat))
	f, ok := paths[r.URL.Path]
	switch {
	case !ok:
		t.identity(w, r)
	case r.Method != http.MethodPost:
		t.refuse(w, f, refusal{http.StatusMethodNotAllowed, "BadRequest", "Method not allowed."})
	default:
		t.hunt(w, r, f)
	}
}

// hunt answers one hunting call and records how it ended.
func (t *Tenant) hunt(w http.ResponseWriter, r *http.Request, f flavour) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return // the client went away
	}
	w.Header().Set("Request-Id", newGUID())
	q, bad := readBody(body, f)
	rec := Record{At: t.o.Now(), API: string(f), Query: q.text, Status: http.StatusOK}
	defer func() { t.stats.hunting(rec) }() // also where the connection is broken
	call, fault := t.fault.next(Call{API: string(f), Query: q.text, Request: r})
	if t.o.Latency != nil {
		fault.Delay += t.o.Latency()
	}
	if fault.strike(w, r, &rec) {
		return
	}
	if fault.Cut {
		cut := &cutWriter{ResponseWriter: w, left: fault.CutAfter}
		defer func() {
			rec.Status = clientGone
			cut.abort() // also where the answer was shorter than the cut
		}()
		w = cut
	}
	if no := t.admit(r, f, len(body), bad); no != nil {
		rec.Status = no.status
		t.refuse(w, f, *no)
		return
	}
	t.reply(w, call, q, &rec)
}

// strike lets a fault happen; true where that was the answer.
func (f Fault) strike(w http.ResponseWriter, r *http.Request, rec *Record) bool {
	rec.Status = clientGone // which a broken connection ends as
	if !wait(r.Context(), f.Delay) {
		return true
	}
	if f.instead() {
		rec.Status = f.answer(w)
		return true
	}
	rec.Status = http.StatusOK
	return false
}

// admit checks what a gateway checks before the query is looked at.
func (t *Tenant) admit(r *http.Request, f flavour, size int, bad *refusal) *refusal {
	if size > maxRequest {
		return &refusal{status: http.StatusRequestEntityTooLarge}
	}
	if no := t.authorize(r, f); no != nil {
		return no
	}
	if l, wait, ok := t.quota.take(t.o.Now(), t.limits()); !ok {
		no := quotaRefusal(f, quotaText(l.calls, l.per, wait))
		return &no
	}
	return bad
}

func (t *Tenant) reply(w http.ResponseWriter, call Call, q request, rec *Record) {
	f, r, within := flavour(call.API), call.Request, data.Always
	if q.timespan != "" {
		var ok bool
		if within, ok = timespanOf(q.timespan, t.o.Now()); !ok {
			rec.Status = http.StatusBadRequest
			t.refuse(w, f, badRequest("Invalid Timespan."))
			return
		}
	}
	a, err := t.answer(r.Context(), call, within)
	if fault, ok := faultOf(err); ok {
		fault.strike(w, r, rec)
		return
	}
	if err != nil {
		rec.Status = http.StatusBadRequest
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			rec.Status = clientGone
			return
		}
		t.refuse(w, f, badRequest(err.Error()))
		return
	}
	defer a.release()
	rec.Rows, rec.Bytes, rec.Truncated = a.rows, a.bytes, a.truncated
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		_ = a.writeTo(w, f) // the client went away
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // a level there is
	if a.writeTo(z, f) == nil {
		_ = z.Close()
	}
}

func (t *Tenant) refuse(w http.ResponseWriter, f flavour, no refusal) {
	w.Header().Set("Content-Type", "application/json")
	body := no.body(f, t.o.Now(), newGUID())
	if no.status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Content-Type", "text/html")
		body = []byte("<html><head><title>413 Request Entity Too Large</title></head><body></body></html>")
	}
	w.WriteHeader(no.status)
	_, _ = w.Write(body)
}

type request struct{ text, timespan string }

// readBody reads the query out of a request; the names are case sensitive on the
// legacy APIs.
func readBody(body []byte, f flavour) (request, *refusal) {
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return request{}, &refusal{http.StatusBadRequest, "InvalidRequestBody", "Request body is incorrect"}
	}
	get := func(names ...string) string {
		for _, n := range names {
			if s, ok := fields[n].(string); ok {
				return s
			}
		}
		return ""
	}
	out := request{text: get("Query")}
	if f == graphAPI {
		out = request{text: get("Query", "query"), timespan: get("Timespan", "timespan")}
	}
	if out.text == "" {
		return out, &refusal{http.StatusBadRequest, "MissingRequiredParameter", "The parameter Query is missing or empty"}
	}
	return out, nil
}

func (f Fault) answer(w http.ResponseWriter) int {
	for k, v := range f.Header {
		w.Header()[k] = v
	}
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	if f.Cut {
		w = &cutWriter{ResponseWriter: w, left: f.CutAfter}
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, f.Body)
	if cut, ok := w.(*cutWriter); ok {
		cut.abort()
	}
	return status
}

// wait is false where the client did not wait that long.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// cutWriter breaks the connection once its bytes are out.
type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		return c.ResponseWriter.Write(p)
	}
	n, _ := c.ResponseWriter.Write(p[:c.left])
	c.left = 0
	return n, io.ErrShortWrite
}

// abort is how net/http lets a server break a connection.
func (c *cutWriter) abort() {
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails; see crypto/rand
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
