package hunting

import (
	"errors"
	"fmt"
)

// RefusalError ends a dataset's run because going on could lose or repeat rows.
// Nothing has been changed by whoever returns it.
type RefusalError struct {
	// Alarm: a person must look (exit 1). Otherwise the configuration does not fit
	// the state (exit 2).
	Alarm  bool
	Reason string
}

// Error says what does not fit and what to do.
func (e *RefusalError) Error() string { return e.Reason }

// Refused reports whether an error is about what is configured, which no retry changes.
func Refused(err error) bool {
	var e *RefusalError
	return errors.As(err, &e)
}

// Refuse is an error about what is configured.
func Refuse(format string, args ...any) error {
	return &RefusalError{Reason: fmt.Sprintf(format, args...)}
}

// Alarm is a refusal that a person must look at.
func Alarm(format string, args ...any) error {
	return &RefusalError{Alarm: true, Reason: fmt.Sprintf(format, args...)}
}
