package lake_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hunting-exporter/blob/dir"
	"hunting-exporter/sink/lake"
)

// made is a lake in a folder, with these files.
func made(t testing.TB, files map[string]string) *lake.Lake {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return in(folder)
}

func in(folder string) *lake.Lake {
	files, err := dir.Open(folder)
	if err != nil {
		panic(err)
	}
	meta, err := dir.Open(filepath.Join(folder, "_meta"))
	if err != nil {
		panic(err)
	}
	return lake.New(files, meta)
}

func manifest(seq int, files ...string) string {
	var named []string
	for _, f := range files {
		named = append(named, fmt.Sprintf(`{"key":%q}`, f))
	}
	return fmt.Sprintf(`{"dataset":"A","seq":%d,"files":[%s]}`, seq, strings.Join(named, ","))
}

// TestManifestsComeInOrder: by their numbers, of which the tenth comes after the ninth.
func TestManifestsComeInOrder(t *testing.T) {
	t.Parallel()
	files, want := map[string]string{"_meta/manifests/AB/70.json": manifest(70)}, []int64{}
	for seq := range 12 {
		files[fmt.Sprintf("_meta/manifests/A/%d.json", seq+1)] = manifest(seq + 1)
		want = append(want, int64(seq+1))
	}
	l := made(t, files)
	var got []int64
	for m, err := range l.Manifests(t.Context(), "A") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.Seq)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d", got)
	}
	if last, err := l.Last(t.Context(), "A"); err != nil || last != 12 {
		t.Errorf("last %d, %v", last, err)
	}
	if last, err := l.Last(t.Context(), "None"); err != nil || last != 0 {
		t.Errorf("last of none %d, %v", last, err)
	}
}

// TestFilesAreThoseOfManifests: a file that no manifest names belongs to nobody, and a
// manifest that cannot be read is no empty one.
func TestFilesAreThoseOfManifests(t *testing.T) {
	t.Parallel()
	const one, two = "A/dt=2026-01-01/one.zstd.parquet", "A/dt=2026-01-02/two.zstd.parquet"
	l := made(t, map[string]string{"_meta/manifests/A/1.json": manifest(1, one), "_meta/manifests/A/2.json": manifest(2, two), one: "x", two: "x", "B/b.parquet": "x"})
	if got, err := l.Files(t.Context(), "A"); err != nil || !slices.Equal(got, []string{one, two}) {
		t.Errorf("%q, %v", got, err)
	}
	for says, files := range map[string]map[string]string{
		"twin.parquet is in no manifest": {"_meta/manifests/A/1.json": manifest(1, one), one: "x", "A/dt=2026-01-01/twin.parquet": "x"},
		"manifests/A/1.json":             {"_meta/manifests/A/1.json": "{", one: "x"},
		one + " is in no manifest":       {one: "x"},
	} {
		if got, err := made(t, files).Files(t.Context(), "A"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q: %q, %v", says, got, err)
		}
	}
	if _, err := l.Open(t.Context(), one); err == nil || !strings.Contains(err.Error(), one) {
		t.Errorf("a file that is no Parquet: %v", err)
	}
}

// The files of a dataset, as its manifests name them.
func Example() {
	ctx := context.Background()
	l := in("testdata/lake")
	files, err := l.Files(ctx, "AlertInfo")
	if err != nil {
		panic(err)
	}
	for _, key := range files {
		f, err := l.Open(ctx, key)
		if err != nil {
			panic(err)
		}
		rows := 0
		for _, err := range f.Rows() {
			if err != nil {
				panic(err)
			}
			rows++
		}
		fmt.Printf("%d rows, the first column is %s of type %s\n", rows, f.Columns[0].Name, f.Columns[0].Type)
	}
	// Output: 5 rows, the first column is Timestamp of type DateTime
}
