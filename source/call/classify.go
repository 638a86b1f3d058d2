package call

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hunting-exporter/source/quota"
)

// classify turns an answer that is no result into a failure. The status alone does not
// decide: 400 has at least three meanings, and a 200 may carry an error. clean
// takes secrets out of what is kept of its text.
func (c Config) classify(status int, header http.Header, body []byte, now time.Time, clean func(string) string) *Error {
	e := &Error{Status: status}
	e.Code, e.Message = said(body)
	text := strings.ToLower(e.Code + " " + e.Message)
	if e.Code == "" && e.Message == "" {
		text = strings.ToLower(string(body))
		e.Message = fmt.Sprintf("no error object, %d bytes of %q", len(body), Shorten(header.Get("Content-Type")))
	}
	e.Kind = kindOf(status, strings.ToLower(e.Code), text)
	if e.Kind == throttled || status == http.StatusServiceUnavailable {
		e.limits, e.wait = quota.Limits(text), quota.Stated(header.Get("Retry-After"), text, now)
		e.cpu = has(text, "processing resources", "cpu")
	}
	e.Code, e.Message = Shorten(clean(e.Code)), Shorten(clean(e.Message))
	e.Fix = c.fix(e, text)
	return e
}

// said finds code and message in the shapes that the APIs and gateways before them use.
func said(body []byte) (code, message string) {
	var outer struct {
		Error      json.RawMessage `json:"error"`
		Code       json.RawMessage `json:"code"`
		StatusCode json.RawMessage `json:"statusCode"`
		Message    string          `json:"message"`
		// Entra's shape has the message beside the error.
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return "", ""
	}
	var inner struct {
		Code    json.RawMessage `json:"code"`
		Message string          `json:"message"`
	}
	switch {
	case outer.Description != "":
		code, message = word(outer.Error), outer.Description
	case len(outer.Error) > 0 && outer.Error[0] == '{' && json.Unmarshal(outer.Error, &inner) == nil:
		code, message = word(inner.Code), inner.Message
	case len(outer.Error) > 0 && outer.Error[0] == '"':
		code, message = word(outer.Error), outer.Message
	default:
		code, message = word(outer.Code), outer.Message
		if code == "" {
			code = word(outer.StatusCode)
		}
	}
	return code, message
}

// word is a JSON string or number as text.
func word(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if len(raw) > 0 && raw[0] >= '0' && raw[0] <= '9' {
		return string(raw)
	}
	return ""
}

func has(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// kindOf decides. Order matters: what a text says goes before what the status suggests.
func kindOf(status int, code, text string) Kind {
	switch {
	case status == http.StatusTooManyRequests, code == "429", code == "toomanyrequests",
		has(text, "quota exceeded", "exceeded processing resources"):
		return throttled
	case status == http.StatusUnauthorized:
		return unauthorized
	case status == http.StatusForbidden:
		return denied
	case has(text, "allowed result size", "result size limit exceeded"):
		return TooLarge
	case has(text, "exceeded the allowed limits", "excessive resource consumption", "exceeded the timeout period"):
		return TooCostly
	case has(text, "unexpected error occurred during query execution"):
		return transient
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return TooCostly
	case status < 500 && has(text, "failed to resolve", "semantic error", "syntax error"),
		status == http.StatusRequestEntityTooLarge:
		return Query
	case status == http.StatusRequestTimeout, status >= 500:
		return transient
	case status == http.StatusBadRequest && code != "":
		return Query
	}
	return Unexpected
}

// fix says what to do.
func (c Config) fix(e *Error, text string) string {
	f := flavours[c.API]
	switch {
	case e.Kind == denied || e.Kind == unauthorized:
		return fmt.Sprintf("grant the application permission %s of %s to the app and give admin consent", f.permission, f.resource)
	case e.Status == http.StatusRequestEntityTooLarge:
		return "make the query shorter, about 1 MB is the most"
	case e.Kind == Query && has(text, "failed to resolve", "semantic"):
		return fmt.Sprintf("the tenant has no such table or column (is the product licensed and deployed?), or the app lacks %s", f.permission)
	case e.Kind == Query:
		return "correct the query"
	case e.Status == http.StatusNotFound:
		return "check SOURCE_API, SOURCE_CLOUD and SOURCE_ENDPOINT"
	case e.Status >= 300 && e.Status < 400:
		return "redirects are not followed: set SOURCE_ENDPOINT to the address that answers itself"
	case e.Kind == throttled:
		return "the quota is the whole tenant's: run less at once, or lower SOURCE_CALLS_PER_MINUTE"
	}
	return ""
}
