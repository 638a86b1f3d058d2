package ledger

import (
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"pgregory.net/rapid"

	"hunting-exporter/schema"
)

// everyType is a column of every Arrow type that transform makes.
func everyType(t interface{ Fatal(...any) }) *arrow.Schema {
	s, err := schema.Arrow([]schema.Column{
		{Name: "Time", Type: "DateTime"},
		{Name: "Text", Type: "String"},
		{Name: "Flag", Type: "SByte"},
		{Name: "Small", Type: "Int32"},
		{Name: "Large", Type: "Int64"},
		{Name: "Real", Type: "Double"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawRecord(t *rapid.T, mem memory.Allocator) arrow.Record {
	b := array.NewRecordBuilder(mem, everyType(t))
	defer b.Release()
	for range rapid.IntRange(0, 40).Draw(t, "rows") {
		n := rapid.Int64Range(-3, 100).Draw(t, "value")
		for _, field := range b.Fields() {
			if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
				field.AppendNull()
				continue
			}
			switch f := field.(type) {
			case *array.ExtensionBuilder:
				f.StorageBuilder().(*array.Int64Builder).Append(n * 1e9)
			case *array.StringBuilder:
				f.Append(strings.Repeat("x", int(n&15)))
			case *array.BooleanBuilder:
				f.Append(n&1 == 0)
			case *array.Int32Builder:
				f.Append(int32(n))
			case *array.Int64Builder:
				f.Append(math.MaxInt64 - n)
			case *array.Float64Builder:
				f.Append(float64(n) / 7)
			default:
				t.Fatalf("a column of type %s", field.Type())
			}
		}
	}
	return b.NewRecord()
}

func TestPickedRowsAreTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		func() {
			whole := drawRecord(t, mem)
			defer whole.Release()
			from := rapid.Int64Range(0, whole.NumRows()).Draw(t, "from")
			rec := whole.NewSlice(from, whole.NumRows())
			defer rec.Release()
			n := int(rec.NumRows())
			keep := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "keep")
			if rapid.IntRange(0, 4).Draw(t, "all") == 0 {
				for i := range keep {
					keep[i] = true
				}
			}
			got, err := pick(mem, rec, keep)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Release()
			checkPicked(t, rec, got, keep)
		}()
		if n := mem.CurrentAlloc(); n != 0 {
			t.Fatalf("%d bytes not released", n)
		}
	})
}

func checkPicked(t *rapid.T, rec, got arrow.Record, keep []bool) {
	if !got.Schema().Equal(rec.Schema()) || !got.Schema().Metadata().Equal(rec.Schema().Metadata()) {
		t.Fatalf("schema %s, want %s", got.Schema(), rec.Schema())
	}
	var next int64
	for i, k := range keep {
		if !k {
			continue
		}
		if next == got.NumRows() {
			t.Fatalf("%d rows for %v", got.NumRows(), keep)
		}
		want := rec.NewSlice(int64(i), int64(i)+1)
		row := got.NewSlice(next, next+1)
		if !array.RecordEqual(want, row) {
			t.Fatalf("row %d is %v, want %v", next, row, want)
		}
		want.Release()
		row.Release()
		next++
	}
	if next != got.NumRows() {
		t.Fatalf("%d rows for %v", got.NumRows(), keep)
	}
}

// A page of which few rows are late can be freed.
func TestPickedRowsShareNoMemory(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, everyType(t))
	defer b.Release()
	for _, f := range b.Fields() {
		f.AppendEmptyValue()
		f.AppendEmptyValue()
	}
	rec := b.NewRecord()
	defer rec.Release()
	got, err := Pick(rec, []bool{true, false})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	for i, col := range got.Columns() {
		for n, buf := range col.Data().Buffers() {
			of := rec.Column(i).Data().Buffers()[n]
			if buf != nil && buf.Len() > 0 && unsafe.SliceData(buf.Bytes()) == unsafe.SliceData(of.Bytes()) {
				t.Errorf("column %d shares buffer %d", i, n)
			}
		}
	}
}

// Picking is free where every row is new, and the record outlives the page's own.
func TestEveryRowKeptIsTheRecordItself(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	b := array.NewRecordBuilder(mem, everyType(t))
	for _, f := range b.Fields() {
		f.AppendEmptyValue()
	}
	rec := b.NewRecord()
	b.Release()
	got, err := pick(mem, rec, []bool{true})
	if err != nil {
		t.Fatal(err)
	}
	if got != rec {
		t.Error("copied")
	}
	rec.Release()
	if mem.CurrentAlloc() == 0 {
		t.Error("released while somebody holds it")
	}
	got.Release()
	mem.AssertSize(t, 0)
}

func TestPickRefuses(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "N", Type: arrow.PrimitiveTypes.Int64}, {Name: "Odd", Type: arrow.PrimitiveTypes.Uint8},
	}, nil))
	defer b.Release()
	for range 2 {
		b.Field(0).AppendEmptyValue()
		b.Field(1).AppendEmptyValue()
	}
	rec := b.NewRecord()
	defer rec.Release()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	if _, err := pick(mem, rec, []bool{true}); err == nil || !strings.Contains(err.Error(), "1 choices for 2 rows") {
		t.Errorf("too few choices: %v", err)
	}
	if _, err := pick(mem, rec, []bool{true, false}); err == nil || !strings.Contains(err.Error(), "column Odd") {
		t.Errorf("a type that transform does not make: %v", err)
	}
	mem.AssertSize(t, 0)
}
