package hunting

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTooLate: the quota allows no call before the context's deadline. A time-out of a
// single call is not one of these: it is a failure.
var ErrTooLate = fmt.Errorf("no call is allowed in time: %w", context.DeadlineExceeded)

// ErrUnreachable: no call has reached the API at all, and none will be tried any more.
var ErrUnreachable = errors.New("the API cannot be reached")

// Reading says what to read.
type Reading struct {
	Dataset Dataset
	Parts   []Part   // in the order in which they are wanted
	Tally   *Tally   // the API's own counts of the parts, each of whole bins; nil: not counted
	Pace    Estimate // of earlier runs
	Coarse  bool     // what is too costly is a gap as it is, not narrowed down
}

// Tally is the API's counts of a window.
type Tally struct {
	Window Window
	Width  time.Duration // of each bin
	Bins   []Count
}

// Counting says what to count.
type Counting struct {
	Dataset Dataset
	Window  Window
	Width   time.Duration // of a bin; 0: one bin for all, such as of a snapshot
	// Unclocked counts rows without ingestion time, by event time, instead.
	Unclocked bool
}

// Count is a number of rows in the bin that begins at Start.
type Count struct {
	Start time.Time `json:"start"`
	Rows  int64     `json:"rows"`
}

// Estimate is what a dataset's answers say about how much fits into one.
type Estimate struct {
	Rate     float64 `json:"rate,omitempty"`     // rows a second of its clock
	Weight   float64 `json:"weight,omitempty"`   // bytes a row
	Accepted float64 `json:"accepted,omitempty"` // bytes of the largest answer that was accepted
	Refused  float64 `json:"refused,omitempty"`  // bytes of the smallest that was refused for its size; 0: none
}
