package ledger_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/zeebo/xxh3"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledgerHash spreads n over 16 bytes.
func ledgerHash(n uint64) [16]byte {
	return xxh3.Hash128(binary.LittleEndian.AppendUint64(nil, n)).Bytes()
}

// at is a time of one day.
func at(hour, minute int) time.Time { return time.Date(2026, 9, 1, hour, minute, 0, 0, time.UTC) }

// failer is a testing.TB or a rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// record makes a record of rows; a cell is nil or of the Go type of its column.
func record(t failer, cols []schema.Column, rows [][]any) arrow.Record {
	t.Helper()
	return recordIn(t, memory.DefaultAllocator, cols, rows)
}

func recordIn(t failer, mem memory.Allocator, cols []schema.Column, rows [][]any) arrow.Record {
	t.Helper()
	s, err := schema.Arrow(cols)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for _, row := range rows {
		for i, cell := range row {
			appendAny(t, b.Field(i), cell)
		}
	}
	return b.NewRecord()
}

func appendAny(t failer, b array.Builder, cell any) {
	t.Helper()
	if cell == nil {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.ExtensionBuilder:
		b.StorageBuilder().(*array.Int64Builder).Append(schema.ToTicks(cell.(time.Time)))
	case *array.StringBuilder:
		b.Append(cell.(string))
	case *array.Int32Builder:
		b.Append(cell.(int32))
	case *array.Int64Builder:
		b.Append(cell.(int64))
	case *array.Float64Builder:
		b.Append(cell.(float64))
	case *array.BooleanBuilder:
		b.Append(cell.(bool))
	default:
		t.Fatalf("no way to append to %T", b)
	}
}

// cellOf draws a cell of a column's type; few values, so that equal ones occur.
func cellOf(apiType string) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := rapid.IntRange(-2, 3).Draw(t, "value")
		if n == -2 {
			return nil
		}
		switch apiType {
		case "DateTime":
			return at(0, 0).Add(time.Duration(n) * 1100 * time.Second)
		case "Int32":
			return int32(n)
		case "Int64":
			return int64(n)
		case "Double":
			return float64(n) / 2
		case "SByte":
			return n > 0
		}
		return []string{"", "a", "ab", "\x00", "b"}[n+1]
	})
}

// oneOfEach is a column of every type that transform makes.
var oneOfEach = []schema.Column{
	{Name: "Clock", Type: "DateTime"},
	{Name: "Time", Type: "DateTime"},
	{Name: "Text", Type: "String"},
	{Name: "More", Type: "Guid"},
	{Name: "Small", Type: "Int32"},
	{Name: "Large", Type: "Int64"},
	{Name: "Real", Type: "Double"},
	{Name: "Flag", Type: "SByte"},
}

func drawRows(t *rapid.T, cols []schema.Column, most int) [][]any {
	rows := make([][]any, rapid.IntRange(0, most).Draw(t, "rows"))
	for i := range rows {
		rows[i] = make([]any, len(cols))
		for c := range cols {
			rows[i][c] = cellOf(cols[c].Type).Draw(t, cols[c].Name)
		}
	}
	return rows
}

// someKey draws a key of few bins, IDs and Tags, so that equal ones occur.
var someKey = rapid.Custom(func(t *rapid.T) ledger.Key {
	return ledger.Key{
		Bin: rapid.Int64Range(-3, 3).Draw(t, "bin"),
		ID:  ledgerHash(rapid.Uint64Range(0, 5).Draw(t, "id")),
		Tag: rapid.Uint64Range(0, 3).Draw(t, "tag"),
	}
})

// anyKey draws a key of a bin that a datetime can have.
var anyKey = rapid.Custom(func(t *rapid.T) ledger.Key {
	if rapid.Bool().Draw(t, "common") {
		return someKey.Draw(t, "key")
	}
	return ledger.Key{
		Bin: rapid.Int64Range(-60_000_000, 280_000_000).Draw(t, "bin"),
		ID:  [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")),
		Tag: rapid.Uint64().Draw(t, "tag"),
	}
})
