package pipeline_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/spill"
	"hunting-exporter/pipeline/commit"
)

// TestDiskFull says which disk, what a commit takes and what to do, whether it is full early
// or at the end. Another disk, the lake's, is not taken for it.
func TestDiskFull(t *testing.T) {
	lakes := &os.PathError{Op: "write", Path: "/lake", Err: syscall.ENOSPC}
	local := spill.Explain(&os.PathError{Op: "write", Path: "/spill/x", Err: syscall.ENOSPC}, spill.Use{Dir: "/spill", For: "files of T", Bytes: 5 << 20, Rows: 50})
	for _, c := range []struct {
		err   error
		atEnd bool
		words []string
	}{
		{local, false, []string{"PIPELINE_SPILL", `"/spill"`, "files of T", "5.0 MiB or more for 50 rows", "EXPORT_COMMIT_ROWS=1000000 rows, which need 100000 MiB or more", "no space left"}},
		{local, true, []string{"PIPELINE_SPILL", "5.0 MiB or more for 50 rows"}},
		{lakes, true, []string{"/lake"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1, 70)
			e := onlyLake.exporter(w, &client{w: w}, "run")
			e.Limits.Rows = 1_000_000
			e.Publishers = []commit.Publisher{fullLake{e.Publishers[0], c.err, c.atEnd}}
			r := export(t.Context(), e)
			if !errors.Is(r.Err, syscall.ENOSPC) {
				t.Fatalf("got %v", r.Err)
			}
			for _, word := range c.words {
				if !strings.Contains(r.Err.Error(), word) {
					t.Errorf("got %v, want %q", r.Err, word)
				}
			}
			if errors.Is(c.err, lakes) && strings.Contains(r.Err.Error(), "SPILL") {
				t.Errorf("the wrong disk: %v", r.Err)
			}
			onlyLake.quiet(t, w)
		})
	}
}

type fullLake struct {
	commit.Publisher
	err   error
	atEnd bool
}

type fullWriter struct {
	commit.Writer
	fullLake
}

func (l fullLake) Begin(a commit.Attempt) (commit.Writer, error) {
	w, err := l.Publisher.Begin(a)
	return fullWriter{w, l}, err
}

func (w fullWriter) Write(ctx context.Context, b hunting.Batch) error {
	if w.atEnd {
		return w.Writer.Write(ctx, b)
	}
	return w.err
}

func (w fullWriter) Prepare(context.Context, time.Time) (commit.Prepared, error) {
	return commit.Prepared{}, w.err
}
