package s3

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"hunting-exporter/blob"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// List yields the keys under prefix.
func (s *store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := blob.CheckPrefix(prefix); err != nil {
			yield("", s.fail("list", prefix, err))
			return
		}
		pages := awss3.NewListObjectsV2Paginator(s.client, &awss3.ListObjectsV2Input{
			Bucket: &s.bucket, Prefix: aws.String(s.prefix + prefix),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", s.fail("list", prefix, err))
				return
			}
			for _, object := range page.Contents {
				if !yield(strings.TrimPrefix(aws.ToString(object.Key), s.prefix), nil) {
					return
				}
			}
		}
	}
}

// uploadPages bounds a listing of uploads, of 1,000 a page: the bucket may be shared.
const uploadPages = 100

// Uploads yields the uploads in progress under prefix. Servers that find none below a
// prefix, only of a whole key or of the bucket (MinIO), are asked for all of the bucket's.
func (s *store) Uploads(ctx context.Context, prefix string) iter.Seq2[blob.Upload, error] {
	return func(yield func(blob.Upload, error) bool) {
		if err := blob.CheckPrefix(prefix); err != nil {
			yield(blob.Upload{}, s.fail("list uploads of", prefix, err))
			return
		}
		below := s.prefix + prefix
		found := false
		give := func(u types.MultipartUpload, err error) bool {
			found = true
			if err != nil {
				yield(blob.Upload{}, s.fail("list uploads of", prefix, err))
				return false
			}
			return yield(blob.Upload{Key: strings.TrimPrefix(aws.ToString(u.Key), s.prefix), ID: aws.ToString(u.UploadId)}, nil)
		}
		for u, err := range s.uploads(ctx, below) {
			if !give(u, err) {
				return
			}
		}
		if found || below == "" || s.listing.Load() == byPrefix {
			return
		}
		for u, err := range s.uploads(ctx, "") {
			if err == nil && !strings.HasPrefix(aws.ToString(u.Key), below) {
				if s.findsBelow(ctx, aws.ToString(u.Key)) {
					return
				}
				continue
			}
			if !give(u, err) {
				return
			}
		}
	}
}

// findsBelow reports whether the server lists uploads by prefix: Amazon S3 does, others are
// asked for one that is in progress.
func (s *store) findsBelow(ctx context.Context, key string) bool {
	slash := strings.LastIndexByte(key, '/')
	if slash < 0 || s.listing.Load() != 0 {
		return s.listing.Load() == byPrefix
	}
	answer := int32(byWhole)
	for _, err := range s.uploads(ctx, key[:slash+1]) {
		if err == nil {
			answer = byPrefix
		}
		break
	}
	s.listing.Store(answer)
	return answer == byPrefix
}

// What a server has shown of how it lists uploads; 0: nothing yet.
const (
	byPrefix = 1
	byWhole  = 2
)

// uploads yields the uploads whose name the server finds to begin so.
func (s *store) uploads(ctx context.Context, prefix string) iter.Seq2[types.MultipartUpload, error] {
	return func(yield func(types.MultipartUpload, error) bool) {
		pages := awss3.NewListMultipartUploadsPaginator(s.client, &awss3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &prefix})
		for n := 0; pages.HasMorePages(); n++ {
			if n == uploadPages {
				yield(types.MultipartUpload{}, fmt.Errorf("the bucket has more than %d uploads in progress: add a lifecycle rule that aborts incomplete uploads after 7 days", uploadPages*1000))
				return
			}
			page, err := pages.NextPage(ctx)
			if noSuchUpload(err) {
				return // how some stores say that there are none
			}
			if err != nil {
				yield(types.MultipartUpload{}, err)
				return
			}
			for _, u := range page.Uploads {
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}
