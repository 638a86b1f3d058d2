#!/usr/bin/env bash
# github.com/Azure/azure-sdk-for-go/sdk/azcore v1.23.3, default options.
#
# A server that answers 429 with "Retry-After: 61" gets no second request and no wait at
# all: the 429 comes back at once. With "Retry-After: 2" the request is repeated after two
# seconds. The bound is RetryOptions.MaxRetryDelay (60 s): a longer wait is not shortened
# to it, nor waited for, it ends the retries. Entra asks for waits of minutes when it
# throttles a tenant, so a job that could have waited fails within a second.
#
# Seen:     Retry-After: 2  -> calls 2, status 200, waited 2 s
#           Retry-After: 61 -> calls 1, status 429, waited 0 s
# One would guess: the second waits 61 s, or 60 s, and then repeats.
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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

func main() {
	for _, after := range []string{"2", "61"} {
		var calls atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) == 1 {
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}))
		p := runtime.NewPipeline("finding", "v0", runtime.PipelineOptions{}, &policy.ClientOptions{})
		req, err := runtime.NewRequest(context.Background(), http.MethodGet, srv.URL)
		if err != nil {
			panic(err)
		}
		start := time.Now()
		resp, err := p.Do(req)
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
		fmt.Printf("Retry-After: %s -> calls %d, status %d, waited %.0f s\n", after, calls.Load(), resp.StatusCode, time.Since(start).Seconds())
		srv.Close()
	}
}
GO
cat >go.mod <<'MOD'
module finding

go 1.26
MOD
export GOFLAGS=-mod=mod
go get github.com/Azure/azure-sdk-for-go/sdk/azcore@v1.23.3 >/dev/null 2>&1
out=$(go run .)
echo "$out"
grep -qx 'Retry-After: 2 -> calls 2, status 200, waited 2 s' <<<"$out"
grep -qx 'Retry-After: 61 -> calls 1, status 429, waited 0 s' <<<"$out"
