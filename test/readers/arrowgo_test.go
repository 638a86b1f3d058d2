package readers_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// arrowGo reads a file with arrow-go, in this process; by its Parquet package alone, since
// the one on top of it links gRPC.
func arrowGo(path, unit string) ([]column, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	columns := make([]column, f.MetaData().Schema.NumColumns())
	for i := range columns {
		c := &columns[i]
		about := f.MetaData().Schema.Column(i)
		c.name = about.Name()
		if c.kind, err = arrowGoKind(about, unit); err != nil {
			return nil, err
		}
		for g := range f.NumRowGroups() {
			if c.cells, err = appendChunk(c.cells, f.RowGroup(g), i); err != nil {
				return nil, fmt.Errorf("row group %d, column %s: %w", g, c.name, err)
			}
		}
	}
	return columns, nil
}

// arrowGoKind refuses bytes that are not said to be text, and times of another unit or zone.
func arrowGoKind(c *schema.Column, unit string) (kind, error) {
	_, isText := c.LogicalType().(schema.StringLogicalType)
	at, isTime := c.LogicalType().(schema.TimestampLogicalType)
	times := map[string]schema.TimeUnitType{"us": schema.TimeUnitMicros, "ns": schema.TimeUnitNanos}
	switch p := c.PhysicalType(); {
	case p == parquet.Types.ByteArray && isText:
		return text, nil
	case isTime && at.TimeUnit() == times[unit] && at.IsAdjustedToUTC():
		return timestamp, nil
	case p == parquet.Types.Boolean:
		return boolean, nil
	case p == parquet.Types.Int32:
		return int32s, nil
	case p == parquet.Types.Int64 && !isTime:
		return int64s, nil
	case p == parquet.Types.Double:
		return double, nil
	}
	return "", fmt.Errorf("column %s: %s, %s", c.Name(), c.PhysicalType(), c.LogicalType())
}

func appendChunk(cells []string, group *file.RowGroupReader, i int) ([]string, error) {
	chunk, err := group.Column(i)
	if err != nil {
		return nil, err
	}
	rows := group.NumRows()
	switch r := chunk.(type) {
	case *file.BooleanColumnChunkReader:
		return appendValues(cells, rows, r.ReadBatchInPage, strconv.FormatBool)
	case *file.Int32ColumnChunkReader:
		return appendValues(cells, rows, r.ReadBatchInPage, func(v int32) string { return strconv.Itoa(int(v)) })
	case *file.Int64ColumnChunkReader:
		return appendValues(cells, rows, r.ReadBatchInPage, func(v int64) string { return strconv.FormatInt(v, 10) })
	case *file.Float64ColumnChunkReader:
		return appendValues(cells, rows, r.ReadBatchInPage, func(v float64) string { return strings.TrimPrefix(real(v), "v") })
	case *file.ByteArrayColumnChunkReader:
		return appendValues(cells, rows, r.ReadBatchInPage, func(v parquet.ByteArray) string { return string(v) })
	}
	return nil, fmt.Errorf("a column of type %s", chunk.Type())
}

// appendValues reads page by page, since a page's texts go with it.
func appendValues[T any](cells []string, rows int64, read func(int64, []T, []int16, []int16) (int64, int, error), format func(T) string) ([]string, error) {
	values, levels := make([]T, rows), make([]int16, rows)
	for rows > 0 {
		n, _, err := read(rows, values, levels, nil)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("%d values are missing", rows)
		}
		next := 0
		for _, level := range levels[:n] {
			if level == 0 {
				cells = append(cells, null)
				continue
			}
			cells = append(cells, "v"+format(values[next]))
			next++
		}
		rows -= n
	}
	return cells, nil
}

// arrowGoFilter asks the bloom filter of a column in a row group; nil: it has none.
func arrowGoFilter(f *file.Reader, group, i int) (func(text string) bool, error) {
	of, err := f.GetBloomFilterReader().RowGroup(group)
	if err != nil || of == nil {
		return nil, err
	}
	filter, err := of.GetColumnBloomFilter(i)
	if err != nil || filter == nil {
		return nil, err
	}
	typed := metadata.TypedBloomFilter[parquet.ByteArray]{BloomFilter: filter}
	return func(text string) bool { return typed.Check(parquet.ByteArray(text)) }, nil
}
