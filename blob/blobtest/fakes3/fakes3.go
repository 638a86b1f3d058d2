// Package fakes3 runs an S3 in memory that can be made to behave as some real servers do.
package fakes3

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
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

// KeepsFraming stores the framing of a checksum that follows the body as part of it, as
// s3rver does over TLS.
func KeepsFraming(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && r.Header.Get("X-Amz-Checksum-Crc32") != "" {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				Refuse(w, http.StatusBadRequest, "IncompleteBody")
				return
			}
			framed := fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", len(body), body)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(framed)), int64(len(framed))
			r.Header.Set("Content-Length", strconv.Itoa(len(framed)))
			r.Header.Del("X-Amz-Checksum-Crc32")
			r.Header.Del("X-Amz-Content-Sha256")
		}
		next.ServeHTTP(w, r)
	})
}
