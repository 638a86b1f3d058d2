package s3_test

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"

	"hunting-exporter/internal/pool"
	"hunting-exporter/sink/s3"
)

// TestMemoryIsThatOfOneDay: however many days rows fall on, what waits to be written is
// bounded, and given back.
func TestMemoryIsThatOfOneDay(t *testing.T) {
	const days = 48
	lent := new(pool.Pool)
	sink := s3.New(dirStore(t), s3.Config{Spill: t.TempDir()}, s3.Info{}, lent, slog.New(slog.DiscardHandler))
	w, err := sink.Begin(attempt(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	text := strings.Repeat("x", 6000)
	for n := range 6 {
		for day := range days { // in turn, so that each has a large row group
			rows := make([]row, 400)
			for i := range rows {
				rows[i] = row{N: int64(i), Text: fmt.Sprint(n, day, i, text), Time: ticks(2025, 1, 1, 0) + int64(day)*864_000_000_000}
			}
			if err := w.Write(t.Context(), batch(rows...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if heap() > 272<<20 {
		t.Errorf("%d MB of memory for rows that wait", heap()>>20)
	}
	if _, err := w.Prepare(t.Context(), windowEnd); err != nil {
		t.Fatal(err)
	}
	if lent.Lent() != 0 {
		t.Errorf("%d bytes were not given back", lent.Lent())
	}
}

// TestManyDays: rows of hundreds of days, as when old events come in late, are one file a
// day, with no more files open and no more memory held than for one.
func TestManyDays(t *testing.T) {
	const days, each = 400, 20
	store := dirStore(t)
	sink := newSink(t, store, s3.Config{})
	w, err := sink.Begin(attempt(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	before := openFiles(t)
	for i := range each {
		var rows []row
		for day := range days {
			rows = append(rows, row{N: int64(i), Time: ticks(2025, 1, 1, i%24) + int64(day)*864_000_000_000})
		}
		if err := w.Write(t.Context(), batch(rows...)); err != nil {
			t.Fatal(err)
		}
	}
	if open := openFiles(t) - before; open > 5 {
		t.Errorf("%d files are open", open)
	}
	files, err := w.Prepare(t.Context(), windowEnd)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, f := range files {
		total += f.Rows
	}
	if len(files) != days || total != days*each {
		t.Errorf("%d files of %d rows, want %d of %d", len(files), total, days, days*each)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func openFiles(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted in /proc")
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
