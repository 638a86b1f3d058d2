package parquet_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"hunting-exporter/internal/pool"
	"hunting-exporter/sink/parquet"
)

// TestMemoryIsThatOfOneDay: however many days rows fall on, what waits to be written is
// bounded, and given back.
func TestMemoryIsThatOfOneDay(t *testing.T) {
	const days = 48
	lent := new(pool.Pool)
	format := parquet.New(parquet.Config{Spill: t.TempDir()}, parquet.Info{}, lent)
	w := begin(t, format)
	text := strings.Repeat("x", 6000)
	for n := range 3 {
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
	finish(t, w)
	if lent.Lent() != 0 {
		t.Errorf("%d bytes were not given back", lent.Lent())
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
