// Package s3 keeps objects in a bucket of Amazon S3 or of what speaks its API.
package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"hunting-exporter/blob"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
)

// An unreachable store is an error within about 20 s: the attempts at connecting and
// the pauses between them. An answer may take longer: a store may assemble a large
// object before it says anything.
const (
	connectTimeout = 4 * time.Second
	answerTimeout  = time.Minute
)

// ErrNoRegion: neither AWS_REGION nor a profile says where the bucket is.
var ErrNoRegion = errors.New("no region is configured; set AWS_REGION")

// metaSHA256 is the metadata key of an object's sha256.
const metaSHA256 = "sha256"

// store keeps objects in a bucket, all below one prefix.
type store struct {
	client   *awss3.Client
	bucket   string
	prefix   string // empty, or ends with a slash
	sse      types.ServerSideEncryption
	kmsKeyID *string
	checksum types.ChecksumAlgorithm // of parts; empty: none
	listing  atomic.Int32            // how the server lists uploads
}

// Open returns the store of a bucket, all of whose keys are below prefix, if there is one. It
// asks S3 nothing.
func Open(ctx context.Context, bucket, prefix string, cfg Config) (blob.Store, error) {
	httpClient := awshttp.NewBuildableClient().
		WithReadTimeout(answerTimeout).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectTimeout }).
		WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = answerTimeout })
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(httpClient),
		config.WithRetryer(newRetryer),
		config.WithLogger(logging.Nop{}),
	}
	if cfg.Region != "" {
		options = append(options, config.WithRegion(cfg.Region))
	} else if cfg.Endpoint != "" {
		// Stores that are not AWS take any region; the signature needs one.
		options = append(options, config.WithDefaultRegion("us-east-1"))
	}
	sdk, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("open s3://%s: read AWS configuration: %w", bucket, err)
	}
	if sdk.Region == "" {
		return nil, fmt.Errorf("open s3://%s: %w", bucket, ErrNoRegion)
	}
	sdk.Credentials = identity{sdk.Credentials}
	s := &store{bucket: bucket, prefix: prefix, sse: types.ServerSideEncryption(cfg.SSE)}
	if prefix != "" {
		s.prefix = prefix + "/"
	}
	if cfg.KMSKeyID != "" {
		s.kmsKeyID = &cfg.KMSKeyID
	}
	s.client = awss3.NewFromConfig(sdk, func(o *awss3.Options) { configure(o, cfg) })
	if s.client.Options().RequestChecksumCalculation == aws.RequestChecksumCalculationWhenSupported {
		s.checksum = types.ChecksumAlgorithmCrc32
	}
	if s.client.Options().BaseEndpoint == nil { // Amazon S3
		s.listing.Store(byPrefix)
	}
	return s, nil
}

func configure(o *awss3.Options, cfg Config) {
	if cfg.Endpoint != "" {
		o.BaseEndpoint = &cfg.Endpoint
	}
	o.UsePathStyle = cfg.PathStyle
	o.DisableLogOutputChecksumValidationSkipped = true
	switch cfg.Checksum {
	case "when_required":
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	case "when_supported":
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	}
}

// URL names bucket and prefix.
func (s *store) URL() string {
	return strings.TrimSuffix("s3://"+s.bucket+"/"+s.prefix, "/")
}

func (s *store) key(key string) (*string, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	return aws.String(s.prefix + key), nil
}

func (s *store) fail(doing, key string, err error) error {
	return fmt.Errorf("%s %s in %s: %w", doing, key, s.URL(), storeError(err))
}

// Get reads a whole object.
func (s *store) Get(ctx context.Context, key string) ([]byte, string, error) {
	name, err := s.key(key)
	if err != nil {
		return nil, "", s.fail("get", key, err)
	}
	out, err := s.client.GetObject(ctx, &awss3.GetObjectInput{Bucket: &s.bucket, Key: name})
	if err != nil {
		return nil, "", s.fail("get", key, err)
	}
	data, err := io.ReadAll(out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		return nil, "", s.fail("get", key, err)
	}
	return data, aws.ToString(out.ETag), nil
}

// Put writes a whole object, under the condition if there is one. The SDK repeats
// a request whose answer is lost, so ErrPrecondition may mean one's own success.
func (s *store) Put(ctx context.Context, key string, data []byte, c blob.Condition) (string, error) {
	name, err := s.key(key)
	if err != nil {
		return "", s.fail("put", key, err)
	}
	sum := sha256.Sum256(data)
	in := &awss3.PutObjectInput{
		Bucket: &s.bucket, Key: name, Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
		Metadata:             map[string]string{metaSHA256: hex.EncodeToString(sum[:])},
		ServerSideEncryption: s.sse, SSEKMSKeyId: s.kmsKeyID,
	}
	if c.IfMatch != "" {
		in.IfMatch = &c.IfMatch
	}
	if c.Absent {
		in.IfNoneMatch = aws.String("*")
	}
	out, err := s.client.PutObject(ctx, in)
	if err == nil {
		return aws.ToString(out.ETag), nil
	}
	if c.IfMatch != "" && errors.Is(storeError(err), blob.ErrNotFound) {
		err = fmt.Errorf("no object to match: %w", blob.ErrPrecondition)
	}
	return "", s.fail("put", key, err)
}

// Delete removes an object; one that is not there is no error.
func (s *store) Delete(ctx context.Context, key string) error {
	name, err := s.key(key)
	if err == nil {
		_, err = s.client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &s.bucket, Key: name})
	}
	if err != nil && !errors.Is(storeError(err), blob.ErrNotFound) {
		return s.fail("delete", key, err)
	}
	return nil
}

// Sync has nothing to do: what S3 has answered is durable.
func (s *store) Sync(context.Context, string) error { return nil }
