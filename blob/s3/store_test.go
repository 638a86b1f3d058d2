package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"hunting-exporter/blob"
	"hunting-exporter/blob/blobtest"
	"hunting-exporter/blob/blobtest/fakes3"
	"hunting-exporter/blob/s3"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, bucket, prefix string, cfg s3.Config) blob.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), bucket, prefix, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fakeS3 starts an S3 that lives in memory and returns a store on it.
func fakeS3(t *testing.T, cfg s3.Config, faults ...fakes3.Fault) blob.Store {
	t.Helper()
	cfg.Endpoint, cfg.PathStyle = fakes3.Start(t, faults...), true
	return open(t, fakes3.Bucket, "some/prefix", cfg)
}

func TestConforms(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"when_supported", "when_required"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			// gofakes3 looks at If-None-Match on puts only, not on completion.
			blobtest.Run(t, func(t *testing.T) blob.Store {
				return fakeS3(t, s3.Config{Checksum: mode})
			}, blobtest.CompleteOverwrites)
		})
	}
}

// scripted opens a store on a server that answers as the test says.
func scripted(t *testing.T, answer http.HandlerFunc) blob.Store {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return open(t, "lake", "", s3.Config{Endpoint: server.URL, PathStyle: true})
}

var refuse = fakes3.Refuse

func TestS3Answers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   error // nil: none of those that callers tell apart
	}{
		{404, "NoSuchKey", blob.ErrNotFound},
		{404, "NoSuchBucket", nil},
		{404, "", nil}, // of something that is no S3
		{403, "AccessDenied", blob.ErrDenied},
		{403, "SignatureDoesNotMatch", blob.ErrDenied},
		{400, "ExpiredToken", blob.ErrDenied},
		{412, "PreconditionFailed", blob.ErrPrecondition},
		{301, "PermanentRedirect", nil},
		{400, "InvalidRequest", nil},
	} {
		s := scripted(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, c.status, c.code) })
		_, _, err := s.Get(t.Context(), "a")
		if err == nil || !strings.Contains(err.Error(), c.code) {
			t.Errorf("%s: %v", c.code, err)
		}
		for _, known := range []error{blob.ErrNotFound, blob.ErrDenied, blob.ErrPrecondition} {
			if got, want := errors.Is(err, known), errors.Is(c.want, known); got != want {
				t.Errorf("%s is %v: %v, want %v", c.code, known, got, want)
			}
		}
	}
}

func TestS3ConflictIsTriedAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Match") != `"old"` {
			t.Errorf("If-Match is %q", r.Header.Get("If-Match"))
		}
		if calls.Add(1) == 1 {
			refuse(w, http.StatusConflict, "ConditionalRequestConflict")
			return
		}
		w.Header().Set("ETag", `"new"`)
	})
	etag, err := s.Put(t.Context(), "a", []byte("x"), blob.Condition{IfMatch: `"old"`})
	if err != nil || etag != `"new"` || calls.Load() != 2 {
		t.Errorf("put: %q %v after %d calls", etag, err, calls.Load())
	}
}

func TestS3MatchOfAnObjectThatIsGone(t *testing.T) {
	t.Parallel()
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "NoSuchKey") })
	if _, err := s.Put(t.Context(), "a", nil, blob.Condition{IfMatch: "e"}); !errors.Is(err, blob.ErrPrecondition) {
		t.Errorf("put: %v, want ErrPrecondition", err)
	}
}

func TestS3CompletionWithoutConditions(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("If-None-Match") != "" {
			refuse(w, http.StatusNotImplemented, "NotImplemented")
			return
		}
		_, _ = w.Write([]byte("<CompleteMultipartUploadResult><Key>a</Key></CompleteMultipartUploadResult>"))
	})
	if err := s.CompleteUpload(t.Context(), "a", "id", []blob.Part{{Number: 1, ETag: "e"}}); err != nil || calls.Load() != 2 {
		t.Errorf("complete: %v after %d calls", err, calls.Load())
	}
}

