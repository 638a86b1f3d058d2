package parquet

import (
	"bufio"
	"fmt"
	"os"

	"github.com/zeebo/xxh3"

	"hunting-exporter/sink/parquet/file"
)

// openBytes bounds, over all files of a writer, the memory of row groups that have not
// been written.
const openBytes = 192 << 20

// partition is the file of one day, being written to local disk. It is open only while a
// row group is written, so that there can be as many files as there are days.
type partition struct {
	day    string // 2026-03-04
	path   string
	schema *fileSchema

	sum     *xxh3.Hasher // over what was handed to the disk
	sha256  string       // of what was read back
	disk    *os.File     // nil while nothing is written
	buffer  *bufio.Writer
	out     *file.Writer
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

func newPartition(day, path string, w *Writer) *partition {
	p := &partition{day: day, path: path, schema: w.schema, sum: xxh3.New()}
	p.out = file.New(p, w.schema.file(), w.encoder, "hunting-exporter version "+w.format.info.Version)
	return p
}

// Write passes bytes of the file on.
func (p *partition) Write(b []byte) (int, error) {
	_, _ = p.sum.Write(b) // never fails
	return p.buffer.Write(b)
}

// open opens the file for what follows what was written.
func (p *partition) open() (err error) {
	flags := os.O_CREATE | os.O_EXCL
	if p.created {
		flags = os.O_APPEND
	}
	if p.disk, err = os.OpenFile(p.path, flags|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("open local file: %w; check PIPELINE_SPILL", err)
	}
	p.created = true
	p.buffer = bufio.NewWriterSize(p.disk, 64<<10)
	return nil
}

// closeAfter closes the file after a write that ended with err.
func (p *partition) closeAfter(err error) error {
	if err == nil {
		err = p.buffer.Flush()
	}
	if closed := p.disk.Close(); err == nil {
		err = closed
	}
	p.disk, p.buffer = nil, nil
	return err
}

// begin gives the file a row group to gather rows in.
func (p *partition) begin(g *rowGroup) {
	p.group = g
	for i, plain := range p.plain {
		g.columns[i].plain, g.columns[i].decided = plain, true
	}
}

// endGroup writes the rows that it has gathered.
func (p *partition) endGroup() error {
	done := group{rows: int64(p.group.rows())}
	for i := range p.group.columns {
		done.nulls = append(done.nulls, int64(p.group.columns[i].Nulls))
	}
	p.rows += done.rows // counted where the write fails as well: they are what needs room
	if err := p.open(); err != nil {
		return err
	}
	if err := p.closeAfter(p.group.write(p.out, p.schema.time)); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	p.groups = append(p.groups, done)
	if p.plain == nil {
		for i := range p.group.columns {
			p.plain = append(p.plain, p.group.columns[i].plain)
		}
	}
	return nil
}

// finish writes the footer with its metadata.
func (p *partition) finish(metadata [][2]string) error {
	if err := p.open(); err != nil {
		return err
	}
	err := p.out.Close(metadata)
	p.out = nil
	if err := p.closeAfter(err); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

// held is how much memory the rows take that wait to be written.
func (p *partition) held() int64 {
	if p.group == nil {
		return 0
	}
	return p.group.held()
}
