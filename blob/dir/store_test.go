package dir_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"hunting-exporter/blob"
	"hunting-exporter/blob/blobtest"
	"hunting-exporter/blob/dir"
)

// incrementDir makes the test binary a second process that counts in a store.
const incrementDir = "BLOB_TEST_INCREMENT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(incrementDir); dir != "" {
		if err := incrementMany(dir); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func open(t *testing.T, root string) blob.Store {
	t.Helper()
	s, err := dir.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConforms(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, t.TempDir()) })
}

const increments = 100

func incrementMany(root string) error {
	ctx := context.Background()
	s, err := dir.Open(root)
	if err != nil {
		return err
	}
	for done := 0; done < increments; {
		data, etag, err := s.Get(ctx, "counter")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(data))
		if err != nil {
			return err
		}
		_, err = s.Put(ctx, "counter", []byte(strconv.Itoa(n+1)), blob.Condition{IfMatch: etag})
		if err == nil {
			done++
		} else if !errors.Is(err, blob.ErrPrecondition) {
			return err
		}
	}
	return nil
}

func TestProcessesLoseNoUpdate(t *testing.T) {
	const processes = 3
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Put(t.Context(), "counter", []byte("0"), blob.Condition{Absent: true}); err != nil {
		t.Fatal(err)
	}
	var running []*exec.Cmd
	for range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), incrementDir+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	data, _, err := s.Get(t.Context(), "counter")
	if err != nil || string(data) != strconv.Itoa(processes*increments) {
		t.Errorf("counter is %s (%v) after %d increments", data, err, processes*increments)
	}
}

