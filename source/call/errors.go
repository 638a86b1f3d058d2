package call

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/source/quota"
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

// Kind is what to do about a failure.
type Kind int

// The kinds.
const (
	Unexpected   Kind = iota // none of the others
	unauthorized             // 401: a fresh token, once
	throttled                // wait, the whole tenant
	transient                // try again soon
	TooMany                  // row cap reached: narrow the window
	TooLarge                 // over the byte limit: narrow
	TooCostly                // too expensive, or the gateway is down: narrow
	denied
	Query
	noToken // tried again by the Identity alone
)

var kinds = map[Kind]error{
	Unexpected: ErrUnexpected, unauthorized: ErrDenied, throttled: ErrThrottled, transient: ErrTransient,
	TooMany: ErrOverflow, TooLarge: ErrOverflow, TooCostly: ErrOverflow, denied: ErrDenied, Query: ErrQuery, noToken: ErrToken,
}

// Narrows reports whether a narrower window may succeed.
func (k Kind) Narrows() bool { return k == TooMany || k == TooLarge || k == TooCostly }

// Error is one failure: which dataset and window, what the API said, what to do.
type Error struct {
	Dataset string         // empty: no dataset, such as for a token
	Window  hunting.Window // zero: none
	Status  int            // HTTP status; 0: there was no answer
	Code    string         // the API's own
	Message string         // the API's own, shortened, or what went wrong on the way
	Fix     string         // what to do; may be empty

	Kind   Kind
	limits []quota.Limit // learned from the message
	wait   time.Duration // asked for; 0: not stated
	Took   time.Duration // of the call itself
	unmet  bool          // no call has reached the API so far, nor did this one
	cpu    bool          // the CPU share is used up, not the number of calls
	Cause  error         // for errors.Is; its text is in Message
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
	s.WriteString(kinds[e.Kind].Error())
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
	if e.Cause == nil {
		return []error{kinds[e.Kind]}
	}
	return []error{kinds[e.Kind], e.Cause}
}

// Reason says in a few words why a piece is not delivered.
func (e *Error) Reason() string {
	if e.Status == 0 {
		return e.Message
	}
	return Shorten(fmt.Sprintf("status %d: %s: %s", e.Status, e.Code, e.Message))
}

// as is e as a failure of another kind: what it turns out to be after trying again.
func (e *Error) as(k Kind) *Error {
	other := *e
	other.Kind = k
	return &other
}

// At is e with its place.
func (e *Error) At(dataset string, w hunting.Window) *Error {
	placed := *e
	placed.Dataset, placed.Window = dataset, w
	return &placed
}

// Shorten makes foreign text fit for one line of a log.
func Shorten(s string) string {
	const most = 500
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd }), " ")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// late is e as a refusal that lasts for d, beyond the caller's deadline.
func (e *Error) late(d time.Duration) *Error {
	other := e.as(throttled)
	if e.Kind == noToken {
		other.Kind = noToken
	}
	other.Message = fmt.Sprintf("%s: no call for %s, the deadline comes before", e.Message, d.Round(time.Second))
	other.Fix = "the next run goes on from what is committed; if every run ends so, give it fewer tables or a longer EXPORT_DEADLINE"
	other.Cause = hunting.ErrTooLate
	return other
}

// refusal is what e says of the quota.
func (e *Error) refusal() quota.Refusal {
	return quota.Refusal{Limits: e.limits, Wait: e.wait, CPU: e.cpu, Err: e}
}

// lateFor is err, which ended the wait for a turn, as a refusal of the API where there was one.
func lateFor(err error) *Error {
	var late *quota.TooLateError
	if !errors.As(err, &late) {
		return nil
	}
	if e := (*Error)(nil); errors.As(late.Reason, &e) {
		return e.late(late.Wait)
	}
	return (&Error{Message: "the calls allowed are made"}).late(late.Wait)
}