// TestS3CompletionThatFailsLate: the status is 200 and the body an error.
func TestS3CompletionThatFailsLate(t *testing.T) {
	t.Parallel()
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusOK, "NoSuchUpload") })
	if err := s.CompleteUpload(t.Context(), "a", "id", []blob.Part{{Number: 1, ETag: "e"}}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("complete: %v, want ErrNotFound", err)
	}
}

func TestS3ListingsOfSeveralPages(t *testing.T) {
	t.Parallel()
	const many = 1003 // a page holds 1,000
	s := fakeS3(t, s3.Config{})
	for i := range many {
		key := fmt.Sprintf("T/%04d", i)
		if _, err := s.Put(t.Context(), key, nil, blob.Condition{}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateUpload(t.Context(), key, ""); err != nil {
			t.Fatal(err)
		}
	}
	keys, uploads := map[string]bool{}, map[string]bool{}
	for key, err := range s.List(t.Context(), "T/") {
		if err != nil {
			t.Fatal(err)
		}
		keys[key] = true
	}
	for u, err := range s.Uploads(t.Context(), "T/") {
		if err != nil {
			t.Fatal(err)
		}
		uploads[u.Key] = true
	}
	if len(keys) != many || len(uploads) != many {
		t.Errorf("%d objects and %d uploads listed, want %d of each", len(keys), len(uploads), many)
	}
}

func TestS3Encryption(t *testing.T) {
	t.Parallel()
	var headers []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers = append(headers, r.Header.Get("X-Amz-Server-Side-Encryption")+" "+r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
		_, _ = w.Write([]byte("<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"))
	}))
	t.Cleanup(server.Close)
	s := open(t, "lake", "", s3.Config{Endpoint: server.URL, PathStyle: true, SSE: "aws:kms", KMSKeyID: "key"})
	_, errPut := s.Put(t.Context(), "a", nil, blob.Condition{})
	_, errCreate := s.CreateUpload(t.Context(), "a", "")
	if errPut != nil || errCreate != nil || len(headers) != 2 || headers[0] != "aws:kms key" || headers[1] != "aws:kms key" {
		t.Errorf("%q %v %v", headers, errPut, errCreate)
	}
}

func TestUnreachableS3(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close() // nobody listens there any more
	s := open(t, "lake", "", s3.Config{Endpoint: url, PathStyle: true})
	_, _, err := s.Get(t.Context(), "a")
	if err == nil || errors.Is(err, blob.ErrNotFound) {
		t.Errorf("get: %v, want a failure of the store", err)
	}
}

func TestPartsOfHugeObjects(t *testing.T) {
	t.Parallel()
	s := scripted(t, nil)
	for _, size := range []int64{1, 16 << 20, 1 << 40, 5 << 40} {
		part := s.PartSize(size)
		if parts := (size + part - 1) / part; parts > 10_000 || part < 5<<20 {
			t.Errorf("%d bytes: %d parts of %d", size, parts, part)
		}
	}
}

// TestS3UploadsWithoutPrefix: a server that knows no prefix of uploads gives those below
// one all the same, and nobody else's.
func TestS3UploadsWithoutPrefix(t *testing.T) {
	t.Parallel()
	s := fakeS3(t, s3.Config{}, fakes3.NoUploadsByPrefix)
	for _, key := range []string{"T/a", "T/b", "TT/a", "U/a"} {
		if _, err := s.CreateUpload(t.Context(), key, ""); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string]int{"T/": 2, "": 4, "V/": 0} {
		n := 0
		for u, err := range s.Uploads(t.Context(), prefix) {
			if err != nil || !strings.HasPrefix(u.Key, prefix) {
				t.Errorf("%q: %+v, %v", prefix, u, err)
			}
			n++
		}
		if n != want {
			t.Errorf("%d uploads below %q, want %d", n, prefix, want)
		}
	}
}

