package source

import (
	"fmt"
	"time"

	"github.com/sethvargo/go-retry"

	"hunting-exporter/hunting"
)

const (
	// margin widens what the API says of time: its clock is another one, calls may be
	// held up on their way unevenly, and stated waits are rounded.
	margin = time.Second
	// longestBackoff caps waits that nobody asked for.
	longestBackoff = 15 * time.Minute
	// longestStated is the longest wait asked for that is worth a running process.
	longestStated = time.Hour
	// patience is how long calls are tried while all of them are refused, and how long one
	// query waits for its own refusals.
	patience = 2 * time.Hour
	// lookBack is how many calls are remembered for a limit yet to be learned: the
	// largest one documented for an hour.
	lookBack = 1500
)

// quota says when a call may be made, by the limits known and by what refusals ask for.
// It remembers when calls were made rather than filling buckets: any 60 s hold at
// most the calls allowed, and a short run still makes its calls at once.
type quota struct {
	limits []limit       // learned ones hold for good
	calls  []time.Time   // the last ones, in order
	until  time.Time     // nobody calls before
	reason *Error        // the refusal that set until
	first  time.Time     // the first refusal since a call succeeded; zero: none
	last   time.Time     // the last one that said something new
	steps  retry.Backoff // for refusals that state no wait
}

func newQuota(limits []limit) quota {
	q := quota{steps: quotaBackoff()}
	for _, l := range limits {
		q.learn(l)
	}
	return q
}

func quotaBackoff() retry.Backoff {
	return retry.WithCappedDuration(longestBackoff, retry.WithJitterPercent(20, retry.NewExponential(4*time.Second)))
}

// ready reports whether a call may be made besides those held, which go out soon.
func (q *quota) ready(now time.Time, held int) bool {
	for _, l := range q.limits {
		i := len(q.calls) + held - l.calls // the call that must be out of the stretch
		if i >= len(q.calls) || i >= 0 && now.Sub(q.calls[i]) < l.per+margin {
			return false
		}
	}
	return !now.Before(q.until)
}

// earliest is when the next call may be made, if no other is before.
func (q *quota) earliest() time.Time {
	at := q.until
	for _, l := range q.limits {
		if i := len(q.calls) - l.calls; i >= 0 {
			if free := q.calls[i].Add(l.per + margin); free.After(at) {
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
		keep = max(keep, l.calls)
	}
	q.calls = append(q.calls, now)
	q.calls = q.calls[max(0, len(q.calls)-keep):]
}

// succeeded forgets the refusals so far.
func (q *quota) succeeded() { q.steps, q.first = quotaBackoff(), time.Time{} }

// refused makes everybody wait for what a refusal of a call sent then asks for, and
// returns how long that is; false: longer than is worth it, and nobody waits for it.
func (q *quota) refused(now, sent time.Time, e *Error) (time.Duration, bool) {
	for _, l := range e.limits {
		q.learn(l)
	}
	var d time.Duration
	switch {
	case e.wait > longestStated:
		return e.wait, false
	case e.wait > 0:
		d = e.wait + margin
	case e.cpu:
		const cycle = 15 * time.Minute
		d = now.Truncate(cycle).Add(cycle + margin).Sub(now)
	case !sent.After(q.last):
		// Under way before the last refusal came: it says nothing new.
		return max(0, q.until.Sub(now)), true
	default:
		d, _ = q.steps.Next()
	}
	if q.first.IsZero() || now.Sub(q.last) > patience { // nobody called for so long
		q.first = now
	}
	q.last = now
	until := now.Add(d)
	if until.Sub(q.first) > patience {
		return d, false
	}
	if until.After(q.until) {
		q.until, q.reason = until, e
	}
	return d, true
}

// learn takes a limit on, unless a lower one for the same stretch is known.
func (q *quota) learn(l limit) {
	for i, known := range q.limits {
		if known.per == l.per {
			q.limits[i].calls = min(known.calls, l.calls)
			return
		}
	}
	q.limits = append(q.limits, l)
}

// tooLate says that nobody may call for d, which is too late.
func (q *quota) tooLate(d time.Duration) *Error {
	if q.reason != nil && !q.earliest().After(q.until) {
		return q.reason.late(d)
	}
	return (&Error{Message: "the calls allowed are made"}).late(d)
}

// late is e as a refusal that lasts for d, beyond the caller's deadline.
func (e *Error) late(d time.Duration) *Error {
	other := e.as(throttled)
	if e.kind == noToken {
		other.kind = noToken
	}
	other.Message = fmt.Sprintf("%s: no call for %s, the deadline comes before", e.Message, d.Round(time.Second))
	other.Fix = "the next run goes on from what is committed; if every run ends so, give it fewer tables or a longer EXPORT_DEADLINE"
	other.cause = hunting.ErrTooLate
	return other
}
