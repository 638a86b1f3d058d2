package parquet_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	parquetgo "github.com/parquet-go/parquet-go"
	"go.uber.org/goleak"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	windowStart = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	windowEnd   = windowStart.Add(time.Hour)
	dataset     = hunting.Dataset{Name: "DeviceEvents", TimeColumn: "Timestamp"}
)

func batch(rows ...row) hunting.Batch {
	return hunting.Batch{Part: hunting.Part{Window: hunting.Window{Start: windowStart, End: windowEnd}}, Record: record(rows...)}
}

func newFormat(t testing.TB, cfg parquet.Config) *parquet.Format {
	t.Helper()
	if cfg.Spill == "" {
		cfg.Spill = t.TempDir()
	}
	return parquet.New(cfg, parquet.Info{Version: "v1.2.3"}, new(pool.Pool))
}

func begin(t testing.TB, format *parquet.Format) *parquet.Writer {
	t.Helper()
	w, err := format.Begin(dataset, windowStart)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// written is a finished file, and what it reads as.
type written struct {
	*parquetgo.File
	info parquet.File
}

// write writes the batches with one writer and opens its files, by day.
func write(t testing.TB, format *parquet.Format, batches ...hunting.Batch) map[string]written {
	t.Helper()
	w := begin(t, format)
	for _, b := range batches {
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	out := finish(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

func finish(t testing.TB, w *parquet.Writer) map[string]written {
	t.Helper()
	var mu sync.Mutex
	out := map[string]written{}
	err := w.Finish(t.Context(), windowEnd, func(_ context.Context, f parquet.File) error {
		data, err := os.ReadFile(f.Path)
		if err != nil {
			return err
		}
		file, err := parquetgo.OpenFile(bytes.NewReader(data), int64(len(data)))
		mu.Lock()
		defer mu.Unlock()
		out[f.Day] = written{file, f}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readRows reads a file back into rows, times as the file's unit.
func readRows(t testing.TB, f written) []row {
	t.Helper()
	var out []row
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquetgo.Row, 100)
		for {
			n, err := rows.ReadRows(buffer)
			for _, r := range buffer[:n] {
				out = append(out, rowOf(r))
			}
			if err != nil {
				break
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func rowOf(r parquetgo.Row) row {
	cells := make([]any, len(r))
	for i, v := range r {
		if v.IsNull() {
			continue
		}
		switch v.Kind() {
		case parquetgo.Boolean:
			cells[i] = v.Boolean()
		case parquetgo.Int32:
			cells[i] = v.Int32()
		case parquetgo.Int64:
			cells[i] = v.Int64()
		case parquetgo.Double:
			cells[i] = v.Double()
		case parquetgo.ByteArray:
			cells[i] = string(v.ByteArray())
		}
	}
	n, _ := cells[0].(int64)
	cells = append(cells, make([]any, len(table))...)
	return row{n, cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7], cells[8], cells[9]}
}

func ticks(year, month, day, hour int) int64 {
	return schema.ToTicks(time.Date(year, time.Month(month), day, hour, 0, 0, 0, time.UTC))
}

// extremes are cells that have broken one writer or reader or another.
func extremes() []row {
	at := ticks(2026, 3, 4, 5)
	return []row{
		{N: 0, Time: at, Text: "", Same: "", JSON: ""},
		{N: 1, Time: at + 1, Text: "a\x00b", Same: "same", Flag: true, I32: int32(math.MinInt32), I64: int64(math.MinInt64), F64: math.Inf(1)},
		{N: 2, Time: at + 2, Text: "𝄞😀\u10ffff", Same: "same", Flag: false, I32: int32(math.MaxInt32), I64: int64(math.MaxInt64), F64: math.Inf(-1)},
		{N: 3, Time: at + 3, Text: strings.Repeat("x", 100_000), F64: math.Copysign(0, -1), JSON: `{"a":[1,2]}`},
		{N: 4, Time: at + 4, F64: math.SmallestNonzeroFloat64, Late: at + 12345},
		{N: 5, Time: at + 5, F64: math.MaxFloat64, I32: int32(0), I64: int64(0)},
		{N: 6, Time: at + 6, F64: math.NaN()},
	}
}
