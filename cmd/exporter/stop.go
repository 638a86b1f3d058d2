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
	release := onSignals(signals, func(e *interruptedError) { cancel(e) }, func(e *interruptedError) { exit(e.code()) })
	return ctx, func() {
		cancel(context.Canceled)
		release()
	}
}

// untilSignals is untilSignal for a run: the second signal ends work, which drops what is
// in flight and aborts an open transaction, and the third one the process.
func untilSignals(ctx context.Context, signals <-chan os.Signal, exit func(int)) (work, stop context.Context, _ context.CancelFunc) {
	work, end := context.WithCancelCause(ctx)
	stop, cancel := context.WithCancelCause(work)
	release := onSignals(signals,
		func(e *interruptedError) { cancel(e) },
		func(e *interruptedError) { end(e) },
		func(e *interruptedError) { exit(e.code()) })
	return work, stop, func() {
		end(context.Canceled)
		release()
	}
}

// onSignals takes one step a signal. Each gets the first signal, which the exit code tells.
func onSignals(signals <-chan os.Signal, steps ...func(*interruptedError)) (release func()) {
	over := make(chan struct{})
	go func() {
		defer crash.Exit()
		var first *interruptedError
		for _, step := range steps {
			select {
			case s := <-signals:
				if first == nil {
					first = &interruptedError{signal: s}
				}
				step(first)
			case <-over:
				return
			}
		}
	}()
	return func() { close(over) }
}

// untilDeadline ends the context with errDeadline d after the start; 0: never.
func untilDeadline(ctx context.Context, start time.Time, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, start.Add(d), errDeadline)
}

// interruption is the signal that ended the context, or nil.
func interruption(ctx context.Context) *interruptedError {
	var e *interruptedError
	errors.As(context.Cause(ctx), &e)
	return e
}
