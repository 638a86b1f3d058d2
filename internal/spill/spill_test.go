package spill

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, base string) *Dir {
	t.Helper()
	d, err := Open(base, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestSweep: what a dead run left is removed, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	base, elsewhere := t.TempDir(), t.TempDir()
	put(t, filepath.Join(elsewhere, "kept"))
	put(t, filepath.Join(base, prefix+"file"))
	if err := os.Mkdir(filepath.Join(base, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(base, prefix+"link")); err != nil {
		t.Fatal(err)
	}
	dead, alive := open(t, base), open(t, base)
	for _, d := range []*Dir{dead, alive} {
		if err := os.Mkdir(filepath.Join(d.Path(), "AlertInfo"), 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(d.Path(), "AlertInfo", "dt=2026-03-04.parquet"))
	}
	if err := dead.lock.Close(); err != nil { // as the end of a process does
		t.Fatal(err)
	}
	if err := Check(base); err != nil {
		t.Error(err)
	}
	next := open(t, base)
	want := []string{prefix + "file", prefix + "link", "other", filepath.Base(alive.Path()), filepath.Base(next.Path())}
	slices.Sort(want)
	if got := names(t, base); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	if got := names(t, elsewhere); len(got) != 1 {
		t.Errorf("a link was followed: %q", got)
	}
	if Taken(alive.Path()) != 1 || Taken(next.Path()) != 0 {
		t.Errorf("a live run's %d bytes, %d in a new one's directory", Taken(alive.Path()), Taken(next.Path()))
	}
	for _, d := range []*Dir{alive, next} {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(d.Path()); err == nil {
			t.Error("a closed directory is there")
		}
	}
}

// TestRunsThatBeginTogether: none takes another's new directory for a dead one's.
func TestRunsThatBeginTogether(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				d, err := Open(base, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Error(err)
					return
				}
				file := filepath.Join(d.Path(), "file")
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Error(err)
				}
				sweep(base, slog.New(slog.DiscardHandler))
				if _, err := os.Stat(file); err != nil {
					t.Error(err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left := names(t, base); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestCheck: a place that cannot be written is told before anything else is done.
func TestCheck(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	put(t, file)
	for _, base := range []string{file, filepath.Join(file, "below"), filepath.Join(filepath.Dir(file), "nonsuch")} {
		err := Check(base)
		if err == nil || !strings.Contains(err.Error(), base) {
			t.Errorf("%s: %v", base, err)
		}
		if _, err := Open(base, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s is opened", base)
		}
	}
}
