package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/aws_msk_iam_v2"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

var errNoRegion = errors.New("aws-msk-iam: no AWS region; set AWS_REGION to the cluster's")

// readCAs reads a file of PEM certificates.
func readCAs(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", path)
	}
	return pool, nil
}

// tlsConfig returns nil where TLS is off.
func (c Config) tlsConfig() (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCAFile != "" {
		pool, err := readCAs(c.TLSCAFile)
		if err != nil {
			return nil, fmt.Errorf("read KAFKA_TLS_CA_FILE: %w", err)
		}
		t.RootCAs = pool
	}
	if c.TLSCertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
		if err != nil {
			return nil, fmt.Errorf("read KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE: %w", err)
		}
		t.Certificates = []tls.Certificate{cert}
	}
	return t, nil
}

// saslMechanism returns nil where nobody logs in.
func (c Config) saslMechanism(ctx context.Context, token func(context.Context) (string, error)) (sasl.Mechanism, error) {
	switch m := c.mechanism(); m {
	case "":
		return nil, nil
	case saslPlain:
		return plain.Mechanism{Username: c.SASLUsername, Password: c.SASLPassword.Reveal()}, nil
	case saslScramSHA256, saslScramSHA512:
		algorithm := scram.SHA256
		if m == saslScramSHA512 {
			algorithm = scram.SHA512
		}
		mechanism, err := scram.Mechanism(algorithm, c.SASLUsername, c.SASLPassword.Reveal())
		if err != nil { // the cause would quote the password
			return nil, fmt.Errorf("%s: username or password holds characters that SASLprep forbids", m)
		}
		return mechanism, nil
	case saslOAuthBearer:
		if token == nil {
			return nil, errors.New("oauthbearer: nothing is configured that gives tokens; set an Azure identity, or use another KAFKA_SASL_MECHANISM")
		}
		return oauthBearer{token: token}, nil
	case saslMSKIAM:
		cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(c.Region)) // an empty one counts as none
		if err != nil {
			return nil, fmt.Errorf("aws-msk-iam: load the AWS configuration: %w", err)
		}
		if cfg.Region == "" {
			return nil, errNoRegion
		}
		return aws_msk_iam_v2.NewMechanism(cfg), nil
	default:
		return nil, fmt.Errorf("unknown SASL mechanism %q", c.SASLMechanism)
	}
}

// oauthBearer is SASL OAUTHBEARER (RFC 7628). Each connection asks for a token
// anew, so that a renewed one is used after the broker ends a session.
type oauthBearer struct {
	token func(context.Context) (string, error)
}

// Name is the mechanism's registered name.
func (oauthBearer) Name() string { return "OAUTHBEARER" }

// Start sends the token.
func (o oauthBearer) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	token, err := o.token(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("get a token for Kafka: %w", err)
	}
	return o, []byte("n,,\x01auth=Bearer " + token + "\x01\x01"), nil
}

// Next ends the exchange: an empty challenge is success, anything else says why not.
func (oauthBearer) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	if len(challenge) == 0 {
		return true, nil, nil
	}
	return false, nil, fmt.Errorf("%w: the broker does not accept the token: %s", ErrDenied, challenge)
}

// watchedLogin knows whether a login has begun and not ended: some brokers refuse
// one by closing the connection.
type watchedLogin struct {
	sasl.Mechanism
	open atomic.Bool
}

// Start begins the login.
func (w *watchedLogin) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	m, first, err := w.Mechanism.Start(ctx)
	w.open.Store(err == nil)
	return watchedExchange{m, w}, first, err
}

type watchedExchange struct {
	sasl.StateMachine
	login *watchedLogin
}

// Next goes on with the login.
func (e watchedExchange) Next(ctx context.Context, challenge []byte) (bool, []byte, error) {
	done, answer, err := e.StateMachine.Next(ctx, challenge)
	if done {
		e.login.open.Store(false)
	}
	return done, answer, err
}
