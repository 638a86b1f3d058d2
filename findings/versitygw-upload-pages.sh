#!/usr/bin/env bash
# github.com/versity/versitygw v1.8.0 (posix), asked by aws-sdk-go-v2's paginator.
#
# ListMultipartUploads refuses its own NextUploadIdMarker: every second page is a 400. One
# page holds 1,000 uploads, so a clean-up of dead uploads works for as long as there are
# fewer of them, and fails for good once more were left behind.
#
# Seen:     5 keys, pages of 2: 2 uploads, then InvalidArgument: Invalid uploadId marker
#           1 keys, pages of 2: 2 uploads, then InvalidArgument: Invalid uploadId marker
#           5 keys, pages of 1000: 5 uploads, then end
# One would guess: 5 uploads each time.
set -euo pipefail
dir=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
mkdir data list
cat >list/main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

func main() {
	ctx := context.Background()
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(os.Args[1]), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("access", "secret", ""),
	})
	for _, c := range []struct{ keys, page int }{{5, 2}, {1, 2}, {5, 1000}} {
		bucket := aws.String(fmt.Sprintf("keys-%d-page-%d", c.keys, c.page))
		if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
			panic(err)
		}
		for i := range 5 {
			key := aws.String(fmt.Sprintf("t/%d", i%c.keys))
			if _, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key}); err != nil {
				panic(err)
			}
		}
		n, end := 0, "end"
		pages := s3.NewListMultipartUploadsPaginator(client, &s3.ListMultipartUploadsInput{Bucket: bucket, MaxUploads: aws.Int32(int32(c.page))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				var refused smithy.APIError
				if !errors.As(err, &refused) {
					panic(err)
				}
				end = refused.ErrorCode() + ": " + refused.ErrorMessage()
				break
			}
			n += len(page.Uploads)
		}
		fmt.Printf("%d keys, pages of %d: %d uploads, then %s\n", c.keys, c.page, n, end)
	}
}
GO
printf 'module finding\n\ngo 1.26\n' >go.mod
export GOFLAGS=-mod=mod
go get github.com/versity/versitygw@v1.8.0 github.com/aws/aws-sdk-go-v2/service/s3@v1.114.8 >/dev/null 2>&1
go build -o gateway github.com/versity/versitygw/cmd/versitygw
go build -o ask ./list
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
ROOT_ACCESS_KEY_ID=access ROOT_SECRET_ACCESS_KEY=secret ./gateway --port "127.0.0.1:$port" --quiet --health /health posix data >log 2>&1 &
server=$!
for _ in $(seq 100); do
	if curl -fs "http://127.0.0.1:$port/health" >/dev/null; then break; fi
	sleep 0.1
done
out=$(timeout 60 ./ask "http://127.0.0.1:$port")
echo "$out"
grep -qx '5 keys, pages of 2: 2 uploads, then InvalidArgument: Invalid uploadId marker' <<<"$out"
grep -qx '1 keys, pages of 2: 2 uploads, then InvalidArgument: Invalid uploadId marker' <<<"$out"
grep -qx '5 keys, pages of 1000: 5 uploads, then end' <<<"$out"
