package s3

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"golang.org/x/sync/errgroup"

	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// uploadsAtOnce bounds the files that are verified and uploaded side by side.
const uploadsAtOnce = 4

// writer collects one attempt: one open file for each day that its rows fall on.
//
// Memory does not grow with the rows, but it does with the days: each open file has
// its page buffers. An attempt spans a few days as a rule; one whose events are
// spread over hundreds needs some 4 MB more a day.
type writer struct {
	sink    *Sink
	attempt pipeline.Attempt
	dir     string
	layout  *layout // of the first batch, and so of all
	files   map[int64]*file
	routes  router
	err     error // of a Write: columns may then be of unequal length
}

// Write appends a batch's rows to the files of their days.
func (w *writer) Write(ctx context.Context, b pipeline.Batch) error {
	if w.err != nil {
		return w.err
	}
	if b.Record == nil || b.Record.NumRows() == 0 {
		return nil
	}
	if err := w.write(ctx, b); err != nil {
		w.err = fmt.Errorf("write %s to local file: %w", b.Window, err)
	}
	return w.err
}

func (w *writer) write(ctx context.Context, b pipeline.Batch) error {
	if w.layout == nil {
		l, err := newLayout(b.Record, w.sink.cfg)
		if err != nil {
			return err
		}
		w.layout = l
	} else if !sameColumns(w.layout.schema, b.Record.Schema()) {
		return errors.New("columns differ from those of the attempt's earlier batches; a commit has one schema")
	}
	fillers, err := w.layout.fillers(b.Record)
	if err != nil {
		return err
	}
	for _, r := range w.routes.route(w.attempt.Dataset.TimeColumn, b) {
		f, err := w.file(r.day)
		if err != nil {
			return err
		}
		if err := f.write(ctx, fillers, r.rows); err != nil {
			return err
		}
		if err := w.bound(); err != nil {
			return err
		}
	}
	return nil
}

// bound ends row groups early, the largest first, where many files are open at once.
func (w *writer) bound() error {
	total := int64(0)
	var largest *file
	for _, f := range w.files {
		total += f.bytes
		if largest == nil || f.bytes > largest.bytes {
			largest = f
		}
	}
	if total < openBytes {
		return nil
	}
	return largest.endGroup()
}

// file returns the open file of a day.
func (w *writer) file(day int64) (*file, error) {
	if f := w.files[day]; f != nil {
		return f, nil
	}
	dt := dayName(day)
	page := pageBytes
	if len(w.files) >= largeFiles {
		page = smallPageBytes
	}
	f, err := createFile(filepath.Join(w.dir, dt+w.sink.extension()), w.layout, w.sink, page)
	if err != nil {
		return nil, err
	}
	f.key = w.attempt.Dataset.Name + "/dt=" + dt + "/" + w.attempt.Name() + w.sink.extension()
	w.files[day] = f
	return f, nil
}

// Prepare ends the files, reads them back, and uploads them. On an error it leaves
// every upload as it is: what was offered may be decided by somebody else.
func (w *writer) Prepare(ctx context.Context, to time.Time) ([]state.File, error) {
	if w.err != nil {
		return nil, fmt.Errorf("prepare after a failed write: %w", w.err)
	}
	days := slices.Sorted(maps.Keys(w.files))
	out := make([]state.File, len(days))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtOnce)
	for i, day := range days {
		group.Go(func() (err error) {
			out[i], err = w.prepare(ctx, w.files[day], to)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		w.err = err // files are closed and some are uploaded: there is no second try
		return nil, err
	}
	return out, nil // days sort as keys do
}

func (w *writer) prepare(ctx context.Context, f *file, to time.Time) (state.File, error) {
	if err := ctx.Err(); err != nil {
		return state.File{}, err
	}
	if err := f.finish(w.metadata(f, to)); err != nil {
		return state.File{}, fmt.Errorf("close %s: %w", f.key, err)
	}
	size, err := verify(ctx, f)
	if err != nil {
		return state.File{}, fmt.Errorf("verify %s: %w; the local file is not what was written: check the disk under PIPELINE_SPILL", f.key, err)
	}
	out := state.File{Key: f.key, Size: size, SHA256: f.digest(), Rows: f.rows}
	if err := w.sink.upload(ctx, f.path, &out); err != nil {
		return state.File{}, fmt.Errorf("prepare: %w", err)
	}
	return out, nil
}

// Close removes the local files.
func (w *writer) Close() error {
	var errs []error
	for _, f := range w.files {
		errs = append(errs, f.abandon())
	}
	w.files = nil
	if err := errors.Join(append(errs, os.RemoveAll(w.dir))...); err != nil {
		return fmt.Errorf("remove local files: %w", err)
	}
	return nil
}

func sameColumns(a, b *arrow.Schema) bool {
	return slices.EqualFunc(a.Fields(), b.Fields(), func(x, y arrow.Field) bool {
		return x.Name == y.Name && arrow.TypeEqual(schema.Plain(x.Type), schema.Plain(y.Type)) && x.Metadata.Equal(y.Metadata)
	})
}
