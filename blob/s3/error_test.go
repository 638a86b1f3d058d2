package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hunting-exporter/blob"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// TestEndpointsThatCannotWork: a wrong setting of how the store is reached is told from a
// store that is down, which is tried again.
func TestEndpointsThatCannotWork(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, c := range []struct {
		endpoint, advice string
		setting          bool
	}{
		{secure.URL, "AWS_CA_BUNDLE", true},
		{strings.Replace(plain.URL, "http:", "https:", 1), "http://", true},
		{closed.URL, "refused", false},
	} {
		s, err := Open(t.Context(), "lake", "", Config{Endpoint: c.endpoint, PathStyle: true})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = s.Get(t.Context(), "a")
		if errors.Is(err, blob.ErrSetting) != c.setting || !strings.Contains(err.Error(), c.advice) {
			t.Errorf("%s: %v, want %q, a wrong setting: %t", c.endpoint, err, c.advice, c.setting)
		}
	}
}

// TestMeanings: what is an error of settings, of identity, and what passes.
func TestMeanings(t *testing.T) {
	t.Parallel()
	answer := func(status int, err error) error {
		return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err,
		}}
	}
	sts := func(err error) error {
		return &smithy.OperationError{ServiceID: "S3", Err: &credentialsError{&smithy.OperationError{ServiceID: "STS", Err: err}}}
	}
	for _, c := range []struct {
		err    error
		kind   error // nil: none that callers tell apart
		advice string
	}{
		{&smithyhttp.RequestSendError{Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, nil, "S3_PATH_STYLE=true"},
		{answer(http.StatusForbidden, nil), blob.ErrDenied, "grant"},
		{answer(http.StatusServiceUnavailable, nil), nil, ""},
		{sts(answer(http.StatusForbidden, &smithy.GenericAPIError{Code: "AccessDenied"})), blob.ErrDenied, "trust policy"},
		{sts(answer(http.StatusServiceUnavailable, &smithy.GenericAPIError{Code: "ServiceUnavailable"})), nil, "does not answer"},
		{sts(&smithyhttp.RequestSendError{Err: io.EOF}), nil, "does not answer"},
		{sts(context.Canceled), nil, ""},
		{sts(context.DeadlineExceeded), nil, "does not answer"},
		{&credentialsError{&smithy.OperationError{ServiceID: "ec2imds", Err: context.DeadlineExceeded}}, blob.ErrDenied, "there are no credentials"},
		{answer(http.StatusNotImplemented, nil), blob.ErrUnsupported, ""},
		{answer(http.StatusNotFound, nil), nil, ""},
		{sts(fmt.Errorf("no such file")), blob.ErrDenied, "there are no credentials"},
	} {
		err := storeError(c.err)
		for _, kind := range []error{blob.ErrDenied, blob.ErrSetting, blob.ErrNotFound, blob.ErrPrecondition, blob.ErrUnsupported} {
			if errors.Is(err, kind) != errors.Is(c.kind, kind) {
				t.Errorf("%v: is %v: %t", err, kind, errors.Is(err, kind))
			}
		}
		if !strings.Contains(err.Error(), c.advice) || !strings.HasSuffix(err.Error(), c.err.Error()) {
			t.Errorf("%v, want %q, then the cause", err, c.advice)
		}
	}
}
