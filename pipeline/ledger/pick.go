package ledger

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/schema"
)

// Pick returns a record of the rows of rec that keep names, for the caller to release.
// rec stays the caller's too. Unless every row is kept, the cells are copied, so that
// few late rows do not hold on to the memory of a page.
func Pick(rec arrow.Record, keep []bool) (arrow.Record, error) {
	return pick(memory.DefaultAllocator, rec, keep)
}

func pick(mem memory.Allocator, rec arrow.Record, keep []bool) (arrow.Record, error) {
	if int64(len(keep)) != rec.NumRows() {
		return nil, fmt.Errorf("pick rows: %d choices for %d rows; report this as a defect", len(keep), rec.NumRows())
	}
	var rows []int
	for i, k := range keep {
		if k {
			rows = append(rows, i)
		}
	}
	if len(rows) == len(keep) {
		rec.Retain()
		return rec, nil
	}
	fields := slices.Clone(rec.Schema().Fields())
	for i := range fields {
		fields[i].Type = schema.Plain(fields[i].Type)
	}
	b := array.NewRecordBuilder(mem, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, col := range rec.Columns() {
		if err := copyCells(b.Field(i), col, rows); err != nil {
			return nil, fmt.Errorf("pick rows: column %s: %w; report this as a defect", rec.ColumnName(i), err)
		}
	}
	return b.NewRecord(), nil
}

// copyCells appends the cells of those rows to b. The types are those of
// schema.ArrowType. (array.Concatenate of slices takes any type, but half a kilobyte
// and half a microsecond a slice: with every other row of a page kept, gigabytes.)
func copyCells(b array.Builder, col arrow.Array, rows []int) error {
	if text, ok := schema.TextOf(col); ok {
		return copyText(b.(*array.StringBuilder), col, text, rows)
	}
	switch col := col.(type) {
	case *schema.DateTimeArray:
		return copyCells(b.(*array.ExtensionBuilder).StorageBuilder(), col.Storage(), rows)
	case *array.Int32:
		appendValues(b.(*array.Int32Builder), col, rows)
	case *array.Int64:
		appendValues(b.(*array.Int64Builder), col, rows)
	case *array.Float64:
		appendValues(b.(*array.Float64Builder), col, rows)
	case *array.Boolean:
		appendValues(b.(*array.BooleanBuilder), col, rows)
	default:
		return fmt.Errorf("no way to copy cells of type %s", col.DataType())
	}
	return nil
}

func copyText(b *array.StringBuilder, col arrow.Array, text schema.Text, rows []int) error {
	size := 0
	for _, i := range rows {
		if col.IsValid(i) {
			size += len(text.Value(i))
		}
	}
	b.Reserve(len(rows))
	b.ReserveData(size)
	for _, i := range rows {
		if col.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(text.String(i))
		}
	}
	return nil
}

// values is a column of values of one type.
type values[T any] interface {
	arrow.Array
	Value(i int) T
}

// valueBuilder builds such a column.
type valueBuilder[T any] interface {
	array.Builder
	Append(v T)
}

func appendValues[T any](b valueBuilder[T], col values[T], rows []int) {
	b.Reserve(len(rows))
	for _, i := range rows {
		if col.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(col.Value(i))
		}
	}
}
