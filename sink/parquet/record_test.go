package parquet_test

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/schema"
)

// row is one row of the test table; nil is null.
type row struct {
	N    int64 // which row it is; never null
	Time any   // int64 ticks
	Text any   // string
	Same any   // string
	Flag any   // bool
	I32  any   // int32
	I64  any   // int64
	F64  any   // float64
	JSON any   // string
	Late any   // int64 ticks, _IngestionTime
}

func (r row) cells() []any {
	return []any{r.N, r.Time, r.Text, r.Same, r.Flag, r.I32, r.I64, r.F64, r.JSON, r.Late}
}

// Column names that would be sorted otherwise, and one worth a bloom filter.
var table = []struct{ name, api string }{
	{"ReportN", "Int64"},
	{"Timestamp", "DateTime"},
	{"FileSHA256", "String"},
	{"ActionType", "String"},
	{"IsX", "SByte"},
	{"Port", "Int32"},
	{"Bytes", "Int64"},
	{"Score", "Double"},
	{"AdditionalFields", "Dynamic"},
	{schema.IngestionTime, "DateTime"},
}

func tableSchema() *arrow.Schema {
	fields := make([]arrow.Field, len(table))
	for i, c := range table {
		fields[i] = arrow.Field{
			Name: c.name, Type: schema.ArrowType(c.api), Nullable: true,
			Metadata: arrow.NewMetadata([]string{schema.MetaName, schema.MetaType}, []string{c.name, c.api}),
		}
	}
	return arrow.NewSchema(fields, nil)
}

func record(rows ...row) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, tableSchema())
	defer b.Release()
	for _, r := range rows {
		for i, cell := range r.cells() {
			appendCell(b.Field(i), cell)
		}
	}
	return b.NewRecord()
}

func appendCell(b array.Builder, cell any) {
	if e, ok := b.(*array.ExtensionBuilder); ok {
		b = e.StorageBuilder()
	}
	switch cell := cell.(type) {
	case nil:
		b.AppendNull()
	case int64:
		b.(*array.Int64Builder).Append(cell)
	case int32:
		b.(*array.Int32Builder).Append(cell)
	case float64:
		b.(*array.Float64Builder).Append(cell)
	case bool:
		b.(*array.BooleanBuilder).Append(cell)
	case string:
		b.(*array.StringBuilder).Append(cell)
	default:
		panic(fmt.Sprintf("no builder for %T", cell))
	}
}

func withoutLastColumn(r arrow.Record) arrow.Record {
	last := int(r.NumCols()) - 1
	return array.NewRecord(arrow.NewSchema(r.Schema().Fields()[:last], nil), r.Columns()[:last], r.NumRows())
}
