package s3

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/schema"
	"hunting-exporter/sink/s3/parquetfile"
)

// openBytes bounds, over all files of an attempt, the values in row groups that have not
// been written.
const openBytes = 128 << 20

// file is one Parquet file being written to local disk. It is open only while a row group
// is written, so that there can be as many files as there are days.
type file struct {
	path   string
	key    string
	layout *layout
	limit  int // rows of a row group

	sum     hash.Hash // over what was handed to the disk
	disk    *os.File  // nil while nothing is written
	buffer  *bufio.Writer
	out     *parquetfile.Writer
	group   *rowGroup // the one being filled; nil: none
	spare   *[]*rowGroup
	rows    int64
	groups  []group // written row groups
	created bool
}

// group is what was written to a row group, for comparison with what is read back.
type group struct {
	rows  int64
	nulls []int64 // a column
}

func newFile(path string, l *layout, s *Sink, spare *[]*rowGroup) *file {
	f := &file{path: path, layout: l, limit: s.cfg.RowGroupRows, sum: sha256.New(), spare: spare}
	f.out = parquetfile.New(f, l.file(), s.codec, "hunting-exporter version "+s.info.Version)
	return f
}

// Write passes bytes of the file on.
func (f *file) Write(b []byte) (int, error) {
	f.sum.Write(b)
	return f.buffer.Write(b)
}

// open opens the file for what follows what was written.
func (f *file) open() (err error) {
	flags := os.O_CREATE | os.O_EXCL
	if f.created {
		flags = os.O_APPEND
	}
	if f.disk, err = os.OpenFile(f.path, flags|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("open local file: %w; check PIPELINE_SPILL", err)
	}
	f.created = true
	if f.buffer == nil {
		f.buffer = bufio.NewWriterSize(nil, 64<<10)
	}
	f.buffer.Reset(f.disk)
	return nil
}

func (f *file) close() error {
	err := errors.Join(f.buffer.Flush(), f.disk.Close())
	f.disk = nil
	return err
}

// add takes rows of a record. A row group ends for all columns at once.
func (f *file) add(ctx context.Context, rec arrow.Record, event *schema.DateTimeArray, rows []int32) error {
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.group == nil {
			f.group = f.takeGroup()
		}
		n := min(len(rows), f.limit-f.group.rows())
		if err := f.group.add(rec, event, rows[:n]); err != nil {
			return err
		}
		f.rows += int64(n)
		if rows = rows[n:]; f.group.rows() == f.limit || f.group.bytes >= openBytes {
			if err := f.endGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeGroup is a row group that another file has done with, or a new one.
func (f *file) takeGroup() *rowGroup {
	if n := len(*f.spare); n > 0 {
		g := (*f.spare)[n-1]
		*f.spare = (*f.spare)[:n-1]
		return g
	}
	return newRowGroup(f.layout)
}

// endGroup writes the row group.
func (f *file) endGroup() error {
	if f.group == nil {
		return nil
	}
	done := group{rows: int64(f.group.rows())}
	for i := range f.group.columns {
		done.nulls = append(done.nulls, int64(f.group.columns[i].Nulls))
	}
	if err := f.open(); err != nil {
		return err
	}
	if err := errors.Join(f.group.write(f.out, f.layout.time), f.close()); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	f.groups = append(f.groups, done)
	f.group.reset()
	*f.spare, f.group = append(*f.spare, f.group), nil
	return nil
}

// finish writes the footer with its metadata.
func (f *file) finish(metadata [][2]string) error {
	if err := f.endGroup(); err != nil {
		return err
	}
	if err := f.open(); err != nil {
		return err
	}
	err := f.out.Close(metadata)
	f.out = nil
	if err := errors.Join(err, f.close()); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

// digest is the sha256 of what was handed to the disk.
func (f *file) digest() string { return hex.EncodeToString(f.sum.Sum(nil)) }

// held is about how many bytes of rows wait to be written.
func (f *file) held() int64 {
	if f.group == nil {
		return 0
	}
	return f.group.bytes
}
