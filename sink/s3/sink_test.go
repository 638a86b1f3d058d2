package s3_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"go.uber.org/goleak"

	"hunting-exporter/blob"
	"hunting-exporter/blob/dir"
	blobs3 "hunting-exporter/blob/s3"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet"
	"hunting-exporter/sink/s3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	windowStart = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	windowEnd   = windowStart.Add(time.Hour)
)

// row is a row of the test table; nil is null.
type row struct {
	Time any // int64 ticks
	Late any // int64 ticks, _IngestionTime
	Text string
}

func batch(rows ...row) hunting.Batch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "Timestamp", Type: schema.DateTime, Nullable: true},
		{Name: schema.IngestionTime, Type: schema.DateTime, Nullable: true},
		{Name: "AdditionalFields", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil))
	defer b.Release()
	for _, r := range rows {
		for i, cell := range []any{r.Time, r.Late} {
			ticks := b.Field(i).(*array.ExtensionBuilder).StorageBuilder().(*array.Int64Builder)
			if at, ok := cell.(int64); ok {
				ticks.Append(at)
			} else {
				ticks.AppendNull()
			}
		}
		b.Field(2).(*array.StringBuilder).Append(r.Text)
	}
	return hunting.Batch{Part: hunting.Part{Window: hunting.Window{Start: windowStart, End: windowEnd}}, Record: b.NewRecord()}
}

func attempt(epoch int64) commit.Attempt {
	return commit.Attempt{
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

func newFormat(t testing.TB, cfg parquet.Config) *parquet.Format {
	t.Helper()
	if cfg.Spill == "" {
		cfg.Spill = t.TempDir()
	}
	return parquet.New(cfg, parquet.Info{}, new(pool.Pool))
}

func newSink(t testing.TB, store blob.Store) *s3.Sink {
	t.Helper()
	return sinkOf(t, store, parquet.Config{})
}

func sinkOf(t testing.TB, store blob.Store, cfg parquet.Config) *s3.Sink {
	t.Helper()
	return s3.New(store, newFormat(t, cfg), "", slog.New(slog.DiscardHandler))
}

// prepare writes the batches as one attempt, up to its uploads.
func prepare(t testing.TB, sink *s3.Sink, a commit.Attempt, batches ...hunting.Batch) []s3.File {
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
	ready, err := w.Prepare(t.Context(), windowEnd)
	if err != nil {
		t.Fatal(err)
	}
	var files []s3.File
	if err := json.Unmarshal(ready.Receipt, &files); err != nil {
		t.Fatal(err)
	}
	return files
}

// receipt is what publishes files, as a commit keeps it.
func receipt(t testing.TB, files []s3.File) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func ticks(year, month, day, hour int) int64 {
	return schema.ToTicks(time.Date(year, time.Month(month), day, hour, 0, 0, 0, time.UTC))
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
