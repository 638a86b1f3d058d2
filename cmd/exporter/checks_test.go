package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/config"
)

// TestFailedCheckEndsLongWaits: whoever waits for the token server does not hold back for an
// hour what else is wrong, and what minds no context holds back nobody.
func TestFailedCheckEndsLongWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		login, giveUp := whileLoggingIn(t.Context(), config.Config{})
		defer giveUp(nil)
		deaf := make(chan struct{})
		defer close(deaf)
		begun := time.Now()
		err := runChecks(t.Context(), giveUp, []check{
			func(context.Context) error {
				<-login.Done()
				return late(login, "token server", login.Err())
			},
			patiently("state store", func(context.Context) error { return errors.New("no such bucket") }),
			patiently("Kafka", func(context.Context) error { <-deaf; return nil }),
			patiently("lake", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
			patiently("other", func(context.Context) error { return nil }),
		})
		if d := time.Since(begun); d < patience || d > time.Minute {
			t.Errorf("took %s", d)
		}
		var said string
		if err != nil {
			said = err.Error()
		}
		for _, want := range []string{"token server: not waited for", "no such bucket", "Kafka: no answer within 45s", "lake: no answer within 45s"} {
			if strings.Count(said, want) != 1 {
				t.Errorf("%q does not say %q", said, want)
			}
		}
		if strings.Contains(said, "other") {
			t.Errorf("%q", said)
		}
	})
}
