package s3

import "testing"

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
