package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"hunting-exporter/schema"
)

// File is a file of a lake.
type File struct {
	// Columns are the API's, in the file's order: their names may differ from those in the file.
	Columns []schema.Column
	// Units are those of the columns' times; 0: a column of something else.
	Units []time.Duration

	parquet *parquet.File
}

// Open reads a file by its key.
func (l *Lake) Open(ctx context.Context, key string) (*File, error) {
	data, _, err := l.files.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", key, err)
	}
	p, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", key, err)
	}
	f := &File{parquet: p}
	text, _ := p.Lookup("hunting.columns")
	if err := json.Unmarshal([]byte(text), &f.Columns); err != nil {
		return nil, fmt.Errorf("file %s: metadata hunting.columns: %w", key, err)
	}
	fields := p.Schema().Fields()
	if len(fields) != len(f.Columns) {
		return nil, fmt.Errorf("file %s: metadata hunting.columns names %d columns, the file has %d", key, len(f.Columns), len(fields))
	}
	f.Units = make([]time.Duration, len(fields))
	for i, field := range fields {
		if logical := field.Type().LogicalType(); logical != nil {
			if stamp, ok := logical.Value.(*format.TimestampType); ok {
				f.Units[i] = stamp.Unit.Value.Duration()
			}
		}
	}
	return f, nil
}

// Rows yields the rows; each holds until the next one.
func (f *File) Rows() iter.Seq2[parquet.Row, error] {
	return func(yield func(parquet.Row, error) bool) {
		for _, group := range f.parquet.RowGroups() {
			if !rows(group, yield) {
				return
			}
		}
	}
}

func rows(group parquet.RowGroup, yield func(parquet.Row, error) bool) (more bool) {
	r := group.Rows()
	defer func() { _ = r.Close() }() // of what was read to its end
	buf := make([]parquet.Row, 256)
	for {
		n, err := r.ReadRows(buf)
		for _, row := range buf[:n] {
			if !yield(row, nil) {
				return false
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			yield(nil, err)
			return false
		}
	}
}
