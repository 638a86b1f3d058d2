package s3

import (
	"context"
	"errors"
	"io"

	"hunting-exporter/blob"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Head asks for size and metadata; SHA256 is what the writer promised.
func (s *store) Head(ctx context.Context, key string) (blob.Info, error) {
	name, err := s.key(key)
	if err != nil {
		return blob.Info{}, s.fail("head", key, err)
	}
	out, err := s.client.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &s.bucket, Key: name})
	if err != nil {
		return blob.Info{}, s.fail("head", key, headError(err))
	}
	return blob.Info{
		Size:   aws.ToInt64(out.ContentLength),
		ETag:   aws.ToString(out.ETag),
		SHA256: out.Metadata[metaSHA256],
	}, nil
}

// CreateUpload starts a multipart upload whose metadata carries sha256.
func (s *store) CreateUpload(ctx context.Context, key, sha256 string) (string, error) {
	name, err := s.key(key)
	if err != nil {
		return "", s.fail("create upload of", key, err)
	}
	out, err := s.client.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: name, Metadata: map[string]string{metaSHA256: sha256},
		ServerSideEncryption: s.sse, SSEKMSKeyId: s.kmsKeyID,
		ChecksumAlgorithm: s.checksum,
	})
	if err != nil {
		return "", s.fail("create upload of", key, err)
	}
	return aws.ToString(out.UploadId), nil
}

const (
	partBytes = 16 << 20
	maxParts  = 10_000 // of one upload, on S3
)

// PartSize is the usual size, or more where S3's number of parts would not suffice. A part
// must be sent within answerTimeout, or slow lines would never get one through.
func (s *store) PartSize(size int64) int64 { return max(partBytes, (size+maxParts-1)/maxParts) }

// UploadPart sends one part. Sent again, it replaces the part.
func (s *store) UploadPart(ctx context.Context, key, id string, number int32, body io.ReadSeeker, size int64) (blob.Part, error) {
	name, err := s.key(key)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err != nil {
		return blob.Part{}, s.fail("upload part of", key, err)
	}
	out, err := s.client.UploadPart(ctx, &awss3.UploadPartInput{
		Bucket: &s.bucket, Key: name, UploadId: &id, PartNumber: &number,
		Body: body, ContentLength: &size, ChecksumAlgorithm: s.checksum,
	})
	if err != nil {
		return blob.Part{}, s.fail("upload part of", key, err)
	}
	return blob.Part{Number: number, ETag: aws.ToString(out.ETag), CRC32: aws.ToString(out.ChecksumCRC32)}, nil
}

// CompleteUpload makes the object visible, unless one is there already. Whatever
// it answers, Head says what is true: an answer can be lost, or take minutes.
func (s *store) CompleteUpload(ctx context.Context, key, id string, parts []blob.Part) error {
	name, err := s.key(key)
	if err != nil {
		return s.fail("complete upload of", key, err)
	}
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: name, UploadId: &id, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: completed(parts)},
	}
	_, err = s.client.CompleteMultipartUpload(ctx, in)
	if errors.Is(storeError(err), blob.ErrUnsupported) {
		// Keys are never used twice, so nothing can be overwritten without it either.
		in.IfNoneMatch = nil
		_, err = s.client.CompleteMultipartUpload(ctx, in)
	}
	if err != nil {
		return s.fail("complete upload of", key, err)
	}
	return nil
}

func completed(parts []blob.Part) []types.CompletedPart {
	out := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		out[i] = types.CompletedPart{PartNumber: aws.Int32(p.Number), ETag: aws.String(p.ETag)}
		if p.CRC32 != "" {
			out[i].ChecksumCRC32 = aws.String(p.CRC32)
		}
	}
	return out
}

// AbortUpload drops an upload and its parts.
func (s *store) AbortUpload(ctx context.Context, key, id string) error {
	name, err := s.key(key)
	if err == nil {
		_, err = s.client.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: name, UploadId: &id})
	}
	if err != nil {
		return s.fail("abort upload of", key, err)
	}
	return nil
}
