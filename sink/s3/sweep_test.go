package s3_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"hunting-exporter/blob"
	"hunting-exporter/sink/parquet"
	"hunting-exporter/sink/s3"
)

// firstPage is a store that refuses its own marker of the second page.
type firstPage struct {
	blob.Store
	size int
}

func (s firstPage) Uploads(ctx context.Context, prefix string) iter.Seq2[blob.Upload, error] {
	return func(yield func(blob.Upload, error) bool) {
		n := 0
		for u, err := range s.Store.Uploads(ctx, prefix) {
			if n == s.size {
				u, err = blob.Upload{}, errors.New("InvalidArgument: upload-id-marker")
			}
			if n++; !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// leave begins uploads of the names that attempts of an epoch give, as a killed run.
func leave(t *testing.T, store blob.Store, epoch int64, n int) {
	t.Helper()
	for i := range n {
		key := fmt.Sprintf("DeviceEvents/dt=2026-03-04/%s.%d.parquet", attempt(epoch).Name(), i)
		if _, err := store.CreateUpload(t.Context(), key, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSweepOfOnePage: where only the first page is given out, it is dropped until none
// but this epoch's uploads are left.
func TestSweepOfOnePage(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		leave(t, store, 1, 11)
		leave(t, store, 2, 2)
		if err := newSink(t, firstPage{store, 3}).Sweep(t.Context(), "DeviceEvents", 2); err != nil {
			t.Error(err)
		}
		left := inProgress(t, store)
		for _, u := range left {
			if !strings.Contains(u.Key, attempt(2).Name()) {
				t.Errorf("%s is left", u.Key)
			}
		}
		if len(left) != 2 {
			t.Errorf("%d uploads are left, want the two of this epoch", len(left))
		}
	})
}

// TestSweepThatIsStuck: a first page of nothing dead ends the sweep, and is told.
func TestSweepThatIsStuck(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		leave(t, store, 2, 3)
		if err := newSink(t, firstPage{store, 2}).Sweep(t.Context(), "DeviceEvents", 2); err == nil {
			t.Error("a listing that breaks off went unnoticed")
		}
		if left := inProgress(t, store); len(left) != 3 {
			t.Errorf("%d uploads are left, want all 3", len(left))
		}
	})
}

// TestHolds: any Parquet file of the dataset counts, whoever wrote it, and nothing else.
func TestHolds(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		sink := newSink(t, store)
		for _, step := range []struct{ put, holds string }{
			{"_meta/state/DeviceEvents.json", ""},
			{"DeviceEvents2/dt=2026-03-04/a.parquet", ""},
			{"DeviceEvents/_SUCCESS", ""},
			{"DeviceEvents/tenant=x/dt=2026-03-04/theirs.snappy.parquet", "DeviceEvents/tenant=x/dt=2026-03-04/theirs.snappy.parquet"},
		} {
			if _, err := store.Put(t.Context(), step.put, []byte("x"), blob.Condition{}); err != nil {
				t.Fatal(err)
			}
			if key, err := sink.Holds(t.Context(), "DeviceEvents"); err != nil || key != step.holds {
				t.Errorf("with %s: %q, %v", step.put, key, err)
			}
		}
	})
}

// TestTenantsThatShareALake: the folder of one tenant is no place for another's, and its
// uploads are left alone.
func TestTenantsThatShareALake(t *testing.T) {
	everyStore(t, func(t *testing.T, store blob.Store) {
		mine := s3.New(store, newFormat(t, parquet.Config{}), "a", slog.New(slog.DiscardHandler))
		name := attempt(1).Name() + ".zstd.parquet"
		for _, folder := range []string{"tenant=a/dt=2026-03-04", "tenant=b/dt=2026-03-04", "dt=2026-03-04"} {
			if _, err := store.CreateUpload(t.Context(), "DeviceEvents/"+folder+"/"+name, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := mine.Sweep(t.Context(), "DeviceEvents", 2); err != nil {
			t.Error(err)
		}
		var left []string
		for _, u := range inProgress(t, store) {
			left = append(left, strings.Split(u.Key, "/")[1])
		}
		slices.Sort(left)
		if !slices.Equal(left, []string{"dt=2026-03-04", "tenant=b"}) {
			t.Errorf("left are uploads in %v", left)
		}
		for _, step := range []struct{ put, holds string }{
			{"DeviceEvents/tenant=b/dt=2026-03-04/x.parquet", ""},
			{"DeviceEvents/dt=2026-03-04/x.parquet", "DeviceEvents/dt=2026-03-04/x.parquet"},
			{"DeviceEvents/tenant=a/dt=2026-03-04/x.parquet", "DeviceEvents/tenant=a/dt=2026-03-04/x.parquet"},
		} {
			if _, err := store.Put(t.Context(), step.put, []byte("x"), blob.Condition{}); err != nil {
				t.Fatal(err)
			}
			if key, err := mine.Holds(t.Context(), "DeviceEvents"); err != nil || key != step.holds {
				t.Errorf("with %s: %q, %v", step.put, key, err)
			}
		}
	})
}
