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

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/disk"
	"hunting-exporter/internal/spill"
	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
	"hunting-exporter/sink/s3/parquetfile"
	"hunting-exporter/state"
)

// uploadsAtOnce bounds the files that are verified and uploaded side by side.
const uploadsAtOnce = 4

// writer collects one attempt: one open file for each day that its rows fall on.
//
// Memory grows neither with the rows nor with the days: what all files hold of rows that
// are not written yet is bounded by openBytes, what encoding needs is shared by them, and
// files are open only while they are written to. Only the footers grow.
type writer struct {
	sink    *Sink
	attempt pipeline.Attempt
	dir     string
	layout  *layout // of the first batch, and so of all
	files   map[int64]*file
	routes  router
	open    int                  // files with rows that wait
	encoder *parquetfile.Encoder // of the files, one after the other
	spare   *rowGroup            // one that is empty
	err     error                // of a Write: columns may then be of unequal length
}

// Write appends a batch's rows to the files of their days.
func (w *writer) Write(ctx context.Context, b hunting.Batch) error {
	if w.err != nil {
		return w.err
	}
	if b.Record == nil || b.Record.NumRows() == 0 {
		return nil
	}
	if err := w.write(ctx, b); err != nil {
		w.err = fmt.Errorf("write %s to local file: %w", b.Window, w.explained(err))
	}
	return w.err
}

func (w *writer) write(ctx context.Context, b hunting.Batch) error {
	timeColumn := w.attempt.Dataset.TimeColumn
	if w.layout == nil {
		l, err := newLayout(b.Record.Schema(), timeColumn, w.sink.cfg)
		if err != nil {
			return err
		}
		if err := w.sink.blooms.check(w.attempt.Dataset.Name, l); err != nil {
			return err
		}
		w.layout = l
	} else if !sameColumns(w.layout.schema, b.Record.Schema()) {
		return errors.New("columns differ from those of the attempt's earlier batches; a commit has one schema")
	}
	var event *schema.DateTimeArray
	if w.layout.time >= 0 {
		event, _ = b.Record.Column(w.layout.time).(*schema.DateTimeArray)
	}
	for _, r := range w.routes.route(timeColumn, b) {
		if err := w.add(ctx, w.file(r.day), b.Record, event, r.rows); err != nil {
			return err
		}
		if err := w.bound(); err != nil {
			return err
		}
	}
	return nil
}

// add takes rows of a record into a file.
func (w *writer) add(ctx context.Context, f *file, rec arrow.Record, event *schema.DateTimeArray, rows []int32) error {
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.group == nil {
			f.begin(w.emptyGroup())
			w.open++
		}
		n := min(len(rows), f.group.limit-f.group.rows())
		if err := f.group.add(rec, event, rows[:n]); err != nil {
			return err
		}
		if rows = rows[n:]; f.group.full() {
			if err := w.endGroup(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// emptyGroup is the spare row group or a new one.
func (w *writer) emptyGroup() *rowGroup {
	g := w.spare
	if w.spare = nil; g == nil {
		g = newRowGroup(w.layout, w.sink.cfg.RowGroupRows, w.sink.pool)
	}
	return g
}

// endGroup writes a file's rows and frees their memory. The row group, with the memory of
// its dictionaries, is kept only if it is the only one: among many days, each would come
// to hold the memory of the largest.
func (w *writer) endGroup(f *file) error {
	if f.group == nil {
		return nil
	}
	if err := f.endGroup(); err != nil {
		return err
	}
	f.group.reset()
	if w.open--; w.open == 0 {
		w.spare = f.group
	}
	f.group = nil
	return nil
}

// bound ends row groups early, the largest first, where many files are open at once.
func (w *writer) bound() error {
	total := int64(0)
	var largest *file
	for _, f := range w.files {
		total += f.held()
		if largest == nil || f.held() > largest.held() {
			largest = f
		}
	}
	if total < openBytes {
		return nil
	}
	return w.endGroup(largest)
}

// file returns the file of a day.
func (w *writer) file(day int64) *file {
	if f := w.files[day]; f != nil {
		return f
	}
	dt := dayName(day)
	f := newFile(filepath.Join(w.dir, dt+w.sink.extension()), w)
	f.key = w.sink.days(w.attempt.Dataset.Name) + dt + "/" + w.attempt.Name() + w.sink.extension()
	w.files[day] = f
	return f
}

// Prepare ends the files, reads them back, and uploads them. On an error it leaves
// every upload as it is: what was offered may be decided by somebody else.
func (w *writer) Prepare(ctx context.Context, to time.Time) ([]state.File, error) {
	if w.err != nil {
		return nil, fmt.Errorf("prepare after a failed write: %w", w.err)
	}
	days := slices.Sorted(maps.Keys(w.files))
	for _, day := range days { // they share an encoder
		if err := w.endGroup(w.files[day]); err != nil {
			w.err = w.explained(err)
			return nil, fmt.Errorf("close %s: %w", w.files[day].key, w.err)
		}
	}
	w.spare, w.encoder = nil, nil
	out := make([]state.File, len(days))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtOnce)
	for i, day := range days {
		group.Go(func() (err error) {
			defer crash.Exit()
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
		return state.File{}, fmt.Errorf("close %s: %w", f.key, w.explained(err))
	}
	size, err := verify(ctx, f)
	if err != nil {
		return state.File{}, fmt.Errorf("verify %s: %w; the local file is not what was written: check the disk under PIPELINE_SPILL", f.key, err)
	}
	out := state.File{Key: f.key, Size: size, SHA256: f.sha256, Rows: f.rows}
	if err := w.sink.upload(ctx, f.path, &out); err != nil {
		return state.File{}, fmt.Errorf("prepare: %w", err)
	}
	return out, nil
}

// explained tells what the files take, where there is no room for more. Rows in memory are
// not counted.
func (w *writer) explained(err error) error {
	if !disk.Full(err) {
		return err
	}
	u := spill.Use{Dir: w.dir, For: "files of " + w.attempt.Dataset.Name, Bytes: spill.Taken(w.dir)}
	for _, f := range w.files {
		u.Rows += f.rows
	}
	return spill.Explain(err, u)
}

// Close removes the local files and gives buffers back.
func (w *writer) Close() error {
	for _, f := range w.files {
		if f.group != nil {
			f.group.reset()
		}
	}
	w.files, w.spare = nil, nil
	if err := os.RemoveAll(w.dir); err != nil {
		return fmt.Errorf("remove local files: %w", err)
	}
	return nil
}

func sameColumns(a, b *arrow.Schema) bool {
	return slices.EqualFunc(a.Fields(), b.Fields(), func(x, y arrow.Field) bool {
		return x.Name == y.Name && arrow.TypeEqual(schema.Plain(x.Type), schema.Plain(y.Type)) && x.Metadata.Equal(y.Metadata)
	})
}
