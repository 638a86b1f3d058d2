package s3test_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"hunting-exporter/blob"
	"hunting-exporter/blob/blobtest"
	"hunting-exporter/blob/s3"
	"hunting-exporter/test/s3test"
)

var shared *s3test.Server

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	server, err := s3test.New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	shared = server
	return m.Run()
}

func TestStoreConforms(t *testing.T) {
	shared.Setenv(t)
	blobtest.Run(t, func(t *testing.T) blob.Store {
		t.Helper()
		config := s3.Config{Region: shared.Region, Endpoint: shared.Endpoint, PathStyle: true}
		store, err := s3.Open(t.Context(), shared.Bucket(t), "prefix", config)
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}

func TestConditionalPut(t *testing.T) {
	bucket, client := shared.Bucket(t), shared.Client()
	put := func(match, none *string) error {
		_, err := client.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: &bucket, Key: aws.String("key"), Body: bytes.NewReader([]byte("data")), IfMatch: match, IfNoneMatch: none,
		})
		return err
	}
	if err := put(nil, aws.String("*")); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"create-only over an object": put(nil, aws.String("*")),
		"another ETag":               put(aws.String(`"0"`), nil),
	} {
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != "PreconditionFailed" {
			t.Errorf("%s: got %v, want PreconditionFailed", name, err)
		}
	}
}

func TestKillKeepsObjectsAndUploads(t *testing.T) {
	bucket, client := shared.Bucket(t), shared.Client()
	key := aws.String("dir/key")
	if _, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: key, Body: bytes.NewReader([]byte("data"))}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: &bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	shared.Kill()
	if err := shared.Restart(); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	if err != nil || string(data) != "data" {
		t.Errorf("object holds %q, %v", data, err)
	}
	uploads, err := client.ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: key})
	if err != nil || len(uploads.Uploads) != 1 {
		t.Errorf("uploads in progress: %v, %v; want one", uploads, err)
	}
	if file, err := os.ReadFile(shared.Path(bucket, *key)); err != nil || string(file) != "data" {
		t.Errorf("file of the object holds %q, %v", file, err)
	}
}

func TestWrongKeyIsRefused(t *testing.T) {
	bucket := shared.Bucket(t)
	options := shared.Client().Options()
	options.Credentials = credentials.NewStaticCredentialsProvider(shared.AccessKey, "wrong", "")
	_, err := awss3.New(options).ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &bucket})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "SignatureDoesNotMatch" {
		t.Errorf("got %v, want SignatureDoesNotMatch", err)
	}
}
