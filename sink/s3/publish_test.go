package s3_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/parquet"
	"hunting-exporter/sink/s3"
)

// threeDays is a batch with rows of three days, one of them late.
func threeDays() hunting.Batch {
	return batch(
		row{Time: ticks(2026, 3, 4, 0)},
		row{Time: ticks(2026, 3, 3, 23)},
		row{Late: ticks(2026, 3, 2, 12)},
		row{},
	)
}

func TestNothingIsVisibleBeforePublish(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		spill := t.TempDir()
		sink := sinkOf(t, store, parquet.Config{Spill: spill})
		files := prepare(t, sink, attempt(1), threeDays())
		spillIsEmpty(t, spill)
		var keys []string
		for _, f := range files {
			keys = append(keys, f.Key)
		}
		name := attempt(1).Name() + ".zstd.parquet"
		want := []string{"DeviceEvents/dt=2026-03-02/" + name, "DeviceEvents/dt=2026-03-03/" + name, "DeviceEvents/dt=2026-03-04/" + name}
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if got := visible(t, store); len(got) != 0 {
			t.Errorf("visible before publish: %q", got)
		}
		if got := inProgress(t, store); len(got) != 3 {
			t.Errorf("uploads after close: %+v, want all three", got)
		}
		for range 2 { // whoever comes second finds it done
			if err := sink.Publish(t.Context(), "DeviceEvents", receipt(t, files)); err != nil {
				t.Fatal(err)
			}
		}
		if got := visible(t, store); len(got) != 3 || got[0] != files[0].Key || got[2] != files[2].Key {
			t.Errorf("visible after publish: %q", got)
		}
		if got := inProgress(t, store); len(got) != 0 {
			t.Errorf("uploads after publish: %+v", got)
		}
	})
}

func TestAttemptWithoutRowsHasNoFiles(t *testing.T) {
	sink := newSink(t, dirStore(t))
	if files := prepare(t, sink, attempt(1), batch(), hunting.Batch{}); len(files) != 0 {
		t.Errorf("files: %+v", files)
	}
	if err := sink.Publish(t.Context(), "DeviceEvents", receipt(t, nil)); err != nil {
		t.Error(err)
	}
}

func TestPublishAfterSomebodyElse(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		sink := newSink(t, store)
		files := prepare(t, sink, attempt(1), threeDays())
		if err := store.CompleteUpload(t.Context(), files[1].Key, files[1].UploadID, files[1].Parts); err != nil {
			t.Fatal(err)
		}
		synced := &recorder{Store: store}
		if err := newSink(t, synced).Publish(t.Context(), "DeviceEvents", receipt(t, files)); err != nil {
			t.Fatal(err)
		}
		if got := visible(t, store); len(got) != 3 {
			t.Errorf("visible: %q", got)
		}
		if len(synced.syncs) != 3 {
			t.Errorf("synced %q, want every object, also the one that was there", synced.syncs)
		}
	})
}

// recorder notes what is synced.
type recorder struct {
	blob.Store
	mu    sync.Mutex
	syncs []string
}

func (r *recorder) Sync(ctx context.Context, key string) error {
	r.mu.Lock()
	r.syncs = append(r.syncs, key)
	r.mu.Unlock()
	return r.Store.Sync(ctx, key)
}

func TestPublishOfAnUploadThatIsGone(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		sink := newSink(t, store)
		files := prepare(t, sink, attempt(1), threeDays())
		if err := store.AbortUpload(t.Context(), files[0].Key, files[0].UploadID); err != nil {
			t.Fatal(err)
		}
		err := sink.Publish(t.Context(), "DeviceEvents", receipt(t, files))
		if !errors.Is(err, commit.ErrUploadGone) || !strings.Contains(err.Error(), files[0].Key) {
			t.Errorf("publish: %v, want ErrUploadGone with the key", err)
		}
		if got := visible(t, store); !cmp.Equal(got, []string{files[1].Key, files[2].Key}) {
			t.Errorf("visible: %q, want the other two", got)
		}
	})
}

