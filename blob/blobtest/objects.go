package blobtest

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/blob"
)

func testObjects(t *testing.T, s blob.Store) {
	ctx := t.Context()
	if _, _, err := s.Get(ctx, "state/a.json"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("get of nothing: %v, want ErrNotFound", err)
	}
	if _, err := s.Head(ctx, "state/a.json"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("head of nothing: %v, want ErrNotFound", err)
	}
	if err := s.Delete(ctx, "state/a.json"); err != nil {
		t.Errorf("delete of nothing: %v", err)
	}
	seen := map[string]bool{}
	for _, content := range []string{"first", "", "second\x00\xff"} {
		etag := must[string](t)(put(ctx, s, "state/a.json", content, blob.Condition{}))
		data, got, err := s.Get(ctx, "state/a.json")
		if err != nil || string(data) != content || got != etag {
			t.Errorf("get: %q %q %v, want %q %q", data, got, err, content, etag)
		}
		info := must[blob.Info](t)(s.Head(ctx, "state/a.json"))
		if info.Size != int64(len(content)) || info.ETag != etag {
			t.Errorf("head: %+v, want size %d, etag %s", info, len(content), etag)
		}
		if seen[etag] {
			t.Errorf("etag %s stands for two contents", etag)
		}
		seen[etag] = true
		if err := s.Sync(ctx, "state/a.json"); err != nil {
			t.Errorf("sync: %v", err)
		}
	}
	if err := s.Delete(ctx, "state/a.json"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get(ctx, "state/a.json"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("get after delete: %v, want ErrNotFound", err)
	}
}

func testConditions(t *testing.T, s blob.Store) {
	ctx := t.Context()
	refuse := func(c blob.Condition) {
		t.Helper()
		if _, err := put(ctx, s, "doc", "refused", c); !errors.Is(err, blob.ErrPrecondition) {
			t.Errorf("put on %+v: %v, want ErrPrecondition", c, err)
		}
	}
	one := must[string](t)(put(ctx, s, "other", "1", blob.Condition{Absent: true}))
	refuse(blob.Condition{IfMatch: one}) // there is no object yet
	one = must[string](t)(put(ctx, s, "doc", "1", blob.Condition{Absent: true}))
	refuse(blob.Condition{Absent: true})
	two := must[string](t)(put(ctx, s, "doc", "2", blob.Condition{IfMatch: one}))
	refuse(blob.Condition{IfMatch: one})
	data, etag, err := s.Get(ctx, "doc")
	if err != nil || string(data) != "2" || etag != two {
		t.Errorf("get: %q %q %v, want the second content", data, etag, err)
	}
	if err := s.Delete(ctx, "doc"); err != nil {
		t.Fatal(err)
	}
	refuse(blob.Condition{IfMatch: two})
	must[string](t)(put(ctx, s, "doc", "3", blob.Condition{Absent: true}))
}

func testKeys(t *testing.T, s blob.Store) {
	ctx := t.Context()
	for _, key := range []string{
		"", "/", "/etc/passwd", "a/../b", "..", ".", "a/./b", "a//b", "a/", "a\x00b", "a\nb", `a\b`, ".hidden",
		strings.Repeat("k", 1025),
	} {
		_, _, errGet := s.Get(ctx, key)
		_, errPut := put(ctx, s, key, "x", blob.Condition{})
		_, errHead := s.Head(ctx, key)
		_, errCreate := s.CreateUpload(ctx, key, "")
		for name, err := range map[string]error{"get": errGet, "put": errPut, "head": errHead, "create": errCreate, "delete": s.Delete(ctx, key)} {
			if err == nil || errors.Is(err, blob.ErrNotFound) {
				t.Errorf("%s of key %q: %v, want it refused", name, key, err)
			}
		}
	}
	for _, key := range []string{"T/dt=2026-01-01/a b+c%2F&=ü€𝄞.parquet", "_meta/state/T.json", "T/" + strings.Repeat("k", 200)} {
		must[string](t)(put(ctx, s, key, key, blob.Condition{Absent: true}))
		if data, _, err := s.Get(ctx, key); err != nil || string(data) != key {
			t.Errorf("get %q: %q, %v", key, data, err)
		}
		if got := keys(t, s, key); !cmp.Equal(got, []string{key}) {
			t.Errorf("list %q: %q", key, got)
		}
	}
}

func testList(t *testing.T, s blob.Store) {
	if got := keys(t, s, ""); len(got) != 0 {
		t.Errorf("list of an empty store: %q", got)
	}
	for _, key := range []string{"a/x", "a/y/z", "ab/x", "b"} {
		must[string](t)(put(t.Context(), s, key, "x", blob.Condition{}))
	}
	for prefix, want := range map[string][]string{
		"":     {"a/x", "a/y/z", "ab/x", "b"},
		"a":    {"a/x", "a/y/z", "ab/x"},
		"a/":   {"a/x", "a/y/z"},
		"a/y":  {"a/y/z"},
		"a/y/": {"a/y/z"},
		"c/":   nil,
		"b/":   nil,
	} {
		if diff := cmp.Diff(want, keys(t, s, prefix)); diff != "" {
			t.Errorf("list %q (-want +got):\n%s", prefix, diff)
		}
	}
	for range s.List(t.Context(), "") {
		break // leaving early must not panic
	}
}

func testCancelled(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	must[string](t)(put(ctx, s, "a", "x", blob.Condition{}))
	cancel()
	_, _, errGet := s.Get(ctx, "a")
	_, errHead := s.Head(ctx, "a")
	_, errCreate := s.CreateUpload(ctx, "b", "")
	var errList error
	for _, err := range s.List(ctx, "") {
		errList = err
	}
	for name, err := range map[string]error{"get": errGet, "head": errHead, "create": errCreate, "list": errList} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
}

func testCompareAndSwap(t *testing.T, s blob.Store) {
	const writers, each = 8, 25
	must[string](t)(put(t.Context(), s, "counter", "0", blob.Condition{Absent: true}))
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				increment(t, s)
			}
		})
	}
	group.Wait()
	data, _, err := s.Get(t.Context(), "counter")
	if want := strconv.Itoa(writers * each); err != nil || string(data) != want {
		t.Errorf("counter is %s (%v) after %s increments", data, err, want)
	}
}

