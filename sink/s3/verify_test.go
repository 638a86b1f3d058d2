package s3

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
)

// finished writes a small file of two row groups and ends it.
func finished(t *testing.T) *file {
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
	s := New(nil, Config{RowGroupRows: 5, Spill: t.TempDir()}, Info{}, new(pool.Pool), slog.New(slog.DiscardHandler))
	begun, err := s.Begin(pipeline.Attempt{ID: "0123456789abcdef", Dataset: hunting.Dataset{Name: "d", TimeColumn: "T"}})
	if err != nil {
		t.Fatal(err)
	}
	w := begun.(*writer)
	if err := w.Write(t.Context(), hunting.Batch{Record: rec}); err != nil {
		t.Fatal(err)
	}
	f := w.file(0)
	if err := w.endGroup(f); err != nil {
		t.Fatal(err)
	}
	if err := f.finish([][2]string{{metaRows, "10"}}); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestVerifyAcceptsWhatWasWritten(t *testing.T) {
	f := finished(t)
	size, err := verify(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(f.path); err != nil || info.Size() != size {
		t.Errorf("size %d, file has %v (%v)", size, info.Size(), err)
	}
}

func TestVerifyRefusesAnythingElse(t *testing.T) {
	edit := func(change func([]byte) []byte) func(*testing.T, *file) {
		return func(t *testing.T, f *file) {
			data, err := os.ReadFile(f.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f.path, change(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tamper := range map[string]func(*testing.T, *file){
		"one bit":         edit(func(d []byte) []byte { d[len(d)/2] ^= 1; return d }),
		"cut short":       edit(func(d []byte) []byte { return d[:len(d)-9] }),
		"empty":           edit(func([]byte) []byte { return nil }),
		"longer":          edit(func(d []byte) []byte { return append(d, 0) }),
		"missing":         func(_ *testing.T, f *file) { _ = os.Remove(f.path) },
		"rows":            func(_ *testing.T, f *file) { f.rows++ },
		"row group":       func(_ *testing.T, f *file) { f.groups = f.groups[:1] },
		"rows of a group": func(_ *testing.T, f *file) { f.groups[1].rows++ },
		"nulls":           func(_ *testing.T, f *file) { f.groups[1].nulls[1]-- },
	} {
		t.Run(name, func(t *testing.T) {
			f := finished(t)
			tamper(t, f)
			if _, err := verify(t.Context(), f); err == nil {
				t.Error("verified")
			}
		})
	}
}

// TestVerifySeesEveryBit: also those of indexes, filters and paddings, which no
// decoding of the pages looks at.
func TestVerifySeesEveryBit(t *testing.T) {
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
		if _, err := verify(t.Context(), f); err == nil {
			t.Fatalf("byte %d of %d changed: verified", i, len(data))
		}
		data[i] ^= 0x10
	}
}

// TestVerifySeesColumnsOfUnequalLength: parquet-go writes such a file without an error.
func TestVerifySeesColumnsOfUnequalLength(t *testing.T) {
	f := finished(t)
	for i := range f.groups {
		f.groups[i].rows-- // as if the first column had one value less than counted
	}
	f.rows -= 2
	if _, err := verify(t.Context(), f); err == nil || !strings.Contains(err.Error(), "rows") {
		t.Errorf("verify: %v, want the rows to differ", err)
	}
}

func TestEpochOfAKey(t *testing.T) {
	for key, want := range map[string]int64{
		"T/dt=2026-03-04/20260304T000000.0000000Z-7-12-0123abcd.zstd.parquet":                   12,
		"T/dt=2026-03-04/20260304T000000.0000000Z-7-0012-0123abcd.none.parquet":                 12,
		"T/dt=2026-03-04/20260304T000000.0000000Z-7-0123abcd.zstd.parquet":                      -1,
		"T/dt=2026-03-04/x20260304T000000.0000000Z-7-1-0123abcd.zstd.parquet":                   -1,
		"T/dt=2026-03-04/20260304T000000.0000000Z-7-99999999999999999999-0123abcd.zstd.parquet": -1,
		"T/dt=2026-03-04/20260304T000000.0000000Z-7-1-0123abcd":                                 -1,
	} {
		got, ok := epochOf(key)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %d %v, want %d", key, got, ok, want)
		}
	}
}

func TestRowsOfARunLieOneAfterTheOther(t *testing.T) {
	for _, c := range []struct {
		rows []int32
		want bool
	}{{[]int32{5}, true}, {[]int32{3, 4, 5}, true}, {[]int32{0, 2, 1, 3}, false}, {[]int32{2, 1}, false}, {[]int32{1, 3}, false}} {
		if got := isRun(c.rows); got != c.want {
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