func TestForeignObjectsAreRefused(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		sink := newSink(t, store)
		files := prepare(t, sink, attempt(1), threeDays())
		if _, err := store.Put(t.Context(), files[0].Key, make([]byte, files[0].Size), blob.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := sink.Publish(t.Context(), "DeviceEvents", receipt(t, files[:1])); !errors.Is(err, commit.ErrForeignObject) {
			t.Errorf("publish: %v, want ErrForeignObject", err)
		}
		if err := sink.Abort(t.Context(), "DeviceEvents", receipt(t, files)); !errors.Is(err, commit.ErrForeignObject) {
			t.Errorf("abort: %v, want ErrForeignObject", err)
		}
		if got := inProgress(t, store); len(got) != 3 {
			t.Errorf("uploads: %+v, want all three untouched", got)
		}
	})
}

// lost is a store whose completions take effect, or not, and are not answered.
type lost struct {
	blob.Store
	effect bool
}

var errLost = errors.New("connection reset")

func (l lost) CompleteUpload(ctx context.Context, key, id string, parts []blob.Part) error {
	if l.effect {
		if err := l.Store.CompleteUpload(ctx, key, id, parts); err != nil {
			return err
		}
	}
	return errLost
}

func TestLostAnswerOfCompletion(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		files := prepare(t, newSink(t, store), attempt(1), threeDays())
		err := newSink(t, lost{Store: store}).Publish(t.Context(), "DeviceEvents", receipt(t, files))
		if !errors.Is(err, errLost) || errors.Is(err, commit.ErrUploadGone) {
			t.Errorf("publish without effect: %v, want the store's error", err)
		}
		if err := newSink(t, lost{store, true}).Publish(t.Context(), "DeviceEvents", receipt(t, files)); err != nil {
			t.Errorf("publish with effect: %v", err)
		}
	})
}

func TestAbort(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		sink := newSink(t, store)
		files := prepare(t, sink, attempt(1), threeDays())
		for range 2 { // gone already is no error
			if err := sink.Abort(t.Context(), "DeviceEvents", receipt(t, files)); err != nil {
				t.Fatal(err)
			}
		}
		if got := inProgress(t, store); len(got) != 0 {
			t.Errorf("uploads: %+v", got)
		}
	})
}

func TestSweep(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		sink := newSink(t, store)
		dead := prepare(t, sink, attempt(3), threeDays())
		last := prepare(t, sink, attempt(4), threeDays())
		mine := prepare(t, sink, attempt(5), threeDays())
		newer := prepare(t, sink, attempt(10), threeDays())
		other := attempt(1)
		other.Dataset.Name = "DeviceEventsMore"
		foreign := prepare(t, sink, other, threeDays())
		if _, err := store.CreateUpload(t.Context(), "DeviceEvents/dt=2026-03-04/somebody-elses-1-1.parquet", ""); err != nil {
			t.Fatal(err)
		}
		if err := sink.Sweep(t.Context(), "DeviceEvents", 5); err != nil {
			t.Fatal(err)
		}
		left := map[string]bool{}
		for _, u := range inProgress(t, store) {
			left[u.ID] = true
		}
		check := func(what string, files []s3.File, want bool) {
			t.Helper()
			for _, f := range files {
				if left[f.UploadID] != want {
					t.Errorf("%s: upload of %s left: %v, want %v", what, f.Key, !want, want)
				}
			}
		}
		check("earlier epoch", dead, false)
		check("last epoch", last, false)
		check("my epoch", mine, true)
		check("newer epoch", newer, true)
		check("other dataset", foreign, true)
		if len(left) != 3*3+1 {
			t.Errorf("%d uploads left, want 10", len(left))
		}
	})
}

// failing is a store that takes no parts.
type failing struct{ blob.Store }

func (failing) UploadPart(context.Context, string, string, int32, io.ReadSeeker, int64) (blob.Part, error) {
	return blob.Part{}, errLost
}

func (failing) AbortUpload(context.Context, string, string) error { panic("an error path aborts") }