func TestPutWaitsForTheLockNoLongerThanItsContext(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Put(t.Context(), "doc", []byte("1"), blob.Condition{}); err != nil {
		t.Fatal(err)
	}
	locks, err := filepath.Glob(filepath.Join(dir, "_meta", ".locks", "*"))
	if err != nil || len(locks) != 1 {
		t.Fatalf("locks: %v %v", locks, err)
	}
	f, err := os.Open(locks[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Put(ctx, "doc", []byte("2"), blob.Condition{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("put while another holds the lock: %v, want the context's error", err)
	}
	if err := f.Close(); err != nil { // as when the holder dies
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "doc", []byte("3"), blob.Condition{}); err != nil {
		t.Errorf("put after the holder died: %v", err)
	}
}

func TestStoresMayNest(t *testing.T) {
	root := t.TempDir()
	lake, meta := open(t, root), open(t, root+"/_meta")
	if _, err := meta.Put(t.Context(), "state/T.json", []byte("{}"), blob.Condition{Absent: true}); err != nil {
		t.Fatal(err)
	}
	upload(t, lake, "T/dt=2026-01-01/a.parquet", "rows")
	list := func(s blob.Store) (keys []string) {
		for key, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		return keys
	}
	if diff := cmp.Diff([]string{"state/T.json"}, list(meta)); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"_meta/state/T.json"}, list(lake)); diff != "" {
		t.Errorf("lake (-want +got):\n%s", diff)
	}
}

// TestReadersOfTheLakeSkipUploads: they skip names that begin with a dot or an
// underscore, and so does nothing that a query could take for data lie elsewhere.
func TestReadersOfTheLakeSkipUploads(t *testing.T) {
	root := t.TempDir()
	upload(t, open(t, root), "T/dt=2026-01-01/a.parquet", "rows")
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name()[0] != '.' && filepath.Base(filepath.Dir(path)) != ".locks" {
			t.Errorf("%s is visible", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// upload sends content as one part and leaves the upload open.
func upload(t *testing.T, s blob.Store, key, content string) (id string, parts []blob.Part) {
	t.Helper()
	id, err := s.CreateUpload(t.Context(), key, digest(content))
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.UploadPart(t.Context(), key, id, 1, strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return id, []blob.Part{part}
}

// partFile is where a directory keeps the first part.
func partFile(t *testing.T, root string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "_meta", "uploads", "*", ".part-00001"))
	if err != nil || len(found) != 1 {
		t.Fatalf("parts: %v %v", found, err)
	}
	return found[0]
}

func TestCompleteAfterACrashInTheMiddle(t *testing.T) {
	root := t.TempDir()
	s := open(t, root)
	id, parts := upload(t, s, "T/a", "rows")
	// The dead process had renamed the part and not removed the upload.
	if err := os.MkdirAll(filepath.Join(root, "T"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(partFile(t, root), filepath.Join(root, "T", "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.CompleteUpload(t.Context(), "T/a", id, parts); err != nil {
		t.Fatal(err)
	}
	for u := range s.Uploads(t.Context(), "") {
		t.Errorf("left: %+v", u)
	}
}

func TestDamagedPartIsNeverVisible(t *testing.T) {
	for name, damage := range map[string]func(string) error{
		"changed":   func(path string) error { return os.WriteFile(path, []byte("ROWS"), 0o600) },
		"cut short": func(path string) error { return os.Truncate(path, 2) },
		"missing":   os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := open(t, root)
			id, parts := upload(t, s, "T/a", "rows")
			if err := damage(partFile(t, root)); err != nil {
				t.Fatal(err)
			}
			err := s.CompleteUpload(t.Context(), "T/a", id, parts)
			if err == nil || errors.Is(err, blob.ErrNotFound) {
				t.Errorf("complete: %v, want an error that does not say the upload is gone", err)
			}
			if _, err := s.Head(t.Context(), "T/a"); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("head: %v, want ErrNotFound", err)
			}
		})
	}
}

func TestShortBodyIsNoPart(t *testing.T) {
	s := open(t, t.TempDir())
	id, _ := upload(t, s, "T/a", "rows")
	if _, err := s.UploadPart(t.Context(), "T/a", id, 2, strings.NewReader("abc"), 4); err == nil {
		t.Error("a part shorter than announced was taken")
	}
}

func TestLeftoverOfAPutIsNoObject(t *testing.T) {
	root := t.TempDir()
	s := open(t, root)
	if err := os.WriteFile(filepath.Join(root, ".doc.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for key := range s.List(t.Context(), "") {
		t.Errorf("listed: %s", key)
	}
	if _, err := s.Put(t.Context(), "doc", []byte("1"), blob.Condition{Absent: true}); err != nil {
		t.Error(err)
	}
}

func TestDirectoryThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open(path); err == nil {
		t.Error("a file was opened as a directory")
	}
}

func TestOpenWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lake")
	s := open(t, path)
	if _, _, err := s.Get(t.Context(), "a"); !errors.Is(err, blob.ErrNotFound) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory exists: %v", err)
	}
}

// TestUploadsOfLongKeys: a name that no file can have is not the upload's; a listing gives
// the key all the same.
func TestUploadsOfLongKeys(t *testing.T) {
	s := open(t, t.TempDir())
	key := strings.Repeat("ä/", 99) + "a.parquet"
	id, parts := upload(t, s, key, "rows")
	for u, err := range s.Uploads(t.Context(), "ä/") {
		if err != nil || u != (blob.Upload{Key: key, ID: id}) {
			t.Errorf("listed is %+v, %v", u, err)
		}
	}
	if err := s.CompleteUpload(t.Context(), key, id, parts); err != nil {
		t.Fatal(err)
	}
	if data, _, err := s.Get(t.Context(), key); err != nil || string(data) != "rows" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestPartsThatAreNotTheUploads: nothing becomes visible, and the upload stays.
func TestPartsThatAreNotTheUploads(t *testing.T) {
	s := open(t, t.TempDir())
	id, err := s.CreateUpload(t.Context(), "a", "")
	if err != nil {
		t.Fatal(err)
	}
	part := func(number int32) blob.Part {
		p, err := s.UploadPart(t.Context(), "a", id, number, strings.NewReader("x"), 1)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	one, two := part(1), part(2)
	for name, parts := range map[string][]blob.Part{
		"none":         nil,
		"missing":      {one, {Number: 3, ETag: one.ETag}},
		"another":      {one, {Number: 2, ETag: digest("y")}},
		"out of order": {two, one},
		"twice":        {one, one},
	} {
		if err := s.CompleteUpload(t.Context(), "a", id, parts); err == nil || errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%s: %v, want an error that is not the upload's absence", name, err)
		}
		if _, err := s.Head(t.Context(), "a"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%s: an object is there: %v", name, err)
		}
	}
	if err := s.CompleteUpload(t.Context(), "a", id, []blob.Part{one, two}); err != nil {
		t.Error(err)
	}
}

// TestDirectoryInPlaceOfAnObject: it is no object, and none is written over it.
func TestDirectoryInPlaceOfAnObject(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Put(t.Context(), "a/b", []byte("1"), blob.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(t.Context(), "a"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("head: %v, want ErrNotFound", err)
	}
	if _, err := s.Put(t.Context(), "a", []byte("2"), blob.Condition{}); err == nil {
		t.Error("put: a directory was replaced")
	}
	if _, _, err := s.Get(t.Context(), "a/b/c"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("get below an object: %v, want ErrNotFound", err)
	}
	if data, _, err := s.Get(t.Context(), "a/b"); err != nil || string(data) != "1" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestCancelledCompletion: the upload is as it was.
func TestCancelledCompletion(t *testing.T) {
	s := open(t, t.TempDir())
	id, parts := upload(t, s, "a", "rows")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.CompleteUpload(ctx, "a", id, parts); !errors.Is(err, context.Canceled) {
		t.Errorf("complete: %v", err)
	}
	if err := s.CompleteUpload(t.Context(), "a", id, parts); err != nil {
		t.Errorf("complete again: %v", err)
	}
}

// TestPromisedSHA256: what was joined is what the upload promised, or it is not visible.
func TestPromisedSHA256(t *testing.T) {
	for _, contents := range [][]string{{"rows"}, {"ro", "ws"}} {
		for promised, ok := range map[string]bool{digest("rows"): true, digest("other"): false} {
			s := open(t, t.TempDir())
			id, err := s.CreateUpload(t.Context(), "a", promised)
			if err != nil {
				t.Fatal(err)
			}
			var parts []blob.Part
			for i, content := range contents {
				p, err := s.UploadPart(t.Context(), "a", id, int32(i+1), strings.NewReader(content), int64(len(content)))
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, p)
			}
			if err := s.CompleteUpload(t.Context(), "a", id, parts); (err == nil) != ok {
				t.Errorf("%d parts, kept promise %v: %v", len(parts), ok, err)
			}
			if _, err := s.Head(t.Context(), "a"); errors.Is(err, blob.ErrNotFound) == ok {
				t.Errorf("%d parts, kept promise %v: head: %v", len(parts), ok, err)
			}
		}
	}
}

// TestDamagedUpload: a listing says which one cannot be read, and a sweep stops there.
func TestDamagedUpload(t *testing.T) {
	root := t.TempDir()
	s := open(t, root)
	id, _ := upload(t, s, "a", "rows")
	record := filepath.Join(root, "_meta", "uploads", "a."+id, ".upload.json")
	if err := os.WriteFile(record, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	failed := false
	for u, err := range s.Uploads(t.Context(), "") {
		if err == nil || !strings.Contains(err.Error(), "a."+id) || errors.Is(err, blob.ErrNotFound) {
			t.Errorf("listed is %+v, %v", u, err)
		}
		failed = true
	}
	if !failed {
		t.Error("the upload went unnoticed")
	}
}

// TestCancelledListings: the error is the context's, and the last that is given.
func TestCancelledListings(t *testing.T) {
	s := open(t, t.TempDir())
	for _, key := range []string{"a", "b"} {
		upload(t, s, key, "rows")
		if _, err := s.Put(t.Context(), key, nil, blob.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var said []error
	for _, err := range s.List(ctx, "") {
		said = append(said, err)
	}
	for _, err := range s.Uploads(ctx, "") {
		said = append(said, err)
	}
	if len(said) != 2 || !errors.Is(said[0], context.Canceled) || !errors.Is(said[1], context.Canceled) {
		t.Errorf("%v", said)
	}
}
