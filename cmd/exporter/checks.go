package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/internal/crash"
)

// patience is how long everything that a run needs may take to answer, so that an
// unreachable one ends the run within a minute. The token server has its own.
const patience = 45 * time.Second

// check is one thing that must answer before a run begins. Its error says what it is about.
type check func(context.Context) error

// runChecks runs all checks at once and returns everything that is wrong. Once one has
// failed, it gives up those that wait longer than patience.
func runChecks(ctx context.Context, giveUp context.CancelCauseFunc, checks []check) error {
	errs := make([]error, len(checks))
	var wg sync.WaitGroup
	for i, k := range checks {
		wg.Go(func() {
			defer crash.Exit()
			if errs[i] = k(ctx); errs[i] != nil {
				time.AfterFunc(patience, func() {
					defer crash.Exit()
					giveUp(errElse)
				})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

var errElse = errors.New("not waited for any longer, since something else has failed")

// patiently gives an answer patience. What does not even mind its context is left behind.
func patiently(name string, run check) check {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience))
		defer cancel()
		done := make(chan error, 1)
		go func() {
			defer crash.Exit()
			done <- run(ctx)
		}()
		select {
		case err := <-done:
			return late(ctx, name, err)
		case <-ctx.Done():
		}
		select {
		case err := <-done:
			return late(ctx, name, err)
		case <-time.After(5 * time.Second):
			return late(ctx, name, ctx.Err())
		}
	}
}

// whileLoggingIn is the time for tokens: a token server may ask to wait, for as long as the
// run may last.
func whileLoggingIn(ctx context.Context, cfg config.Config) (context.Context, context.CancelCauseFunc) {
	release := context.CancelFunc(func() {})
	if d := cfg.Export.Deadline; d > 0 {
		ctx, release = untilDeadline(ctx, time.Now(), max(d, patience))
	}
	ctx, end := context.WithCancelCause(ctx)
	return ctx, func(cause error) {
		end(cause)
		release()
	}
}

// late is err, with name and reason if it is about the end of the context.
func late(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%s: %w: %w", name, context.Cause(ctx), err)
	}
	return err
}
