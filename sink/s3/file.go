package s3

import (
	"bufio"
	"fmt"
	"os"

	"github.com/zeebo/xxh3"

	"hunting-exporter/sink/s3/parquetfile"
)

// openBytes bounds, over all files of an attempt, the memory of row groups that have not
// been written.
const openBytes = 192 << 20

// file is one Parquet file being written to local disk. It is open only while a row group
// is written, so that there can be as many files as there are days.
type file struct {
	path   string
	key    string
	layout *layout

	sum     *xxh3.Hasher // over what was handed to the disk
	sha256  string       // of what verify found there
	disk    *os.File     // nil while nothing is written
	buffer  *bufio.Writer
	out     *parquetfile.Writer
	group   *rowGroup // the one being filled; nil: none
	rows    int64
	groups  []group // written row groups
	plain   []bool  // whether a column's text has no dictionary; nil: not decided
	created bool
}

// group is what was written to a row group, for comparison with what is read back.
type group struct {
	rows  int64
	nulls []int64 // a column
}

func newFile(path string, w *writer) *file {
	f := &file{path: path, layout: w.layout, sum: xxh3.New()}
	f.out = parquetfile.New(f, w.layout.file(), w.encoder, "hunting-exporter version "+w.sink.info.Version)
	return f
}

// Write passes bytes of the file on.
func (f *file) Write(b []byte) (int, error) {
	_, _ = f.sum.Write(b) // never fails
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
	f.buffer = bufio.NewWriterSize(f.disk, 64<<10)
	return nil
}

// closeAfter closes the file after a write that ended with err.
func (f *file) closeAfter(err error) error {
	if err == nil {
		err = f.buffer.Flush()
	}
	if closed := f.disk.Close(); err == nil {
		err = closed
	}
	f.disk, f.buffer = nil, nil
	return err
}

// begin gives the file a row group to gather rows in.
func (f *file) begin(g *rowGroup) {
	f.group = g
	for i, plain := range f.plain {
		g.columns[i].plain, g.columns[i].decided = plain, true
	}
}

// endGroup writes the rows that it has gathered.
func (f *file) endGroup() error {
	done := group{rows: int64(f.group.rows())}
	for i := range f.group.columns {
		done.nulls = append(done.nulls, int64(f.group.columns[i].Nulls))
	}
	f.rows += done.rows // counted where the write fails as well: they are what needs room
	if err := f.open(); err != nil {
		return err
	}
	if err := f.closeAfter(f.group.write(f.out, f.layout.time)); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	f.groups = append(f.groups, done)
	if f.plain == nil {
		for i := range f.group.columns {
			f.plain = append(f.plain, f.group.columns[i].plain)
		}
	}
	return nil
}

// finish writes the footer with its metadata.
func (f *file) finish(metadata [][2]string) error {
	if err := f.open(); err != nil {
		return err
	}
	err := f.out.Close(metadata)
	f.out = nil
	if err := f.closeAfter(err); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

// held is how much memory the rows take that wait to be written.
func (f *file) held() int64 {
	if f.group == nil {
		return 0
	}
	return f.group.held()
}