// TestProbeReadsWhatWasWritten: a store that keeps the framing of a checksum is found, with
// conditions and without.
func TestProbeReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	for _, conditional := range []bool{true, false} {
		t.Run(fmt.Sprint(conditional), func(t *testing.T) {
			s := fakeS3(t, s3.Config{}, fakes3.KeepsFraming)
			if err := blob.Probe(t.Context(), s, conditional); !errors.Is(err, blob.ErrSetting) || !strings.Contains(err.Error(), "S3_CHECKSUM=when_required") {
				t.Errorf("%v, want S3_CHECKSUM=when_required", err)
			}
			s = fakeS3(t, s3.Config{Checksum: "when_required"}, fakes3.KeepsFraming)
			if err := blob.Probe(t.Context(), s, conditional); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStoreWithoutConditionalWrites: 501, with a code or without, is told from a failure.
func TestStoreWithoutConditionalWrites(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"NotImplemented", ""} {
		s := scripted(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Match") != "" {
				refuse(w, http.StatusNotImplemented, code)
			}
		})
		if _, err := s.Put(t.Context(), "a", nil, blob.Condition{Absent: true}); !errors.Is(err, blob.ErrUnsupported) {
			t.Errorf("code %q: put: %v, want ErrUnsupported", code, err)
		}
		if err := blob.Probe(t.Context(), s, true); !errors.Is(err, blob.ErrSetting) || !strings.Contains(err.Error(), "knows no conditional writes") {
			t.Errorf("code %q: probe: %v, want what to do", code, err)
		}
	}
}

// TestListingOfUploadsWithoutEnd: a bucket that others leave uploads in is not listed for
// ever, and nobody takes a part of the list for all of it.
func TestListingOfUploadsWithoutEnd(t *testing.T) {
	t.Parallel()
	var pages atomic.Int32
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
		n := pages.Add(1)
		_, _ = fmt.Fprintf(w, `<ListMultipartUploadsResult><Bucket>lake</Bucket><IsTruncated>true</IsTruncated><NextKeyMarker>T/%d</NextKeyMarker><NextUploadIdMarker>%d</NextUploadIdMarker>
			<Upload><Key>T/%d</Key><UploadId>%d</UploadId></Upload></ListMultipartUploadsResult>`, n, n, n, n)
	})
	listed, failed := 0, 0
	for _, err := range s.Uploads(t.Context(), "T/") {
		if err == nil {
			listed++
			continue
		}
		failed++
		if !strings.Contains(err.Error(), "lifecycle rule") {
			t.Errorf("%v, want what to do", err)
		}
	}
	if listed != 100 || failed != 1 || pages.Load() != 100 {
		t.Errorf("%d uploads of %d pages, %d errors; want 100 of 100 and 1", listed, pages.Load(), failed)
	}
}

// TestListingThatBreaksOff: what was listed before is given, then the error.
func TestListingThatBreaksOff(t *testing.T) {
	t.Parallel()
	s := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("continuation-token") != "" {
			refuse(w, http.StatusForbidden, "AccessDenied")
			return
		}
		_, _ = w.Write([]byte("<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken><Contents><Key>T/a</Key></Contents></ListBucketResult>"))
	})
	var keys []string
	var said []error
	for key, err := range s.List(t.Context(), "T/") {
		keys, said = append(keys, key), append(said, err)
	}
	if len(keys) != 2 || keys[0] != "T/a" || said[0] != nil || !errors.Is(said[1], blob.ErrDenied) {
		t.Errorf("keys %q, errors %v", keys, said)
	}
}

// TestRegionOfTheBucket: where the store says it, the setting is given ready to copy.
func TestRegionOfTheBucket(t *testing.T) {
	t.Parallel()
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		refuse(w, http.StatusMovedPermanently, "PermanentRedirect")
	})
	if _, _, err := s.Get(t.Context(), "a"); !errors.Is(err, blob.ErrSetting) || !strings.Contains(err.Error(), "AWS_REGION=eu-central-1") {
		t.Errorf("%v, want the region", err)
	}
}

// TestNoCredentials: an identity that nothing gives is told at once, without a request.
func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	s := scripted(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	if _, _, err := s.Get(t.Context(), "a"); !errors.Is(err, blob.ErrDenied) || !strings.Contains(err.Error(), "there are no credentials") {
		t.Errorf("%v, want ErrDenied and what to do", err)
	}
}
