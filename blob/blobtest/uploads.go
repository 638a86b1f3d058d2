package blobtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/blob"
)

const minPart = 5 << 20 // of every part but the last, on S3

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// begin starts an upload of the parts and sends them.
func begin(t *testing.T, s blob.Store, key string, contents ...[]byte) (id string, parts []blob.Part) {
	t.Helper()
	id = must[string](t)(s.CreateUpload(t.Context(), key, sum(slices.Concat(contents...))))
	for i, content := range contents {
		part, err := s.UploadPart(t.Context(), key, id, int32(i+1), bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	return id, parts
}

func testUploadInvisible(t *testing.T, s blob.Store) {
	const key = "T/dt=2026-01-01/a.parquet"
	content := []byte("rows")
	id, parts := begin(t, s, key, content)
	if got := keys(t, s, ""); len(got) != 0 {
		t.Errorf("visible before completion: %q", got)
	}
	if _, err := s.Head(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("head before completion: %v, want ErrNotFound", err)
	}
	if got := uploads(t, s, "T/"); !cmp.Equal(got, []blob.Upload{{Key: key, ID: id}}) {
		t.Errorf("uploads: %+v", got)
	}
	if err := s.CompleteUpload(t.Context(), key, id, parts); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(t.Context(), key); err != nil {
		t.Errorf("sync: %v", err)
	}
	checkObject(t, s, key, content)
	if got := uploads(t, s, ""); len(got) != 0 {
		t.Errorf("uploads after completion: %+v", got)
	}
	if got := keys(t, s, ""); !cmp.Equal(got, []string{key}) {
		t.Errorf("list after completion: %q", got)
	}
}

func checkObject(t *testing.T, s blob.Store, key string, content []byte) {
	t.Helper()
	info := must[blob.Info](t)(s.Head(t.Context(), key))
	if info.Size != int64(len(content)) || info.SHA256 != sum(content) {
		t.Errorf("head: %+v, want size %d, sha256 %s", info, len(content), sum(content))
	}
	data, _, err := s.Get(t.Context(), key)
	if err != nil || !bytes.Equal(data, content) {
		t.Errorf("get: %d bytes, %v; content differs", len(data), err)
	}
}

func testUploadParts(t *testing.T, s blob.Store) {
	contents := [][]byte{
		bytes.Repeat([]byte("a"), minPart), bytes.Repeat([]byte("b"), minPart+1), []byte("c"),
	}
	id, parts := begin(t, s, "T/large", contents...)
	if err := s.CompleteUpload(t.Context(), "T/large", id, parts); err != nil {
		t.Fatal(err)
	}
	checkObject(t, s, "T/large", slices.Concat(contents...))
}

func testPartAgain(t *testing.T, s blob.Store) {
	content := []byte("second attempt")
	id, _ := begin(t, s, "T/again", content)
	body := bytes.NewReader(content)
	_, _ = body.ReadByte() // a body that was read before is sent from its start
	part, err := s.UploadPart(t.Context(), "T/again", id, 1, body, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CompleteUpload(t.Context(), "T/again", id, []blob.Part{part}); err != nil {
		t.Fatal(err)
	}
	checkObject(t, s, "T/again", content)
}

func testUploadAborted(t *testing.T, s blob.Store) {
	id, parts := begin(t, s, "T/a", []byte("rows"))
	if err := s.AbortUpload(t.Context(), "T/a", id); err != nil {
		t.Fatal(err)
	}
	if got := uploads(t, s, ""); len(got) != 0 {
		t.Errorf("uploads after abort: %+v", got)
	}
	if err := s.CompleteUpload(t.Context(), "T/a", id, parts); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("complete after abort: %v, want ErrNotFound", err)
	}
	if _, err := s.UploadPart(t.Context(), "T/a", id, 1, strings.NewReader("x"), 1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("part after abort: %v, want ErrNotFound", err)
	}
	if err := s.AbortUpload(t.Context(), "T/a", id); err != nil && !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("abort again: %v, want nothing or ErrNotFound", err)
	}
	if _, err := s.Head(t.Context(), "T/a"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("head after abort: %v, want ErrNotFound", err)
	}
}

func testUploadsByPrefix(t *testing.T, s blob.Store) {
	if got := uploads(t, s, ""); len(got) != 0 {
		t.Errorf("uploads of a new store: %+v", got)
	}
	a, _ := begin(t, s, "A/x", []byte("1"))
	a2, _ := begin(t, s, "A/x", []byte("2")) // of the same key, as two runs may have
	begin(t, s, "AB/x", []byte("3"))
	got := uploads(t, s, "A/")
	want := []blob.Upload{{Key: "A/x", ID: a}, {Key: "A/x", ID: a2}}
	byID := func(x, y blob.Upload) int { return strings.Compare(x.ID, y.ID) }
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uploads under A/ (-want +got):\n%s", diff)
	}
	if got := uploads(t, s, "B/"); len(got) != 0 {
		t.Errorf("uploads under B/: %+v", got)
	}
}

// testCompletedAgain: whoever comes second gets success or ErrNotFound, and the
// object stays whole.
func testCompletedAgain(t *testing.T, s blob.Store) {
	content := []byte("rows")
	id, parts := begin(t, s, "T/a", content)
	for range 2 {
		err := s.CompleteUpload(t.Context(), "T/a", id, parts)
		if err != nil && !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, blob.ErrPrecondition) {
			t.Errorf("complete: %v", err)
		}
		checkObject(t, s, "T/a", content)
	}
}

func testCompleteForeign(t *testing.T, s blob.Store) {
	must[string](t)(put(t.Context(), s, "T/a", "foreign", blob.Condition{}))
	id, parts := begin(t, s, "T/a", []byte("rows"))
	if err := s.CompleteUpload(t.Context(), "T/a", id, parts); !errors.Is(err, blob.ErrPrecondition) {
		t.Errorf("complete over a foreign object: %v, want ErrPrecondition", err)
	}
	if data, _, err := s.Get(t.Context(), "T/a"); err != nil || string(data) != "foreign" {
		t.Errorf("the foreign object is now %q, %v", data, err)
	}
}
