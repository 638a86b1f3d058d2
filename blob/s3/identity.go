package s3

import (
	"context"
	"errors"
	"net/http"

	"hunting-exporter/blob"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// identity marks what goes wrong while credentials are fetched, which is no answer of the
// store's.
type identity struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (p identity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		err = &credentialsError{err}
	}
	return c, err
}

// credentialsError: there are no credentials to sign a request with.
type credentialsError struct{ error }

func (e *credentialsError) Unwrap() error { return e.error }

// meaning tells credentials that nothing provides from a provider that is down: that
// passes.
func (e *credentialsError) meaning() meaning {
	none := meaning{blob.ErrDenied, "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod's service account a role (IRSA or EKS Pod Identity)"}
	var (
		api    smithy.APIError
		asked  *smithy.OperationError
		answer *awshttp.ResponseError
		unsent *smithyhttp.RequestSendError
	)
	switch {
	case errors.Is(e, context.Canceled):
		return meaning{}
	case errors.As(e, &asked) && asked.ServiceID == "ec2imds": // the last resort
		return none
	case errors.As(e, &answer) && (answer.HTTPStatusCode() >= http.StatusInternalServerError || answer.HTTPStatusCode() == http.StatusTooManyRequests),
		errors.As(e, &unsent), errors.Is(e, context.DeadlineExceeded):
		return meaning{advice: "the service that gives credentials does not answer"}
	case errors.As(e, &api):
		return meaning{blob.ErrDenied, "the role was refused; correct AWS_ROLE_ARN, or let the role's trust policy name this pod's service account"}
	}
	return none
}
