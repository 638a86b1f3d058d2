package s3

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	attempts     = 4
	longestPause = 2 * time.Second
	// longestAsked bounds the pause that a store asks for: three of them end before a
	// claim's lease does.
	longestAsked = 10 * time.Second
)

// newRetryer tries each request again by itself. The SDK's quota of retries, which all
// requests share, does not refill by time: one bad minute would end a run.
func newRetryer() aws.Retryer {
	jitter := retry.NewExponentialJitterBackoff(longestPause)
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(hopeless)}, append(o.Retryables,
			retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}},
			// Two conditional writes at once may both be told to try again.
			retry.RetryableErrorCode{Codes: map[string]struct{}{"ConditionalRequestConflict": {}}})...)
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) {
			pause, failed := jitter.BackoffDelay(attempt, err)
			return max(pause, min(retryAfter(err), longestAsked)), failed
		})
	})
}

// hopeless tells errors that no repeat mends, and those of providers of credentials, which
// have been repeated.
func hopeless(err error) aws.Ternary {
	var absent *credentialsError
	if errors.As(err, &absent) || unreachable(err).kind != nil {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// retryAfter returns the pause that an answer asks for, in seconds or up to a date.
func retryAfter(err error) time.Duration {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return 0
	}
	asked := answer.Response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(asked, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(asked); err == nil {
		return time.Until(at)
	}
	return 0
}
