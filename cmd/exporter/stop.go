package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"hunting-exporter/internal/crash"
)

// errDeadline: EXPORT_DEADLINE has passed; the run ends as planned.
var errDeadline = errors.New("EXPORT_DEADLINE has passed")

// interruptedError: a signal asked the run to stop.
type interruptedError struct{ signal os.Signal }

// Error names the signal.
func (e *interruptedError) Error() string { return fmt.Sprintf("stopped by signal: %s", e.signal) }

// code is 128 + the signal's number, as shells count.
func (e *interruptedError) code() int {
	if n, ok := e.signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return codeRetry
}

// untilSignal ends the context with an *interruptedError at the first signal. The
// second one ends the process at once: what is in flight is dropped, as in a crash.
func untilSignal(ctx context.Context, signals <-chan os.Signal, exit func(int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	over := make(chan struct{})
	go func() {
		defer crash.Exit()
		select {
		case s := <-signals:
			e := &interruptedError{signal: s}
			cancel(e)
			select {
			case <-signals:
				exit(e.code())
			case <-over:
			}
		case <-over:
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		close(over)
	}
}

// untilDeadline ends the context with errDeadline after d; 0: never.
func untilDeadline(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, errDeadline)
}

// interruption is the signal that ended the context, or nil.
func interruption(ctx context.Context) *interruptedError {
	var e *interruptedError
	errors.As(context.Cause(ctx), &e)
	return e
}
