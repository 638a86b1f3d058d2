package s3

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// TestS3RetriesHaveNoQuota: many requests that are refused three times each all succeed.
func TestS3RetriesHaveNoQuota(t *testing.T) {
	const many = 100 // the SDK's quota is of 100 retries in all
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			asked := map[string]int{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if asked[r.URL.Path]++; asked[r.URL.Path] < attempts {
					w.WriteHeader(status)
				}
			}))
			t.Cleanup(server.Close)
			s, err := Open(t.Context(), "lake", "", Config{Endpoint: server.URL, PathStyle: true})
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() {
					if _, _, err := s.Get(t.Context(), fmt.Sprint(i)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestS3RetryAfter: the pause is at least the one that is asked for, within bounds.
func TestS3RetryAfter(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]struct{ least, most time.Duration }{
		"":          {0, longestPause},
		"0":         {0, longestPause},
		"5":         {5 * time.Second, 5 * time.Second},
		"100000":    {longestAsked, longestAsked},
		"-5":        {0, longestPause},
		"some time": {0, longestPause},
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):  {longestAsked, longestAsked},
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): {0, longestPause},
	} {
		answer := &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {asked}}}
		err := &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: answer}, Err: errors.New("slow down"),
		}}
		pause, failed := newRetryer().RetryDelay(1, err)
		if failed != nil || pause < want.least || pause > want.most {
			t.Errorf("asked for %q: %v, %v, want %v to %v", asked, pause, failed, want.least, want.most)
		}
	}
}