func TestFailedUploadIsLeftAlone(t *testing.T) {
	store, spill := dirStore(t), t.TempDir()
	sink := sinkOf(t, failing{store}, parquet.Config{Spill: spill})
	w, err := sink.Begin(attempt(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), batch(row{})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Prepare(t.Context(), windowEnd); !errors.Is(err, errLost) {
		t.Errorf("prepare: %v, want the store's error", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	spillIsEmpty(t, spill)
	if got := inProgress(t, store); len(got) != 1 {
		t.Errorf("uploads: %+v, want the one begun", got)
	}
}

func TestFileOfSeveralParts(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		sink := sinkOf(t, store, parquet.Config{Compression: "none"})
		text := strings.Repeat("x", 1<<20)
		var rows []row
		for i := range 20 {
			rows = append(rows, row{Time: ticks(2026, 3, 4, 1), Text: text + strconv.Itoa(i)})
		}
		files := prepare(t, sink, attempt(1), batch(rows...))
		if size := store.PartSize(files[0].Size); int64(len(files[0].Parts)) != (files[0].Size+size-1)/size {
			t.Errorf("%d parts of %d bytes, want them of %d", len(files[0].Parts), files[0].Size, size)
		}
		if err := sink.Publish(t.Context(), "DeviceEvents", receipt(t, files)); err != nil {
			t.Fatal(err)
		}
		data, _, err := store.Get(t.Context(), files[0].Key)
		if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != files[0].SHA256 || files[0].Rows != 20 {
			t.Errorf("%d rows; published are %d bytes (%v), and not those of the local file", files[0].Rows, len(data), err)
		}
	})
}

// late is a store that does not show for a while what it has completed, and whose looking
// fails when told.
type late struct {
	blob.Store
	head error // nil: ErrNotFound
}

func (l late) Head(context.Context, string) (blob.Info, error) {
	if l.head != nil {
		return blob.Info{}, l.head
	}
	return blob.Info{}, blob.ErrNotFound
}

// TestCompletedAndNotShown: nothing is called published that was not seen; the next try
// finds it.
func TestCompletedAndNotShown(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		files := prepare(t, newSink(t, store), attempt(1), threeDays())
		err := newSink(t, late{Store: store}).Publish(t.Context(), "DeviceEvents", receipt(t, files))
		if err == nil || errors.Is(err, commit.ErrUploadGone) || !strings.Contains(err.Error(), "try again") {
			t.Errorf("publish: %v, want that it is to be tried again", err)
		}
		for _, f := range files {
			if err == nil || !strings.Contains(err.Error(), f.Key) {
				t.Errorf("publish: %v, want every file, also %s", err, f.Key)
			}
		}
		if err := newSink(t, store).Publish(t.Context(), "DeviceEvents", receipt(t, files)); err != nil {
			t.Errorf("publish again: %v", err)
		}
	})
}

// TestStoreThatCannotBeLookedAt: nothing is concluded, completed or aborted.
func TestStoreThatCannotBeLookedAt(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		files := prepare(t, newSink(t, store), attempt(1), threeDays())
		blind := newSink(t, late{store, errLost})
		if err := blind.Publish(t.Context(), "DeviceEvents", receipt(t, files)); !errors.Is(err, errLost) {
			t.Errorf("publish: %v, want the store's error", err)
		}
		if err := blind.Abort(t.Context(), "DeviceEvents", receipt(t, files)); !errors.Is(err, errLost) {
			t.Errorf("abort: %v, want the store's error", err)
		}
		if got := inProgress(t, store); len(got) != 3 || len(visible(t, store)) != 0 {
			t.Errorf("uploads: %+v, want all three untouched", got)
		}
	})
}

// TestReceiptsForm: intents of version 2 list files in this form, and those that are
// pending in it must be published.
func TestReceiptsForm(t *testing.T) {
	const listed = `[{"key":"k","size":7,"sha256":"ab","rows":3,"upload_id":"u","parts":[{"number":1,"etag":"e"}]}]`
	var files []s3.File
	if err := json.Unmarshal([]byte(listed), &files); err != nil {
		t.Fatal(err)
	}
	if got := string(receipt(t, files)); got != listed {
		t.Errorf("got  %s\nwant %s", got, listed)
	}
}
