package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/internal/crash"
)

// ErrNoCondition: the store takes conditional writes and ignores the condition.
var ErrNoCondition = fmt.Errorf("%w: store ignores conditional writes; "+
	"use a store that honours If-Match and If-None-Match, or STATE_LOCK=none with a single writer", ErrSetting)

// Probe proves that the store honours conditional writes, also when two come at
// once. It writes one small object below probe/ and removes it.
func Probe(ctx context.Context, s Store) (err error) {
	key := "probe/" + rand.Text()
	first, err := s.Put(ctx, key, []byte("1"), Condition{Absent: true})
	if errors.Is(err, ErrDenied) || errors.Is(err, ErrSetting) {
		return err // nothing was written
	}
	defer func() {
		// The caller's time may be over; the object should go all the same.
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if left := s.Delete(clean, key); err == nil {
			err = left
		}
	}()
	if err != nil {
		return err
	}
	if err := refused(ctx, s, key, Condition{Absent: true}, "create-only over an object"); err != nil {
		return err
	}
	second, err := s.Put(ctx, key, []byte("2"), Condition{IfMatch: first})
	if err != nil {
		return fmt.Errorf("a write whose condition holds was refused: %w", err)
	}
	if err := refused(ctx, s, key, Condition{IfMatch: first}, "If-Match with an old ETag"); err != nil {
		return err
	}
	return race(ctx, s, key, second)
}

func refused(ctx context.Context, s Store, key string, c Condition, what string) error {
	_, err := s.Put(ctx, key, []byte("must not be written"), c)
	switch {
	case err == nil:
		return fmt.Errorf("%s: %w", what, ErrNoCondition)
	case errors.Is(err, ErrPrecondition):
		return nil
	}
	return err
}

// race sends two writes on the same ETag; at most one may take effect.
func race(ctx context.Context, s Store, key, etag string) error {
	answers := make(chan error, 2)
	for _, content := range []string{"left", "right"} {
		go func() {
			defer crash.Exit()
			_, err := s.Put(ctx, key, []byte(content), Condition{IfMatch: etag})
			answers <- err
		}()
	}
	won := 0
	var failed error
	for range cap(answers) {
		switch err := <-answers; {
		case err == nil:
			won++
		case !errors.Is(err, ErrPrecondition):
			failed = errors.Join(failed, err)
		}
	}
	if won > 1 {
		return fmt.Errorf("two writes at once on one ETag: %w", ErrNoCondition)
	}
	return failed
}
