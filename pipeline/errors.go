package pipeline

import (
	"errors"
	"fmt"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// ErrIncomplete: what could be exported is, and something is withheld: the API does not
// deliver it, or does not say whether there is more, or Kafka does not take it. The error
// says what.
var ErrIncomplete = errors.New("the export is not complete")

// Failed reports whether a dataset's run failed by err. One that was stopped did not; what
// the API does not deliver stays a failure, also if the run was stopped while trying again.
func Failed(err error) bool {
	return err != nil && (!errors.Is(err, ErrStopped) || errors.Is(err, ErrIncomplete))
}

// GapsError: everything that the API delivers is exported; some stretches it does not
// deliver. They are kept and tried again by the next run.
type GapsError struct {
	Gaps []state.Gap
}

// Error says how many there are, and describes the first.
func (e *GapsError) Error() string {
	g := e.Gaps[0]
	return fmt.Sprintf("the API does not deliver %d stretches, the first %s after %d tries: %s; they are tried again each run, see `exporter state show`",
		len(e.Gaps), g.Window, g.Tries, g.Reason)
}

// Unwrap gives ErrIncomplete.
func (e *GapsError) Unwrap() error { return ErrIncomplete }

// UnclockedError: rows without ingestion time came in after the dataset had begun to be
// read by ingestion time, so no window holds them.
type UnclockedError struct {
	Rows   int64
	Window hunting.Window // of their event times
}

// Error says which rows are meant and what to do.
func (e *UnclockedError) Error() string {
	return fmt.Sprintf("%d rows of %s have no ingestion time and are in no window: they are not exported; export the table under another STATE_URL and LAKE_URL with EXPORT_CURSOR=event",
		e.Rows, e.Window)
}

// Unwrap gives ErrIncomplete.
func (e *UnclockedError) Unwrap() error { return ErrIncomplete }

// TooLargeError: events of this run's commits are larger than their topic takes. They
// are in the rejects; everything else is exported.
type TooLargeError struct {
	Events  int64
	Topic   string
	Rejects string // key of the newest ones
}

// Error says how many, where they are and what to do.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d events are too large for topic %s and were not sent, all else was; they are kept with time, key and reason, the newest in %s: raise the topic's max.message.bytes, and send them by hand if consumers need them",
		e.Events, e.Topic, e.Rejects)
}

// Unwrap gives ErrIncomplete.
func (e *TooLargeError) Unwrap() error { return ErrIncomplete }

// retention is how long the API keeps rows.
const retention = 30 * 24 * time.Hour

// ExpiredError: the dataset was not read for so long that rows have left the API.
type ExpiredError struct {
	Window hunting.Window // whose rows are gone, as far as they were older than 30 days
}

// Error says which stretch is meant.
func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the last run was more than 30 days ago: what came in during %s had left the API before it could be read", e.Window)
}

// Unwrap gives ErrIncomplete.
func (e *ExpiredError) Unwrap() error { return ErrIncomplete }

// UncheckedError: the API has not counted the dataset's rows for longer than
// EXPORT_RECONCILE. Late rows are not lost as long as it counts again within a week.
type UncheckedError struct {
	Since time.Time // up to where counts were compared
	Err   error     // of the last count
}

// Error says since when and why.
func (e *UncheckedError) Error() string {
	return fmt.Sprintf("the API has not counted the rows since %s, so late ones are not found: %v", e.Since.Format(time.RFC3339), e.Err)
}

// Unwrap gives ErrIncomplete and the error of the last count.
func (e *UncheckedError) Unwrap() []error { return []error{ErrIncomplete, e.Err} }
