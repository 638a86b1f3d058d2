package parquet

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
	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet/file"
)

// finishAtOnce bounds the files that are ended, read back and handed on side by side.
const finishAtOnce = 4

// File is a finished file, which was read back and found whole. It lies on local disk until
// its writer is closed.
type File struct {
	Path   string
	Day    string // of all its rows: 2026-03-04
	Size   int64
	SHA256 string // hex
	Rows   int64
}

// Writer collects rows of one dataset: one open file for each day that they fall on.
//
// Memory grows neither with the rows nor with the days: what all files hold of rows that
// are not written yet is bounded by openBytes, what encoding needs is shared by them, and
// files are open only while they are written to. Only the footers grow.
type Writer struct {
	format     *Format
	dataset    hunting.Dataset
	from       time.Time // of the rows
	dir        string
	schema     *fileSchema // of the first batch, and so of all
	partitions map[int64]*partition
	routes     router
	open       int           // files with rows that wait
	encoder    *file.Encoder // of the files, one after the other
	spare      *rowGroup     // one that is empty
	err        error         // of a Write: columns may then be of unequal length
}

// Write appends a batch's rows to the files of their days.
func (w *Writer) Write(ctx context.Context, b hunting.Batch) error {
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

func (w *Writer) write(ctx context.Context, b hunting.Batch) error {
	timeColumn := w.dataset.TimeColumn
	if w.schema == nil {
		s, err := newSchema(b.Record.Schema(), timeColumn, w.format.cfg)
		if err != nil {
			return err
		}
		if err := w.format.blooms.check(w.dataset.Name, s); err != nil {
			return err
		}
		w.schema = s
	} else if !sameColumns(w.schema.arrow, b.Record.Schema()) {
		return errors.New("columns differ from those of the earlier batches; a commit has one schema")
	}
	var event *schema.DateTimeArray
	if w.schema.time >= 0 {
		event, _ = b.Record.Column(w.schema.time).(*schema.DateTimeArray)
	}
	for _, r := range w.routes.route(timeColumn, b) {
		if err := w.add(ctx, w.partition(r.day), b.Record, event, r.rows); err != nil {
			return err
		}
		if err := w.bound(); err != nil {
			return err
		}
	}
	return nil
}

// add takes rows of a record into a file.
func (w *Writer) add(ctx context.Context, p *partition, rec arrow.Record, event *schema.DateTimeArray, rows []int32) error {
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.group == nil {
			p.begin(w.emptyGroup())
			w.open++
		}
		n := min(len(rows), p.group.limit-p.group.rows())
		if err := p.group.add(rec, event, rows[:n]); err != nil {
			return err
		}
		if rows = rows[n:]; p.group.full() {
			if err := w.endGroup(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// emptyGroup is the spare row group or a new one.
func (w *Writer) emptyGroup() *rowGroup {
	g := w.spare
	if w.spare = nil; g == nil {
		g = newRowGroup(w.schema, w.format.cfg.RowGroupRows, w.format.pool)
	}
	return g
}

// endGroup writes a file's rows and frees their memory. The row group, with the memory of
// its dictionaries, is kept only if it is the only one: among many days, each would come
// to hold the memory of the largest.
func (w *Writer) endGroup(p *partition) error {
	if p.group == nil {
		return nil
	}
	if err := p.endGroup(); err != nil {
		return err
	}
	p.group.reset()
	if w.open--; w.open == 0 {
		w.spare = p.group
	}
	p.group = nil
	return nil
}

// bound ends row groups early, the largest first, where many files are open at once.
func (w *Writer) bound() error {
	total := int64(0)
	var largest *partition
	for _, p := range w.partitions {
		total += p.held()
		if largest == nil || p.held() > largest.held() {
			largest = p
		}
	}
	if total < openBytes {
		return nil
	}
	return w.endGroup(largest)
}

// partition returns the file of a day.
func (w *Writer) partition(day int64) *partition {
	if p := w.partitions[day]; p != nil {
		return p
	}
	name := dayName(day)
	p := newPartition(name, filepath.Join(w.dir, name+w.format.Extension()), w)
	w.partitions[day] = p
	return p
}

// Finish ends the files, reads each back, and hands it to use, a few at a time. to is the
// end of the rows' range. There is no second try.
func (w *Writer) Finish(ctx context.Context, to time.Time, use func(context.Context, File) error) error {
	if w.err != nil {
		return fmt.Errorf("finish after a failed write: %w", w.err)
	}
	days := slices.Sorted(maps.Keys(w.partitions))
	for _, day := range days { // they share an encoder
		if err := w.endGroup(w.partitions[day]); err != nil {
			w.err = w.explained(err)
			return fmt.Errorf("close %s of %s: %w", w.dataset.Name, dayName(day), w.err)
		}
	}
	w.spare, w.encoder = nil, nil
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(finishAtOnce)
	for _, day := range days {
		group.Go(func() error {
			defer crash.Exit()
			done, err := w.finish(ctx, w.partitions[day], to)
			if err != nil {
				return err
			}
			return use(ctx, done)
		})
	}
	w.err = group.Wait()
	return w.err
}

func (w *Writer) finish(ctx context.Context, p *partition, to time.Time) (File, error) {
	if err := ctx.Err(); err != nil {
		return File{}, err
	}
	if err := p.finish(w.metadata(p, to)); err != nil {
		return File{}, fmt.Errorf("close %s of %s: %w", w.dataset.Name, p.day, w.explained(err))
	}
	size, err := readBack(ctx, p)
	if err != nil {
		return File{}, fmt.Errorf("verify %s of %s: %w; the local file is not what was written: check the disk under PIPELINE_SPILL", w.dataset.Name, p.day, err)
	}
	return File{Path: p.path, Day: p.day, Size: size, SHA256: p.sha256, Rows: p.rows}, nil
}

// explained tells what the files take, where there is no room for more. Rows in memory are
// not counted.
func (w *Writer) explained(err error) error {
	if !disk.Full(err) {
		return err
	}
	u := spill.Use{Dir: w.dir, For: "files of " + w.dataset.Name, Bytes: spill.Taken(w.dir)}
	for _, p := range w.partitions {
		u.Rows += p.rows
	}
	return spill.Explain(err, u)
}

// Close removes the local files and gives buffers back.
func (w *Writer) Close() error {
	for _, p := range w.partitions {
		if p.group != nil {
			p.group.reset()
		}
	}
	w.partitions, w.spare = nil, nil
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
