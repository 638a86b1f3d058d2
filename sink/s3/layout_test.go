package s3

import (
	"slices"
	"strings"
	"testing"
)

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

// TestHiveLayout: readers, sweeps and other tenants find files by these names.
func TestHiveLayout(t *testing.T) {
	const attempt = "20260304T000000.0000000Z-7-12-0123abcd"
	for _, c := range []struct {
		layout hive
		key    string
		places []string
	}{
		{hive{}, "T/dt=2026-03-04/" + attempt + ".zstd.parquet", []string{"T/"}},
		{hive{"a"}, "T/tenant=a/dt=2026-03-04/" + attempt + ".zstd.parquet", []string{"T/tenant=a/", "T/dt="}},
	} {
		key := c.layout.key("T", "2026-03-04", attempt, ".zstd.parquet")
		if key != c.key || !strings.HasPrefix(key, c.layout.days("T")) || !strings.HasPrefix(key, c.layout.places("T")[0]) {
			t.Errorf("%+v: key %s, want %s, below days and places", c.layout, key, c.key)
		}
		if places := c.layout.places("T"); !slices.Equal(places, c.places) {
			t.Errorf("%+v: places %q, want %q", c.layout, places, c.places)
		}
		if epoch, ok := epochOf(key); epoch != 12 || !ok {
			t.Errorf("%s is of epoch %d, %v", key, epoch, ok)
		}
	}
	if key := (hive{"b"}).key("T", "2026-03-04", attempt, ".parquet"); strings.HasPrefix(key, hive{}.days("T")) || strings.HasPrefix(key, hive{"a"}.days("T")) {
		t.Errorf("%s is swept for another", key)
	}
}