func increment(t *testing.T, s blob.Store) {
	for {
		data, etag, err := s.Get(t.Context(), "counter")
		n, bad := strconv.Atoi(string(data))
		if err != nil || bad != nil {
			t.Errorf("get: %q, %v", data, err)
			return
		}
		_, err = put(t.Context(), s, "counter", strconv.Itoa(n+1), blob.Condition{IfMatch: etag})
		if err == nil {
			return
		}
		if !errors.Is(err, blob.ErrPrecondition) {
			t.Errorf("put: %v", err)
			return
		}
	}
}

func testCreateOnly(t *testing.T, s blob.Store) {
	const writers = 8
	won := make(chan string, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			content := strconv.Itoa(i)
			_, err := put(t.Context(), s, "owner", content, blob.Condition{Absent: true})
			if err == nil {
				won <- content
			} else if !errors.Is(err, blob.ErrPrecondition) {
				t.Errorf("put: %v", err)
			}
		})
	}
	group.Wait()
	close(won)
	data, _, err := s.Get(t.Context(), "owner")
	if winner := <-won; err != nil || string(data) != winner || len(won) != 0 {
		t.Errorf("object holds %q (%v), winner wrote %q, %d more winners", data, err, winner, len(won))
	}
}

func testProbe(t *testing.T, s blob.Store) {
	if err := blob.Probe(t.Context(), s, true); err != nil {
		t.Fatal(err)
	}
	if left := keys(t, s, ""); len(left) != 0 {
		t.Errorf("probe left %q", left)
	}
}
