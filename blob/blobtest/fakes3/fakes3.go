// Package fakes3 runs an S3 in memory that can be made to behave as some real servers do.
package fakes3

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Fault makes a fake S3 behave as some real servers do.
type Fault func(http.Handler) http.Handler

// Bucket is the one that a fake S3 holds.
const Bucket = "lake"

// Start starts an S3 in memory, without TLS, and returns its endpoint. Of several faults the
// last is asked first.
func Start(t testing.TB, faults ...Fault) (endpoint string) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(Bucket); err != nil {
		t.Fatal(err)
	}
	handler := gofakes3.New(backend).Server()
	for _, fault := range faults {
		handler = fault(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// Refuse answers as S3 does when it refuses a request.
func Refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

// listsUploads reports whether a request asks for the uploads in progress.
func listsUploads(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Query().Has("uploads")
}

// NoUploadsByPrefix finds no upload below a prefix, as MinIO.
func NoUploadsByPrefix(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if listsUploads(r) && r.URL.Query().Get("prefix") != "" {
			_, _ = w.Write([]byte("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
