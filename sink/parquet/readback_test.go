package parquet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
)

// finished writes a small file of two row groups and ends it.
func finished(t *testing.T) *partition {
	t.Helper()
	fields := []arrow.Field{
		{Name: "A", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "B", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "T", Type: schema.DateTime, Nullable: true},
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range 10 {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.StringBuilder).AppendNull()
		b.Field(2).(*array.ExtensionBuilder).StorageBuilder().(*array.Int64Builder).Append(int64(i))
	}
	rec := b.NewRecord()
	defer rec.Release()
	w, err := New(Config{RowGroupRows: 5, Spill: t.TempDir()}, Info{}, new(pool.Pool)).Begin(hunting.Dataset{Name: "d", TimeColumn: "T"}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), hunting.Batch{Record: rec}); err != nil {
		t.Fatal(err)
	}
	f := w.partition(0)
	if err := w.endGroup(f); err != nil {
		t.Fatal(err)
	}
	if err := f.finish([][2]string{{metaRows, "10"}}); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadBackAcceptsWhatWasWritten(t *testing.T) {
	f := finished(t)
	size, err := readBack(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(f.path); err != nil || info.Size() != size {
		t.Errorf("size %d, file has %v (%v)", size, info.Size(), err)
	}
}

func TestReadBackRefusesAnythingElse(t *testing.T) {
	edit := func(change func([]byte) []byte) func(*testing.T, *partition) {
		return func(t *testing.T, f *partition) {
			data, err := os.ReadFile(f.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f.path, change(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tamper := range map[string]func(*testing.T, *partition){
		"one bit":         edit(func(d []byte) []byte { d[len(d)/2] ^= 1; return d }),
		"cut short":       edit(func(d []byte) []byte { return d[:len(d)-9] }),
		"empty":           edit(func([]byte) []byte { return nil }),
		"longer":          edit(func(d []byte) []byte { return append(d, 0) }),
		"missing":         func(_ *testing.T, f *partition) { _ = os.Remove(f.path) },
		"rows":            func(_ *testing.T, f *partition) { f.rows++ },
		"row group":       func(_ *testing.T, f *partition) { f.groups = f.groups[:1] },
		"rows of a group": func(_ *testing.T, f *partition) { f.groups[1].rows++ },
		"nulls":           func(_ *testing.T, f *partition) { f.groups[1].nulls[1]-- },
	} {
		t.Run(name, func(t *testing.T) {
			f := finished(t)
			tamper(t, f)
			if _, err := readBack(t.Context(), f); err == nil {
				t.Error("verified")
			}
		})
	}
}

// TestReadBackSeesEveryBit: also those of indexes, filters and paddings, which no
// decoding of the pages looks at.
func TestReadBackSeesEveryBit(t *testing.T) {
	f := finished(t)
	data, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] ^= 0x10
		if err := os.WriteFile(f.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readBack(t.Context(), f); err == nil {
			t.Fatalf("byte %d of %d changed: verified", i, len(data))
		}
		data[i] ^= 0x10
	}
}

// TestReadBackSeesColumnsOfUnequalLength: parquet-go writes such a file without an error.
func TestReadBackSeesColumnsOfUnequalLength(t *testing.T) {
	f := finished(t)
	for i := range f.groups {
		f.groups[i].rows-- // as if the first column had one value less than counted
	}
	f.rows -= 2
	if _, err := readBack(t.Context(), f); err == nil || !strings.Contains(err.Error(), "rows") {
		t.Errorf("verify: %v, want the rows to differ", err)
	}
}

func TestAdjacentRows(t *testing.T) {
	for _, c := range []struct {
		rows []int32
		want bool
	}{{[]int32{5}, true}, {[]int32{3, 4, 5}, true}, {[]int32{0, 2, 1, 3}, false}, {[]int32{2, 1}, false}, {[]int32{1, 3}, false}} {
		if got := adjacent(c.rows); got != c.want {
			t.Errorf("%v: %v", c.rows, got)
		}
	}
}

func TestRowsAreSortedByTime(t *testing.T) {
	ticks := []int64{30, noTime, 10, 20, 10}
	rows := []int32{0, 1, 3, 4, 2}
	if sortByTime(rows, ticks, nil); !slices.Equal(rows, []int32{2, 4, 3, 0, 1}) {
		t.Errorf("%v", rows)
	}
}

// TestNoRoomSaysWhatTheFilesTake: rows and bytes on disk, not those in memory.
func TestNoRoomSaysWhatTheFilesTake(t *testing.T) {
	w := &Writer{dir: t.TempDir(), dataset: hunting.Dataset{Name: "DeviceEvents"}, partitions: map[int64]*partition{1: {rows: 40}, 2: {rows: 2}}}
	if err := os.WriteFile(filepath.Join(w.dir, "file"), make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	err := w.explained(fmt.Errorf("write: %w", syscall.ENOSPC))
	for _, word := range []string{"PIPELINE_SPILL", w.dir, "DeviceEvents", "42 rows", "3.0 MiB"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v, want %q", err, word)
		}
	}
	if other := errors.New("other"); !errors.Is(w.explained(other), other) {
		t.Error("another error was taken for one of room")
	}
}
