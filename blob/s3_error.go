package blob

import (
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// s3Error turns the answers of a store into those that callers tell apart. Neither a
// missing bucket nor a bare 404, as a proxy or a mistyped endpoint answers, is
// ErrNotFound: nobody may conclude from them that an object was never written.
func s3Error(err error) error {
	if err == nil || known(err) {
		return err
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchBucket":
			return fmt.Errorf("the bucket does not exist; create it or correct the URL: %w", err)
		case "PermanentRedirect", "AuthorizationHeaderMalformed":
			return fmt.Errorf("the bucket is in another region; correct AWS_REGION: %w", err)
		case "NoSuchKey", "NoSuchUpload":
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		case "PreconditionFailed", "ConditionalRequestConflict":
			return fmt.Errorf("%w: %w", ErrPrecondition, err)
		case "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "InvalidToken":
			return fmt.Errorf("%w: %w", ErrDenied, err)
		}
	}
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return err
	}
	switch response.HTTPStatusCode() {
	case http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", ErrPrecondition, err)
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

func known(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrPrecondition) || errors.Is(err, ErrDenied)
}

func notImplemented(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "NotImplemented" {
		return true
	}
	var response *awshttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotImplemented
}

func noSuchUpload(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload"
}

// headError is s3Error for a request whose answer has no body to name a code in.
func headError(err error) error {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return s3Error(err)
}
