package s3_test

import (
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/parquet-go/parquet-go"
	"go.uber.org/goleak"

	"hunting-exporter/blob"
	"hunting-exporter/blob/dir"
	blobs3 "hunting-exporter/blob/s3"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/sink/s3"
	"hunting-exporter/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	windowStart = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	windowEnd   = windowStart.Add(time.Hour)
)

func batch(rows ...row) hunting.Batch {
	return hunting.Batch{Part: hunting.Part{Window: hunting.Window{Start: windowStart, End: windowEnd}}, Record: record(rows...)}
}

func attempt(epoch int64) pipeline.Attempt {
	return pipeline.Attempt{
		Dataset: hunting.Dataset{Name: "DeviceEvents", TimeColumn: "Timestamp"},
		Seq:     7, Epoch: epoch, ID: fmt.Sprintf("%08x%024x", epoch, 1), From: windowStart,
	}
}

func dirStore(t testing.TB) blob.Store {
	t.Helper()
	s, err := dir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fakeS3(t *testing.T) blob.Store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("lake"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	s, err := blobs3.Open(t.Context(), "lake", "prefix", blobs3.Config{Endpoint: server.URL, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyStore runs a test on a directory and on S3.
func everyStore(t *testing.T, run func(t *testing.T, store blob.Store)) {
	t.Run("directory", func(t *testing.T) { run(t, dirStore(t)) })
	t.Run("s3", func(t *testing.T) { run(t, fakeS3(t)) })
}

func newSink(t testing.TB, store blob.Store, cfg s3.Config) *s3.Sink {
	t.Helper()
	if cfg.Spill == "" {
		cfg.Spill = t.TempDir()
	}
	return s3.New(store, cfg, s3.Info{Version: "v1.2.3"}, new(pool.Pool), slog.New(slog.DiscardHandler))
}

// prepare writes the batches as one attempt, up to its uploads.
func prepare(t testing.TB, sink *s3.Sink, a pipeline.Attempt, batches ...hunting.Batch) []state.File {
	t.Helper()
	w, err := sink.Begin(a)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, b := range batches {
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	files, err := w.Prepare(t.Context(), windowEnd)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// publish makes the attempt visible and opens its files, by dt.
func publish(t testing.TB, store blob.Store, sink *s3.Sink, files []state.File) map[string]*parquet.File {
	t.Helper()
	if err := sink.Publish(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	out := map[string]*parquet.File{}
	for _, f := range files {
		data, _, err := store.Get(t.Context(), f.Key)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parquet.OpenFile(strings.NewReader(string(data)), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(strings.Split(f.Key, "/")[1], "dt=")] = file
	}
	return out
}

// readRows reads a file back into rows, times as the file's unit.
func readRows(t testing.TB, f *parquet.File) []row {
	t.Helper()
	var out []row
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 100)
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

func rowOf(r parquet.Row) row {
	cells := make([]any, len(r))
	for i, v := range r {
		if v.IsNull() {
			continue
		}
		switch v.Kind() {
		case parquet.Boolean:
			cells[i] = v.Boolean()
		case parquet.Int32:
			cells[i] = v.Int32()
		case parquet.Int64:
			cells[i] = v.Int64()
		case parquet.Double:
			cells[i] = v.Double()
		case parquet.ByteArray:
			cells[i] = string(v.ByteArray())
		}
	}
	n, _ := cells[0].(int64)
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

func dts(files []state.File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = strings.TrimPrefix(strings.Split(f.Key, "/")[1], "dt=")
	}
	return out
}

func spillIsEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("left in the spill directory: %v %v", entries, err)
	}
}

func visible(t *testing.T, s blob.Store) []string {
	t.Helper()
	var keys []string
	for key, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func inProgress(t *testing.T, s blob.Store) []blob.Upload {
	t.Helper()
	var all []blob.Upload
	for u, err := range s.Uploads(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}
