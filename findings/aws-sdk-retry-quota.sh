#!/usr/bin/env bash
# github.com/aws/aws-sdk-go-v2 v1.47.7, service/s3 v1.114.8, the standard retryer.
#
# Two things end a long job after one bad minute of a store that is compatible with S3:
#  - HTTP 429 is not repeated, whatever Retry-After says, unless the body names one of
#    AWS's own error codes; 503 is.
#  - A client may repeat only so often in its life. Each repeat takes 5 of 500 tokens and
#    only successes give some back: time does not. Where each request needs three repeats,
#    all attempts allowed, the client stops repeating after a few dozen requests, while
#    the server answers each fourth attempt just as before.
#
# Seen:     always 429: 1 calls
#           always 503: 4 calls
#           three times 503, then 200, 200 requests of one client: 54 succeed
# One would guess: 4 calls for both, and 200 that succeed.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	ctx := context.Background()
	var calls, status, bad atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := calls.Add(1); bad.Load() == 0 || n%4 != 0 { // three bad answers, then a good one
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(int(status.Load()))
		}
	}))
	defer srv.Close()
	client := func() *s3.Client {
		return s3.New(s3.Options{
			// The default retryer but for its pauses, which would make this take minutes.
			Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = 4, time.Millisecond
			}),
			Region: "eu-central-1", BaseEndpoint: aws.String(srv.URL), UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		})
	}
	get := func(c *s3.Client) error {
		_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		return err
	}
	for _, code := range []int32{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		calls.Store(0)
		status.Store(code)
		_ = get(client())
		fmt.Printf("always %d: %d calls\n", code, calls.Load())
	}
	calls.Store(0)
	bad.Store(1)
	c, ok := client(), 0
	for range 200 {
		calls.Store(0)
		if get(c) == nil {
			ok++
		}
	}
	fmt.Printf("three times 503, then 200, 200 requests of one client: %d succeed\n", ok)
}
GO
cat >go.mod <<'MOD'
module finding

go 1.26
MOD
export GOFLAGS=-mod=mod
go get github.com/aws/aws-sdk-go-v2@v1.47.7 github.com/aws/aws-sdk-go-v2/credentials@v1.20.15 github.com/aws/aws-sdk-go-v2/service/s3@v1.114.8 >/dev/null 2>&1
out=$(go run .)
echo "$out"
grep -qx 'always 429: 1 calls' <<<"$out"
grep -qx 'always 503: 4 calls' <<<"$out"
grep -qx "three times 503, then 200, 200 requests of one client: 54 succeed" <<<"$out"
