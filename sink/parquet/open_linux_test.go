package parquet_test

import (
	"os"
	"testing"

	"hunting-exporter/sink/parquet"
)

// TestManyDays: rows of many days, as when old events come in late, are one file a
// day, with no more files open and no more memory held than for one.
func TestManyDays(t *testing.T) {
	const days, each = 100, 20
	format := newFormat(t, parquet.Config{})
	w := begin(t, format)
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
	files := finish(t, w)
	total := int64(0)
	for _, f := range files {
		total += f.info.Rows
	}
	if len(files) != days || total != days*each {
		t.Errorf("%d files of %d rows, want %d of %d", len(files), total, days, days*each)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
