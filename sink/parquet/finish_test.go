package parquet_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/sink/parquet"
)

// TestDamagedFileIsNotHandedOn: what changed on disk after it was written is found, said,
// and never uploaded.
func TestDamagedFileIsNotHandedOn(t *testing.T) {
	spill := t.TempDir()
	w := begin(t, newFormat(t, parquet.Config{Spill: spill, RowGroupRows: 2}))
	if err := w.Write(t.Context(), batch(row{N: 1, Time: ticks(2026, 3, 4, 1)}, row{N: 2, Time: ticks(2026, 3, 4, 2)})); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(spill, "*", "2026-03-04.*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("local files: %q, %v", files, err)
	}
	disk, err := os.OpenFile(files[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disk.WriteAt([]byte{0xff}, 10); err != nil {
		t.Fatal(err)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
	err = w.Finish(t.Context(), windowEnd, func(_ context.Context, f parquet.File) error {
		t.Errorf("%s was handed on", f.Path)
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "verify DeviceEvents of 2026-03-04") || !strings.Contains(err.Error(), "PIPELINE_SPILL") {
		t.Errorf("finish: %v, want which file and what to do", err)
	}
}

// TestFinishHasNoSecondTry: some files may be uploaded already.
func TestFinishHasNoSecondTry(t *testing.T) {
	w := begin(t, newFormat(t, parquet.Config{}))
	if err := w.Write(t.Context(), batch(row{N: 1, Time: ticks(2026, 3, 4, 1)}, row{N: 2, Time: ticks(2026, 3, 5, 1)})); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("the lake is full")
	if err := w.Finish(t.Context(), windowEnd, func(context.Context, parquet.File) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("finish: %v, want what became of the file", err)
	}
	again := func(_ context.Context, f parquet.File) error {
		t.Errorf("%s is handed on once more", f.Path)
		return nil
	}
	if err := w.Finish(t.Context(), windowEnd, again); !errors.Is(err, refused) {
		t.Errorf("finish again: %v", err)
	}
	if err := w.Write(t.Context(), batch(row{N: 3})); !errors.Is(err, refused) {
		t.Errorf("write after finish: %v", err)
	}
}

// TestCancelledFinish: nothing is handed on any more.
func TestCancelledFinish(t *testing.T) {
	w := begin(t, newFormat(t, parquet.Config{}))
	if err := w.Write(t.Context(), batch(row{N: 1})); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := w.Finish(ctx, windowEnd, func(context.Context, parquet.File) error {
		t.Error("a file was handed on")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("finish: %v", err)
	}
}

func TestWriterWithoutRowsHasNoFiles(t *testing.T) {
	if files := write(t, newFormat(t, parquet.Config{}), batch()); len(files) != 0 {
		t.Errorf("files: %+v", files)
	}
}

// TestFilesGoWithTheirWriter: whether they were finished or not.
func TestFilesGoWithTheirWriter(t *testing.T) {
	for _, finished := range []bool{false, true} {
		spill := t.TempDir()
		w := begin(t, newFormat(t, parquet.Config{Spill: spill}))
		if err := w.Write(t.Context(), batch(row{N: 1})); err != nil {
			t.Fatal(err)
		}
		if finished {
			finish(t, w)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(spill); err != nil || len(left) != 0 {
			t.Errorf("finished %v: left in the spill directory: %v %v", finished, left, err)
		}
	}
}

func TestSpillThatIsNotThere(t *testing.T) {
	_, err := newFormat(t, parquet.Config{Spill: filepath.Join(t.TempDir(), "none")}).Begin(dataset, windowStart)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "PIPELINE_SPILL") || !strings.Contains(err.Error(), dataset.Name) {
		t.Errorf("begin: %v, want whose files and which setting", err)
	}
}
