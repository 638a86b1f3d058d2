package parquet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"
)

// readBack reads a finished file back from disk: its bytes are those that were
// written, and every column of every row group holds the rows and nulls that went
// in, counted by decoding the pages.
func readBack(ctx context.Context, p *partition) (size int64, err error) {
	disk, err := os.Open(p.path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	found, digest := xxh3.New(), sha256.New()
	size, err = io.Copy(io.MultiWriter(found, digest), disk)
	if err != nil {
		return 0, err
	}
	if found.Sum128() != p.sum.Sum128() {
		return 0, errors.New("its bytes are not those that were written")
	}
	p.sha256 = hex.EncodeToString(digest.Sum(nil))
	read, err := parquet.OpenFile(disk, size)
	if err != nil {
		return 0, fmt.Errorf("open: %w", err)
	}
	if read.NumRows() != p.rows {
		return 0, fmt.Errorf("footer counts %d rows, %d were written", read.NumRows(), p.rows)
	}
	if got, _ := read.Lookup(metaRows); got != strconv.FormatInt(p.rows, 10) {
		return 0, fmt.Errorf("metadata counts %q rows, %d were written", got, p.rows)
	}
	if len(read.RowGroups()) != len(p.groups) {
		return 0, fmt.Errorf("%d row groups, %d were written", len(read.RowGroups()), len(p.groups))
	}
	for i, rg := range read.RowGroups() {
		if err := readGroup(ctx, rg, p.groups[i], p.schema); err != nil {
			return 0, fmt.Errorf("row group %d: %w", i, err)
		}
	}
	return size, nil
}

func readGroup(ctx context.Context, rg parquet.RowGroup, want group, s *fileSchema) error {
	chunks := rg.ColumnChunks()
	if rg.NumRows() != want.rows || len(chunks) != len(s.columns) {
		return fmt.Errorf("%d rows of %d columns, written were %d of %d",
			rg.NumRows(), len(chunks), want.rows, len(s.columns))
	}
	for i, chunk := range chunks {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, nulls, err := countPages(chunk)
		if err != nil {
			return fmt.Errorf("column %s: %w", s.columns[i].name, err)
		}
		if rows != want.rows || nulls != want.nulls[i] || chunk.NumValues() != want.rows {
			return fmt.Errorf("column %s: %d rows with %d nulls, written were %d with %d",
				s.columns[i].name, rows, nulls, want.rows, want.nulls[i])
		}
	}
	return nil
}

func countPages(chunk parquet.ColumnChunk) (rows, nulls int64, err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return rows, nulls, nil
		}
		if err != nil {
			return 0, 0, err
		}
		rows += page.NumRows()
		nulls += page.NumNulls()
		parquet.Release(page)
	}
}
