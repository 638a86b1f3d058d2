package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/sink/kafka"
	"hunting-exporter/source/call"
	"hunting-exporter/state"
)

// Errors as datasets end with them.
var (
	errTransient = fmt.Errorf("dataset A: %w", call.ErrTransient)
	errQuery     = fmt.Errorf("dataset A: %w", call.ErrQuery)
	errDenied    = fmt.Errorf("dataset A: %w", call.ErrDenied)
	errFits      = fmt.Errorf("dataset A: %w", &hunting.RefusalError{Reason: "does not fit"})
	errAlarm     = fmt.Errorf("dataset A: %w", &hunting.RefusalError{Alarm: true, Reason: "look"})
	errHeld      = fmt.Errorf("dataset A: %w", &state.HeldError{Dataset: "A", Run: "other"})
	errLost      = fmt.Errorf("dataset A: %w", &state.LostError{Dataset: "A", Run: "other"})
	errUnknown   = fmt.Errorf("dataset A: %w", &state.UnknownError{Dataset: "A", Err: errors.New("timeout")})
	errGaps      = fmt.Errorf("dataset A: %w", errors.Join(nil, &pipeline.GapsError{Gaps: []state.Gap{{Reason: "status 400"}}}))
	errUnclocked = fmt.Errorf("dataset A: %w", &pipeline.UnclockedError{Rows: 3})
	errUnchecked = fmt.Errorf("dataset A: %w", &pipeline.UncheckedError{Err: call.ErrOverflow})
	errStopped   = fmt.Errorf("dataset A: %w", pipeline.ErrStopped)
)

func TestCodeOfOneError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{&setting.Error{}, 2},
		{&usageError{errors.New("unknown flag")}, 2},
		{fmt.Errorf("state: %w", blob.ErrSetting), 2},
		{errTransient, 1},
		{errUnknown, 1},
		{errAlarm, 1},
		{errors.New("disk full"), 1},
		{context.DeadlineExceeded, 1},
		{errors.Join(errors.New("Kafka: unreachable"), errors.New("lake: unreachable")), 1},
		{errFits, 2},
		{errDenied, 4},
		{fmt.Errorf("lake: %w", blob.ErrDenied), 4},
		{fmt.Errorf("Kafka: %w", kafka.ErrDenied), 4},
		{errors.Join(errors.New("Kafka: unreachable"), errDenied), 4},
		{errQuery, 3},
		{errGaps, 3},
		{errUnclocked, 3},
		{errUnchecked, 3},
		{errors.Join(errUnclocked, errGaps), 3},
		{errors.Join(errGaps, errDenied), 4},
		{errors.Join(errGaps, errFits), 2},
		{errors.Join(errTransient, errGaps), 3}, // all but the gaps is exported
		{errHeld, 0},
		{errLost, 0},
		{&interruptedError{syscall.SIGTERM}, 143},
		{&interruptedError{os.Interrupt}, 130},
		{&reportedError{code: 3}, 3},
	} {
		if got := codeOf(c.err); got != c.code {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.code)
		}
	}
}

func TestCodeOfResults(t *testing.T) {
	t.Parallel()
	running := t.Context()
	deadline, cancel := context.WithCancelCause(t.Context())
	cancel(errDeadline)
	terminated, cancel := context.WithCancelCause(t.Context())
	cancel(&interruptedError{syscall.SIGTERM})
	for name, c := range map[string]struct {
		stop context.Context
		errs []error
		code int
	}{
		"all done":                       {running, []error{nil, nil}, 0},
		"another run has one":            {running, []error{nil, errHeld}, 0},
		"another run has all":            {running, []error{errHeld, errLost}, 0},
		"stopped by the deadline":        {deadline, []error{errStopped, nil}, 0},
		"deadline, and one failed":       {deadline, []error{errStopped, errTransient}, 3},
		"terminated":                     {terminated, []error{errStopped, nil}, 143},
		"terminated, and one failed":     {terminated, []error{errStopped, errDenied}, 143},
		"the only one transient":         {running, []error{errTransient}, 1},
		"all transient":                  {running, []error{errTransient, errUnknown}, 1},
		"one of two transient":           {running, []error{errTransient, nil}, 3},
		"one of two held, other failed":  {running, []error{errTransient, errHeld}, 3},
		"the only table refused":         {running, []error{errQuery}, 3},
		"one table refused":              {running, []error{errQuery, nil}, 3},
		"table refused, rest transient":  {running, []error{errQuery, errTransient}, 1},
		"all denied":                     {running, []error{errDenied, errDenied}, 4},
		"one denied":                     {running, []error{errDenied, nil}, 3},
		"all have gaps":                  {running, []error{errGaps, errGaps}, 3},
		"the only one has gaps":          {running, []error{errGaps}, 3},
		"gaps, and rows without a clock": {running, []error{errGaps, errUnclocked}, 3},
		"one has gaps":                   {running, []error{errGaps, nil}, 3},
		"gaps and transient":             {running, []error{errGaps, errTransient}, 1},
		"gaps and denied":                {running, []error{errGaps, errDenied}, 4},
		"gaps, stopped while trying":     {deadline, []error{fmt.Errorf("dataset A: %w", errors.Join(pipeline.ErrStopped, errGaps))}, 3},
		"gaps, and another run has one":  {running, []error{errGaps, errHeld}, 3},
		"terminated, and gaps":           {terminated, []error{errGaps}, 143},
		"denied and transient":           {running, []error{errDenied, errTransient}, 4},
		"does not fit the state":         {running, []error{errFits}, 2},
		"none fits the state":            {running, []error{errFits, errFits}, 2},
		"one does not fit the state":     {running, []error{errFits, nil}, 3},
		"misfit, denied and transient":   {running, []error{errDenied, errFits, errTransient}, 2},
		"a person must look":             {running, []error{errAlarm}, 1},
		"a person must look at one":      {running, []error{errAlarm, nil}, 3},
		"nothing to do at all":           {running, nil, 0},
		"finished just before the alarm": {terminated, []error{nil}, 143},
	} {
		results := make([]pipeline.Result, len(c.errs))
		for i, err := range c.errs {
			results[i].Err = err
		}
		if got := codeOfResults(c.stop, results); got != c.code {
			t.Errorf("%s: exit code %d, want %d", name, got, c.code)
		}
	}
}

// A run that is stopped before it comes to its gaps has them all the same.
func TestGapsThatWereNotTriedAgain(t *testing.T) {
	t.Parallel()
	results := []pipeline.Result{{Err: errStopped, Gaps: []state.Gap{{Reason: "status 400"}}}, {}}
	if got := codeOfResults(t.Context(), results); got != codePartial {
		t.Errorf("exit code %d, want %d", got, codePartial)
	}
}
