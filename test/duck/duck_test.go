package duck_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"hunting-exporter/test/duck"
)

type first struct {
	Name  string  `parquet:"Name"`
	Count *int64  `parquet:"Count,optional"`
	Time  int64   `parquet:"Time,timestamp(microsecond)"`
	Share float64 `parquet:"Share"`
}

type second struct {
	Name string `parquet:"Name"`
	More string `parquet:"More"`
}

// write writes rows with the library that the exporter writes with.
func write[T any](t *testing.T, path string, rows ...T) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := parquet.WriteFile(path, rows, parquet.Compression(&parquet.Zstd)); err != nil {
		t.Fatal(err)
	}
}

func TestReadParquet(t *testing.T) {
	dir := t.TempDir()
	n := int64(1<<53 + 1)
	write(t, filepath.Join(dir, "dt=2026-01-01", "a.zstd.parquet"),
		first{Name: "", Count: &n, Time: 1767225600123456, Share: 0.1}, first{Name: "it's", Time: -1})
	write(t, filepath.Join(dir, "dt=2026-01-02", "b.zstd.parquet"), second{Name: "new", More: "column"})

	got := duck.Open(t).Query(t, "SELECT * FROM "+duck.Parquet(true, filepath.Join(dir, "*", "*.parquet"))+" ORDER BY Name")
	want := duck.Table{
		Columns: []string{"Name", "Count", "Time", "Share", "More", "dt"},
		Types:   []string{"VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE", "DOUBLE", "VARCHAR", "VARCHAR"},
		Rows: [][]string{
			{"", "9007199254740993", "2026-01-01 00:00:00.123456+00", "0.1", duck.Null, "2026-01-01"},
			{"it's", duck.Null, "1969-12-31 23:59:59.999999+00", "0.0", duck.Null, "2026-01-01"},
			{"new", duck.Null, duck.Null, duck.Null, "column", "2026-01-02"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMetadataAndArguments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := parquet.WriteFile(path, []second{{Name: "a"}, {Name: "b"}}, parquet.KeyValueMetadata("hunting.table", "AlertInfo")); err != nil {
		t.Fatal(err)
	}
	db := duck.Open(t)
	if got := db.Value(t, "SELECT count(*) FROM "+duck.Parquet(false, path)+" WHERE Name = ?", "b"); got != "1" {
		t.Errorf("count %s, want 1", got)
	}
	if got := db.Value(t, "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'hunting.table'", path); got != "AlertInfo" {
		t.Errorf("metadata %q, want AlertInfo", got)
	}
}

func TestDifference(t *testing.T) {
	want := [][]string{{"a", "b"}, {"a", "b"}, {"c", duck.Null}}
	if diff := duck.Difference(want, [][]string{{"c", duck.Null}, {"a", "b"}, {"a", "b"}}, 5); diff != "" {
		t.Errorf("same rows in another order: %s", diff)
	}
	for name, got := range map[string][][]string{
		"one of two equal rows lost": {{"a", "b"}, {"c", duck.Null}},
		"a row too many":             {{"a", "b"}, {"a", "b"}, {"c", duck.Null}, {"c", duck.Null}},
		"cells joined":               {{"a", "b"}, {"ab", ""}, {"c", duck.Null}},
		"null is not empty":          {{"a", "b"}, {"a", "b"}, {"c", ""}},
	} {
		if duck.Difference(want, got, 5) == "" {
			t.Errorf("%s: no difference", name)
		}
	}
	many := duck.Difference(nil, [][]string{{"1"}, {"2"}, {"3"}}, 2)
	if !strings.Contains(many, "and 1 others") {
		t.Errorf("limit not kept: %s", many)
	}
}
