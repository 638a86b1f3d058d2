package s3

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"hunting-exporter/blob"

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
	"NoSuchKey":                  {kind: blob.ErrNotFound},
	"NoSuchUpload":               {kind: blob.ErrNotFound},
	"PreconditionFailed":         {kind: blob.ErrPrecondition},
	"ConditionalRequestConflict": {kind: blob.ErrPrecondition},

	"NotImplemented": {kind: blob.ErrUnsupported},

	"NoSuchBucket":      {blob.ErrSetting, "the bucket does not exist; create it, or correct the URL or AWS_ENDPOINT_URL_S3"},
	"InvalidBucketName": {blob.ErrSetting, "no bucket can have this name; correct the URL"},

	"PermanentRedirect":                  {blob.ErrSetting, wrongRegion},
	"MovedPermanently":                   {blob.ErrSetting, wrongRegion}, // an answer without a body
	"AuthorizationHeaderMalformed":       {blob.ErrSetting, wrongRegion},
	"IllegalLocationConstraintException": {blob.ErrSetting, wrongRegion},

	"InvalidAccessKeyId":    {blob.ErrDenied, "the store does not know the access key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a pair of this store's"},
	"SignatureDoesNotMatch": {blob.ErrDenied, "the secret is not that of the access key; correct AWS_SECRET_ACCESS_KEY"},
	"ExpiredToken":          {blob.ErrDenied, "the session has expired; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, or give the service account a role"},
	"InvalidToken":          {blob.ErrDenied, "the session token is not valid; set AWS_SESSION_TOKEN to that of the access key, or leave it out"},
	"RequestTimeTooSkewed":  {blob.ErrDenied, "this machine's clock is wrong; correct it"},
	"AccessDenied":          {blob.ErrDenied, lacking},

	"KMS.NotFoundException":        {blob.ErrSetting, wrongKey},
	"KMS.DisabledException":        {blob.ErrSetting, wrongKey},
	"KMS.InvalidKeyUsageException": {blob.ErrSetting, wrongKey},
}

const (
	wrongRegion = "the bucket is in another region; correct AWS_REGION"
	wrongKey    = "the key of S3_KMS_KEY_ID cannot be used; correct it"
	lacking     = "the identity lacks the permission for it; grant it to the access key's user or the service account's role"
)

// storeError turns the answers of a store into those that callers tell apart: kind, what to
// do, and the cause, in this order.
func storeError(err error) error {
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
		m = cmp.Or(m, meaning{kind: blob.ErrPrecondition})
	case http.StatusForbidden, http.StatusUnauthorized:
		m = cmp.Or(m, meaning{blob.ErrDenied, lacking})
	case http.StatusNotImplemented:
		m = cmp.Or(m, meaning{kind: blob.ErrUnsupported})
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
		return meaning{blob.ErrSetting, "the store's certificate is of an unknown authority; set AWS_CA_BUNDLE to the file of its certificate"}
	case errors.As(err, &names):
		return meaning{blob.ErrSetting, "the store's certificate is for other names; correct AWS_ENDPOINT_URL_S3 or S3_PATH_STYLE"}
	case errors.Is(err, http.ErrSchemeMismatch):
		return meaning{blob.ErrSetting, "the store does without TLS; set AWS_ENDPOINT_URL_S3 to http://…"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return meaning{advice: "the host does not exist; correct AWS_ENDPOINT_URL_S3 or AWS_REGION, or set S3_PATH_STYLE=true if the bucket is no host of the store's"}
	}
	return meaning{}
}

func known(err error) bool {
	for _, kind := range []error{blob.ErrNotFound, blob.ErrPrecondition, blob.ErrDenied, blob.ErrSetting, blob.ErrUnsupported} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func noSuchUpload(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload"
}

// headError is storeError for a request whose answer has no body to name a code in.
func headError(err error) error {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound {
		return fmt.Errorf("%w: %w", blob.ErrNotFound, err)
	}
	return storeError(err)
}
