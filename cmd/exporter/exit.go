package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/sink/kafka"
	"hunting-exporter/source/call"
	"hunting-exporter/state"
)

// Exit codes. 130 and 143 (128 + signal) are those of an interruption; 70 (crash.Code)
// that of an error of the program itself.
const (
	codeDone          = 0 // done, nothing new, or another run does the work
	codeRetry         = 1 // trying again may help, or a person must look
	codeConfiguration = 2 // usage, configuration, or a configuration that does not fit the state
	codePartial       = 3 // some datasets failed or have gaps, the rest is committed
	codeDenied        = 4 // refused by identity or permission

	codeInterrupted = 128 + int(syscall.SIGINT)
	codeTerminated  = 128 + int(syscall.SIGTERM)
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// reportedError ends a command whose outcome has been printed already.
type reportedError struct{ code int }

func (e *reportedError) Error() string { return "the outcome has been reported" }

// codeOf is the exit code of one error. Of several joined ones the first that
// applies counts, in the order below: what a person must settle before what passes.
func codeOf(err error) int {
	var (
		reported    *reportedError
		interrupted *interruptedError
		settings    *setting.Error
		usage       *usageError
	)
	switch {
	case err == nil:
		return codeDone
	case errors.As(err, &reported):
		return reported.code
	case errors.As(err, &interrupted):
		return interrupted.code()
	case errors.As(err, &settings), errors.As(err, &usage), errors.Is(err, blob.ErrSetting):
		return codeConfiguration
	case elsewhere(err):
		return codeDone
	}
	var refusal *hunting.RefusalError
	switch {
	case errors.As(err, &refusal) && !refusal.Alarm:
		return codeConfiguration
	case errors.As(err, &refusal):
		return codeRetry
	case errors.Is(err, call.ErrDenied), errors.Is(err, blob.ErrDenied), errors.Is(err, kafka.ErrDenied):
		return codeDenied
	case errors.Is(err, pipeline.ErrIncomplete), errors.Is(err, call.ErrQuery):
		return codePartial
	}
	return codeRetry
}

// elsewhere reports whether another run has the dataset: it does the work.
func elsewhere(err error) bool {
	var (
		held *state.HeldError
		lost *state.LostError
	)
	return errors.As(err, &held) || errors.As(err, &lost)
}

// codeOfResults is the exit code of a run that reached its datasets:
//
//   - a signal came: 130 or 143, whatever else happened
//   - nothing failed: 0 (stopping at EXPORT_DEADLINE and another run's claim are no failures)
//   - some failed or have gaps, others did not: 3
//   - all failed: 2 if any by configuration, else 4 if any was denied, else 1 if any
//     may pass, else 3 (the tenant refused every query, or did not deliver all of it)
func codeOfResults(stop context.Context, results []pipeline.Result) int {
	if e := interruption(stop); e != nil {
		return e.code()
	}
	failed, codes := 0, map[int]bool{}
	for _, r := range results {
		switch {
		case failure(r.Err) != nil:
			failed++
			codes[codeOf(r.Err)] = true
		case len(r.Gaps) > 0: // it ended before it came to them
			failed++
			codes[codePartial] = true
		}
	}
	switch {
	case failed == 0:
		return codeDone
	case failed < len(results):
		return codePartial
	}
	for _, code := range []int{codeConfiguration, codeDenied, codeRetry} {
		if codes[code] {
			return code
		}
	}
	return codePartial
}

// failure is err, unless the dataset ended as it should.
func failure(err error) error {
	if !pipeline.Failed(err) || elsewhere(err) && !errors.Is(err, pipeline.ErrIncomplete) {
		return nil
	}
	return err
}

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
