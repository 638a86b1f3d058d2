package source

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hunting-exporter/hunting"
)

// What a failed read comes down to. Every error of the package that stems from the
// API is an *Error and matches one of these.
var (
	// ErrDenied: identity or permission was refused. Trying again does not help.
	ErrDenied = errors.New("refused by identity or permission")
	// ErrQuery: the API does not accept the query, such as one of a table it does not have.
	ErrQuery = errors.New("the query was refused")
	// ErrThrottled: the tenant's quota is used up for longer than is worth waiting.
	ErrThrottled = errors.New("the tenant's quota is used up")
	// ErrTransient: the API or the way to it failed, and kept failing for a while.
	ErrTransient = errors.New("the API does not answer properly at the moment")
	// ErrToken: the token server or the way to it failed, and kept failing for a while.
	ErrToken = errors.New("the token server gives no token at the moment")
	// ErrOverflow: the window cannot be made narrower and its rows are not delivered.
	ErrOverflow = errors.New("the API cannot deliver this window")
	// ErrUnexpected: an answer that none of the API's documents explains.
	ErrUnexpected = errors.New("unexpected answer")
)

// kind is what to do about a failure.
type kind int

const (
	unexpected   kind = iota
	unauthorized      // 401: a fresh token, once
	throttled         // wait, the whole tenant
	transient         // try again soon
	tooMany           // row cap reached: narrow the window
	tooLarge          // over the byte limit: narrow
	tooCostly         // too expensive, or the gateway is down: narrow
	denied
	query
	noToken // tried again by the Identity alone
)

var kinds = map[kind]error{
	unexpected: ErrUnexpected, unauthorized: ErrDenied, throttled: ErrThrottled, transient: ErrTransient,
	tooMany: ErrOverflow, tooLarge: ErrOverflow, tooCostly: ErrOverflow, denied: ErrDenied, query: ErrQuery, noToken: ErrToken,
}

// narrows reports whether a narrower window may succeed.
func (k kind) narrows() bool { return k == tooMany || k == tooLarge || k == tooCostly }

// Error is one failure: which dataset and window, what the API said, what to do.
type Error struct {
	Dataset string         // empty: no dataset, such as for a token
	Window  hunting.Window // zero: none
	Status  int            // HTTP status; 0: there was no answer
	Code    string         // the API's own
	Message string         // the API's own, shortened, or what went wrong on the way
	Fix     string         // what to do; may be empty

	kind   kind
	limits []limit       // learned from the message
	wait   time.Duration // asked for; 0: not stated
	took   time.Duration // of the call itself
	unmet  bool          // no call has reached the API so far, nor did this one
	cpu    bool          // the CPU share is used up, not the number of calls
	cause  error         // for errors.Is; its text is in Message
}

// Error says all of it on one line.
func (e *Error) Error() string {
	var s strings.Builder
	s.WriteString("source: ")
	if e.Dataset != "" {
		fmt.Fprintf(&s, "%s: ", e.Dataset)
	}
	if !e.Window.Start.IsZero() {
		fmt.Fprintf(&s, "window %s: ", e.Window)
	}
	s.WriteString(kinds[e.kind].Error())
	if e.Status != 0 {
		fmt.Fprintf(&s, ": status %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&s, ": %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&s, ": %s", e.Message)
	}
	if e.Fix != "" {
		fmt.Fprintf(&s, "; %s", e.Fix)
	}
	return s.String()
}

// Unwrap gives the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{kinds[e.kind]}
	}
	return []error{kinds[e.kind], e.cause}
}

// reason says in a few words why a piece is not delivered.
func (e *Error) reason() string {
	if e.Status == 0 {
		return e.Message
	}
	return shorten(fmt.Sprintf("status %d: %s: %s", e.Status, e.Code, e.Message))
}

// as is e as a failure of another kind: what it turns out to be after trying again.
func (e *Error) as(k kind) *Error {
	other := *e
	other.kind = k
	return &other
}

// at is e with its place.
func (e *Error) at(dataset string, w hunting.Window) *Error {
	placed := *e
	placed.Dataset, placed.Window = dataset, w
	return &placed
}

// shorten makes foreign text fit for one line of a log.
func shorten(s string) string {
	const most = 500
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd }), " ")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
