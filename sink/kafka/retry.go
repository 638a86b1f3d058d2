package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/sethvargo/go-retry"

	"hunting-exporter/internal/stopping"
	"hunting-exporter/pipeline/commit"
)

// Errors that callers tell apart, beside commit.ErrUnknown and commit.ErrFenced.
var (
	// ErrDenied: the login, or the right to do something, was refused.
	ErrDenied = errors.New("refused by Kafka")

	errNoAnswer = errors.New("no definite answer")
)

// patience says how long a request is repeated. By time, not by count: a killed
// leader stalls its partitions for 10 to 13 seconds.
type patience struct {
	total   time.Duration // all repeats of one request
	request time.Duration // one of them
	pause   time.Duration // before the first repeat; doubles up to 16 times
	quiet   time.Duration // how long nothing is said about repeats
	tell    func(err error, waited time.Duration)
}

const patienceTotal = 90 * time.Second

var defaultPatience = patience{total: patienceTotal, request: 30 * time.Second, pause: 50 * time.Millisecond, quiet: 5 * time.Second}

type verdict int

const (
	again  verdict = iota // may work later; the request may have taken effect
	soon                  // the transaction coordinator is still busy with the one before
	fenced                // the producer epoch is not the newest any more
	lost                  // the broker does not know this transaction or sequence
	denied
	final
)

// judge says what to do about an error. Whatever is not an answer of the broker is
// tried again: dial refused, EOF and reset are how a moving leader shows.
func judge(err error) verdict {
	var k kafkago.Error
	if !errors.As(err, &k) {
		if errors.Is(err, ErrDenied) {
			return denied
		}
		return again
	}
	switch k {
	case kafkago.ConcurrentTransactions:
		return soon
	case kafkago.InvalidProducerEpoch, kafkago.ProducerFenced:
		return fenced
	case kafkago.OutOfOrderSequenceNumber, kafkago.InvalidTransactionState,
		kafkago.InvalidProducerIDMapping, kafkago.UnknownProducerId:
		return lost
	case kafkago.TopicAuthorizationFailed, kafkago.GroupAuthorizationFailed, kafkago.ClusterAuthorizationFailed,
		kafkago.TransactionalIDAuthorizationFailed, kafkago.SASLAuthenticationFailed, kafkago.UnsupportedSASLMechanism, kafkago.IllegalSASLState:
		return denied
	case kafkago.Unknown, kafkago.BrokerNotAvailable, kafkago.ReplicaNotAvailable,
		kafkago.TransactionCoordinatorFenced, kafkago.ThrottlingQuotaExceeded:
		return again
	}
	if k.Temporary() {
		return again
	}
	return final
}

// retry repeats one request until it has a definite answer, the patience ends, ctx does
// or the run is asked to stop.
func (p patience) retry(ctx context.Context, once func(context.Context) error) error {
	began, told := time.Now(), false
	deadline := began.Add(p.total)
	pause := retry.WithCappedDuration(16*p.pause, retry.NewExponential(p.pause))
	busy := retry.WithCappedDuration(20*time.Millisecond, retry.NewFibonacci(5*time.Millisecond))
	for {
		err := once(ctx)
		if err == nil {
			return nil
		}
		var wait time.Duration
		switch judge(err) {
		case soon:
			wait, _ = busy.Next()
		case again:
			wait, _ = pause.Next()
		default:
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w before %w: %w", errNoAnswer, context.Cause(ctx), err)
		}
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("%w within %s: %w", errNoAnswer, p.total, err)
		}
		asked := stopping.Asked(ctx)
		if judge(err) == soon { // work that is being done, not an outage
			asked = nil
		}
		if waited := time.Since(began); !told && waited >= p.quiet && p.tell != nil {
			told = true
			p.tell(err, waited)
		}
		select {
		case <-time.After(wait):
		case <-asked:
			return fmt.Errorf("%w before the run was stopped: %w", errNoAnswer, err)
		case <-ctx.Done():
			return fmt.Errorf("%w before %w: %w", errNoAnswer, context.Cause(ctx), err)
		}
	}
}

// named puts the sentinel that callers know in front of an error of retry.
func named(err error) error {
	switch judge(err) {
	case fenced:
		return fmt.Errorf("%w: %w", commit.ErrFenced, err)
	case denied:
		if errors.Is(err, ErrDenied) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

// sendError names an error of a transaction's requests before EndTxn.
func sendError(err error) error {
	if errors.Is(err, errNoAnswer) {
		return fmt.Errorf("%w: %w", commit.ErrUnknown, err)
	}
	if judge(err) == lost {
		return fmt.Errorf("%w: %w", commit.ErrUnknown, err)
	}
	return named(err)
}

// firstError skips the errors that only say that another partition failed.
func firstError(errs []error) error {
	const notAttempted = kafkago.BrokerAuthorizationFailed // 55, OPERATION_NOT_ATTEMPTED; kafka-go misnames it
	var skipped error
	for _, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, notAttempted):
			skipped = err
		default:
			return err
		}
	}
	return skipped
}
