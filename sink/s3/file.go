package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

const (
	// chunkRows values of a column are handed over at a time.
	chunkRows = 2048
	// openBytes bounds, over all files of an attempt, the values in row groups that
	// have not ended: their encoded pages stay in memory.
	openBytes = 256 << 20
	pageBytes = 1 << 20
	// Each column of each open file has a page's worth of buffer. The files beyond
	// the first few, days of late rows as a rule, make do with less.
	largeFiles     = 4
	smallPageBytes = 128 << 10
)

// file is one Parquet file being written to local disk.
type file struct {
	path   string
	key    string
	layout *layout
	limit  int // rows of a row group

	disk   *os.File
	hash   hash.Hash       // over what was handed to the disk
	out    *parquet.Writer //nolint:staticcheck // the generic writer needs a Go type; columns are known at run time only
	chunk  []parquet.Value
	rows   int64
	groups []group // finished row groups
	group  group   // the one being written
	bytes  int64   // of values in it
}

// group is what was written to a row group, for comparison with what is read back.
type group struct {
	rows  int64
	nulls []int64 // a column
}

func createFile(path string, l *layout, s *Sink, page int) (*file, error) {
	disk, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create local file: %w; check PIPELINE_SPILL", err)
	}
	f := &file{
		path: path, layout: l, limit: s.cfg.RowGroupRows,
		disk: disk, hash: sha256.New(), chunk: make([]parquet.Value, min(chunkRows, s.cfg.RowGroupRows)),
	}
	f.group.nulls = make([]int64, len(l.columns))
	options := append([]parquet.WriterOption{
		l.parquet,
		parquet.CreatedBy("hunting-exporter", s.info.Version, ""),
		parquet.Compression(s.codec),
		parquet.DataPageVersion(1),
		// Bounds of a page are in the page index, cut short; in its header they are not.
		parquet.DataPageStatistics(false),
		parquet.PageBufferSize(page),
	}, l.options...)
	f.out = parquet.NewWriter(io.MultiWriter(disk, f.hash), options...)
	return f, nil
}

// write appends rows, column by column. A row group ends for all columns at once.
func (f *file) write(ctx context.Context, fillers []filler, rows []int32) error {
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(len(rows), len(f.chunk), f.limit-int(f.group.rows))
		if err := f.writeChunk(fillers, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
		if int(f.group.rows) == f.limit || f.bytes >= openBytes {
			if err := f.endGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *file) writeChunk(fillers []filler, rows []int32) error {
	values := f.chunk[:len(rows)]
	for i, out := range f.out.ColumnWriters() {
		nulls, err := fillers[i](values, rows)
		if err != nil {
			return err
		}
		n, err := out.WriteRowValues(values)
		if err != nil {
			return fmt.Errorf("column %s: %w", f.layout.columns[i].field.Name, err)
		}
		if n != len(rows) {
			return fmt.Errorf("column %s: %d of %d rows written", f.layout.columns[i].field.Name, n, len(rows))
		}
		f.group.nulls[i] += int64(nulls)
		f.bytes += int64(8 * len(rows))
		if f.layout.columns[i].text() {
			for j := range values {
				f.bytes += int64(len(values[j].ByteArray()))
			}
		}
	}
	f.group.rows += int64(len(rows))
	f.rows += int64(len(rows))
	return nil
}

func (f *file) endGroup() error {
	if f.group.rows == 0 {
		return nil
	}
	if err := f.out.Flush(); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	f.groups = append(f.groups, f.group)
	f.group = group{nulls: make([]int64, len(f.layout.columns))}
	f.bytes = 0
	return nil
}

// finish writes the footer with its metadata and closes the file.
func (f *file) finish(metadata [][2]string) error {
	if err := f.endGroup(); err != nil {
		return err
	}
	for _, kv := range metadata {
		f.out.SetKeyValueMetadata(kv[0], kv[1])
	}
	if err := f.out.Close(); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	disk := f.disk
	f.disk, f.out, f.chunk = nil, nil, nil
	return disk.Close()
}

// digest is the sha256 of what was handed to the disk.
func (f *file) digest() string { return hex.EncodeToString(f.hash.Sum(nil)) }

// abandon closes a file that is not finished.
func (f *file) abandon() error {
	if f.disk == nil {
		return nil
	}
	err := f.disk.Close()
	f.disk, f.out = nil, nil
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
