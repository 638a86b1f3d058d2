package blob

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// meaning is what an answer means to callers, and what to do about it.
type meaning struct {
	kind   error
	advice string
}

// meanings are by the store's error codes. Neither a missing bucket nor a bare 404, as a
// proxy or a mistyped endpoint answers, is ErrNotFound: nobody may conclude from them that
// an object was never written.
var meanings = map[string]meaning{
	"NoSuchKey":                  {kind: ErrNotFound},
	"NoSuchUpload":               {kind: ErrNotFound},
	"PreconditionFailed":         {kind: ErrPrecondition},
	"ConditionalRequestConflict": {kind: ErrPrecondition},

	"NoSuchBucket":      {ErrSetting, "the bucket does not exist; create it, or correct the URL or AWS_ENDPOINT_URL_S3"},
	"InvalidBucketName": {ErrSetting, "no bucket can have this name; correct the URL"},

	"PermanentRedirect":                  {ErrSetting, wrongRegion},
	"MovedPermanently":                   {ErrSetting, wrongRegion}, // an answer without a body
	"AuthorizationHeaderMalformed":       {ErrSetting, wrongRegion},
	"IllegalLocationConstraintException": {ErrSetting, wrongRegion},

	"InvalidAccessKeyId":    {ErrDenied, "the store does not know the access key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a pair of this store's"},
	"SignatureDoesNotMatch": {ErrDenied, "the secret is not that of the access key; correct AWS_SECRET_ACCESS_KEY"},
	"ExpiredToken":          {ErrDenied, "the session has expired; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, or give the service account a role"},
	"InvalidToken":          {ErrDenied, "the session token is not valid; set AWS_SESSION_TOKEN to that of the access key, or leave it out"},
	"RequestTimeTooSkewed":  {ErrDenied, "this machine's clock is wrong; correct it"},
	"AccessDenied":          {ErrDenied, lacking},

	"KMS.NotFoundException":        {ErrSetting, wrongKey},
	"KMS.DisabledException":        {ErrSetting, wrongKey},
	"KMS.InvalidKeyUsageException": {ErrSetting, wrongKey},
}

const (
	wrongRegion = "the bucket is in another region; correct AWS_REGION"
	wrongKey    = "the key of S3_KMS_KEY_ID cannot be used; correct it"
	lacking     = "the identity lacks the permission for it; grant it to the access key's user or the service account's role"
)

// s3Error turns the answers of a store into those that callers tell apart: kind, what to
// do, and the cause, in this order.
func s3Error(err error) error {
	if err == nil || known(err) {
		return err
	}
	m := meaningOf(err)
	switch {
	case m.kind != nil && m.advice != "":
		return fmt.Errorf("%w: %s: %w", m.kind, m.advice, err)
	case m.kind != nil:
		return fmt.Errorf("%w: %w", m.kind, err)
	case m.advice != "":
		return fmt.Errorf("%s: %w", m.advice, err)
	}
	return err
}

func meaningOf(err error) meaning {
	var absent *credentialsError
	if errors.As(err, &absent) {
		return absent.meaning()
	}
	m := meaning{}
	var api smithy.APIError
	if errors.As(err, &api) {
		m = meanings[api.ErrorCode()]
	}
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return cmp.Or(m, unreachable(err))
	}
	switch response.HTTPStatusCode() {
	case http.StatusPreconditionFailed:
		m = cmp.Or(m, meaning{kind: ErrPrecondition})
	case http.StatusForbidden, http.StatusUnauthorized:
		m = cmp.Or(m, meaning{ErrDenied, lacking})
	case 0: // nothing was answered
		m = cmp.Or(m, unreachable(err))
	}
	if region := response.Response.Header.Get("X-Amz-Bucket-Region"); m.advice == wrongRegion && region != "" {
		m.advice = "the bucket is in another region; set AWS_REGION=" + region
	}
	return m
}

// unreachable is what is known of a store that a request did not get to.
func unreachable(err error) meaning {
	var (
		authority x509.UnknownAuthorityError
		names     x509.HostnameError
		dns       *net.DNSError
	)
	switch {
	case errors.As(err, &authority):
		return meaning{ErrSetting, "the store's certificate is of an unknown authority; set AWS_CA_BUNDLE to the file of its certificate"}
	case errors.As(err, &names):
		return meaning{ErrSetting, "the store's certificate is for other names; correct AWS_ENDPOINT_URL_S3 or S3_PATH_STYLE"}
	case errors.Is(err, http.ErrSchemeMismatch):
		return meaning{ErrSetting, "the store does without TLS; set AWS_ENDPOINT_URL_S3 to http://…"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return meaning{advice: "the host does not exist; correct AWS_ENDPOINT_URL_S3 or AWS_REGION, or set S3_PATH_STYLE=true if the bucket is no host of the store's"}
	}
	return meaning{}
}

func known(err error) bool {
	for _, kind := range []error{ErrNotFound, ErrPrecondition, ErrDenied, ErrSetting} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
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
