// Package quota says whose turn it is to make a call within the quota of a tenant.
package quota

import (
	"fmt"
	"time"

	"github.com/sethvargo/go-retry"

	"hunting-exporter/hunting"
)

const (
	// margin widens what the API says of time: its clock is another one, calls may be
	// held up on their way unevenly, and stated waits are rounded.
	Margin = time.Second
	// longestBackoff caps waits that nobody asked for.
	LongestBackoff = 15 * time.Minute
	// longestStated is the longest wait asked for that is worth a running process.
	LongestStated = time.Hour
	// patience is how long calls are tried while all of them are refused, and how long one
	// query waits for its own refusals.
	Patience = 2 * time.Hour
	// lookBack is how many calls are remembered for a limit yet to be learned: the
	// largest one documented for an hour.
	lookBack = 1500
)

// Refusal is what a call that was refused says of the quota.
type Refusal struct {
	Limits []Limit       // that it names
	Wait   time.Duration // asked for; 0: not stated
	CPU    bool          // the CPU share is used up, not the number of calls
	Err    error         // the refusal itself
}

// TooLateError: the quota allows no call before the caller's deadline. It is hunting.ErrTooLate.
type TooLateError struct {
	Wait   time.Duration // until a call is allowed
	Reason error         // the refusal that all wait for; nil: the calls allowed are made
}

// Error says how long there is to wait.
func (e *TooLateError) Error() string {
	return fmt.Sprintf("no call for %s, the deadline comes before", e.Wait.Round(time.Second))
}

// Unwrap gives the sentinel.
func (e *TooLateError) Unwrap() error { return hunting.ErrTooLate }

// quota says when a call may be made, by the limits known and by what refusals ask for.
// It remembers when calls were made rather than filling buckets: any 60 s hold at
// most the calls allowed, and a short run still makes its calls at once.
type quota struct {
	limits []Limit       // learned ones hold for good
	calls  []time.Time   // the last ones, in order
	until  time.Time     // nobody calls before
	reason error         // the refusal that set until
	first  time.Time     // the first refusal since a call succeeded; zero: none
	last   time.Time     // the last one that said something new
	steps  retry.Backoff // for refusals that state no wait
}

func newQuota(limits []Limit) quota {
	q := quota{steps: quotaBackoff()}
	for _, l := range limits {
		q.learn(l)
	}
	return q
}

func quotaBackoff() retry.Backoff {
	return retry.WithCappedDuration(LongestBackoff, retry.WithJitterPercent(20, retry.NewExponential(4*time.Second)))
}

// ready reports whether a call may be made besides those held, which go out soon.
func (q *quota) ready(now time.Time, held int) bool {
	for _, l := range q.limits {
		i := len(q.calls) + held - l.Calls // the call that must be out of the stretch
		if i >= len(q.calls) || i >= 0 && now.Sub(q.calls[i]) < l.Per+Margin {
			return false
		}
	}
	return !now.Before(q.until)
}

// earliest is when the next call may be made, if no other is before.
func (q *quota) earliest() time.Time {
	at := q.until
	for _, l := range q.limits {
		if i := len(q.calls) - l.Calls; i >= 0 {
			if free := q.calls[i].Add(l.Per + Margin); free.After(at) {
				at = free
			}
		}
	}
	return at
}

// sent counts a call.
func (q *quota) sent(now time.Time) {
	keep := lookBack
	for _, l := range q.limits {
		keep = max(keep, l.Calls)
	}
	q.calls = append(q.calls, now)
	q.calls = q.calls[max(0, len(q.calls)-keep):]
}

// succeeded forgets the refusals so far.
func (q *quota) succeeded() { q.steps, q.first = quotaBackoff(), time.Time{} }

// refused makes everybody wait for what a refusal of a call sent then asks for, and
// returns how long that is; false: longer than is worth it, and nobody waits for it.
func (q *quota) refused(now, sent time.Time, e Refusal) (time.Duration, bool) {
	for _, l := range e.Limits {
		q.learn(l)
	}
	var d time.Duration
	switch {
	case e.Wait > LongestStated:
		return e.Wait, false
	case e.Wait > 0:
		d = e.Wait + Margin
	case e.CPU:
		const cycle = 15 * time.Minute
		d = now.Truncate(cycle).Add(cycle + Margin).Sub(now)
	case !sent.After(q.last):
		// Under way before the last refusal came: it says nothing new.
		return max(0, q.until.Sub(now)), true
	default:
		d, _ = q.steps.Next()
	}
	if q.first.IsZero() || now.Sub(q.last) > Patience { // nobody called for so long
		q.first = now
	}
	q.last = now
	until := now.Add(d)
	if until.Sub(q.first) > Patience {
		return d, false
	}
	if until.After(q.until) {
		q.until, q.reason = until, e.Err
	}
	return d, true
}

// learn takes a limit on, unless a lower one for the same stretch is known.
func (q *quota) learn(l Limit) {
	for i, known := range q.limits {
		if known.Per == l.Per {
			q.limits[i].Calls = min(known.Calls, l.Calls)
			return
		}
	}
	q.limits = append(q.limits, l)
}

// tooLate says that nobody may call for d, which is too late.
func (q *quota) tooLate(d time.Duration) error {
	e := &TooLateError{Wait: d}
	if !q.earliest().After(q.until) {
		e.Reason = q.reason
	}
	return e
}
