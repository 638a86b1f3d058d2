package call

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func legacyError(code, message string) string {
	return `{"error":{"code":"` + code + `","message":"` + message + `","target":"00000000-0000-0000-0000-000000000000"}}`
}

func graphError(code, message string) string {
	return `{"error":{"code":"` + code + `","message":"` + message + `","innerError":{"date":"2026-01-02T12:34:56","request-id":"r"}}}`
}

func same(s string) string { return s }

func TestClassify(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const html = `<html><body>Bad Gateway</body></html>`
	for _, tt := range []struct {
		name   string
		status int
		after  string
		body   string
		kind   Kind
		wait   time.Duration
	}{
		{"calls, code 429", 429, "", legacyError("429", "API calls quota exceeded! maximum allowed 45 per 00:01:00"), throttled, time.Minute},
		{"calls an hour", 429, "", legacyError("429", "API calls quota exceeded! maximum allowed 1500 per 01:00:00"), throttled, 15 * time.Minute},
		{"calls, newer form", 429, "", legacyError("TooManyRequests", "API calls quota exceeded! maximum allowed 45 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 8 seconds."), throttled, 8 * time.Second},
		{"header first", 429, "17", legacyError("429", "again in 8 seconds."), throttled, 17 * time.Second},
		{"header as a date", 429, "Fri, 02 Jan 2026 03:05:00 GMT", "", throttled, 55 * time.Second},
		{"clock", 429, "", legacyError("429", "You can run queries again in 00:12:34."), throttled, 12*time.Minute + 34*time.Second},
		{"minutes", 429, "", legacyError("429", "You can run queries again in 5 minutes and 30 seconds."), throttled, 330 * time.Second},
		{"share of CPU", 429, "", graphError("TooManyRequests", "You have exceeded processing resources allocated to this tenant. You can run queries again in 00:03:00."), throttled, 3 * time.Minute},
		{"nothing said", 429, "", "", throttled, 0},
		{"HTML", 429, "", "<html>slow down</html>", throttled, 0},
		{"a gateway's form", 429, "", `{"statusCode":429,"message":"Rate limit is exceeded. Try again in 9 seconds."}`, throttled, 9 * time.Second},
		{"429 in a 400", 400, "", legacyError("429", "API calls quota exceeded!"), throttled, 0},
		{"size", 400, "", graphError("BadRequest", "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again"), TooLarge, 0},
		{"size, variant", 400, "", legacyError("BadRequest", "Query execution has exceeded the allowed result size. Optimize your query by limiting the amount of results and try again"), TooLarge, 0},
		{"size, portal", 400, "", legacyError("BadRequest", "Result size limit exceeded. Use summarize."), TooLarge, 0},
		{"limits", 400, "", graphError("BadRequest", "Query execution has exceeded the allowed limits. Preempted."), TooCostly, 0},
		{"consumption", 400, "", legacyError("BadRequest", "Query stopped due to excessive resource consumption."), TooCostly, 0},
		{"timeout, portal", 400, "", legacyError("BadRequest", "Query exceeded the timeout period."), TooCostly, 0},
		{"timeout as 500", 500, "", legacyError("InternalServerError", "Query exceeded the timeout period."), TooCostly, 0},
		{"try again", 400, "", legacyError("BadRequest", "An unexpected error occurred during query execution. Please try again in a few minutes."), transient, 0},
		{"unresolved", 400, "", graphError("BadRequest", "'where' operator: Failed to resolve table or column expression named 'Nope'"), Query, 0},
		{"semantic", 400, "", legacyError("BadRequest", "Fix semantic errors in your query."), Query, 0},
		{"syntax", 400, "", legacyError("BadRequest", "Query could not be parsed. Fix syntax errors in your query."), Query, 0},
		{"body", 400, "", legacyError("InvalidRequestBody", "no"), Query, 0},
		{"400 HTML", 400, "", html, Unexpected, 0},
		{"413 HTML", 413, "", html, Query, 0},
		{"502 HTML", 502, "", html, TooCostly, 0},
		{"504 without words", 504, "", graphError("UnknownError", ""), TooCostly, 0},
		{"500", 500, "", legacyError("InternalServerError", "oops"), transient, 0},
		{"503 asks", 503, "20", "", transient, 20 * time.Second},
		{"401", 401, "", legacyError("Unauthorized", "expired"), unauthorized, 0},
		{"403 Graph", 403, "", graphError("Authorization_RequestDenied", "Insufficient privileges"), denied, 0},
		{"403 legacy", 403, "", legacyError("Forbidden", "no"), denied, 0},
		{"404", 404, "", legacyError("NotFound", "no"), Unexpected, 0},
		{"302", 302, "", "", Unexpected, 0},
		{"error in a 200", 200, "", graphError("BadRequest", "Query execution has exceeded the allowed result size."), TooLarge, 0},
		{"unknown in a 200", 200, "", graphError("Odd", "what"), Unexpected, 0},
	} {
		header := http.Header{}
		header.Set("Retry-After", tt.after)
		e := Config{API: "graph"}.classify(tt.status, header, []byte(tt.body), now, same)
		if e.Kind != tt.kind || e.wait != tt.wait {
			t.Errorf("%s: kind %d wait %s, want %d %s", tt.name, e.Kind, e.wait, tt.kind, tt.wait)
		}
		if !errors.Is(e, kinds[tt.kind]) {
			t.Errorf("%s: %v does not match its sentinel", tt.name, e)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	c := Config{API: "graph"}
	for body, wants := range map[string][]string{
		graphError("Authorization_RequestDenied", "Insufficient privileges"):         {"403", "Authorization_RequestDenied", "Insufficient", "grant", "ThreatHunting.Read.All", "consent"},
		graphError("BadRequest", "Failed to resolve table expression named 'Nope'."): {"400", "Nope", "no such table", "lacks"},
	} {
		status := 400
		if strings.Contains(body, "Denied") {
			status = 403
		}
		text := c.classify(status, http.Header{}, []byte(body), time.Time{}, same).Error()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not say %q", text, want)
			}
		}
	}
	long := c.classify(400, http.Header{}, []byte(graphError("BadRequest", strings.Repeat("é", 5000))), time.Time{}, same)
	if n := len(long.Error()); n > 1000 {
		t.Errorf("message of %d bytes", n)
	}
	if text := c.classify(400, http.Header{}, []byte(graphError("a", `line\nbreak`)), time.Time{}, same).Error(); strings.Contains(text, "\n") {
		t.Errorf("%q has more than one line", text)
	}
}
