package parquet_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/parquet-go/parquet-go/format"
	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet"
)

// textBatch has a column of numbers, the time and one of texts, held in a dictionary or
// each by itself; nil is null.
func textBatch(first int64, texts []any, day func(i int) int64, dictionary bool) hunting.Batch {
	texty := arrow.DataType(arrow.BinaryTypes.String)
	if dictionary {
		texty = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "N", Type: arrow.PrimitiveTypes.Int64}, {Name: "Timestamp", Type: schema.DateTime}, {Name: "Text", Type: texty, Nullable: true},
	}, nil))
	defer b.Release()
	for i, text := range texts {
		b.Field(0).(*array.Int64Builder).Append(first + int64(i))
		appendCell(b.Field(1), ticks(2026, 3, 4, 0)+day(i)*864_000_000_000+first+int64(i))
		switch to := b.Field(2).(type) {
		case *array.StringBuilder:
			appendCell(to, text)
		case *array.BinaryDictionaryBuilder:
			if text == nil {
				to.AppendNull()
			} else if err := to.AppendString(text.(string)); err != nil {
				panic(err)
			}
		}
	}
	return hunting.Batch{Record: b.NewRecord()}
}

// textsOf is a file's texts by the rows' numbers.
func textsOf(t testing.TB, f written, into map[int64]any) {
	t.Helper()
	for _, r := range readRows(t, f) {
		if _, twice := into[r.N]; twice {
			t.Errorf("row %d appears twice", r.N)
		}
		into[r.N] = r.Text
	}
}

// TestTextsReadBack: in whatever form a batch holds them, wherever the writer gives up its
// own dictionary, however rows are dealt to days.
func TestTextsReadBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		groupRows := rapid.SampledFrom([]int{7, 1000, 100_000}).Draw(r, "row group")
		var batches []hunting.Batch
		want := map[int64]any{}
		next := int64(0)
		for range rapid.IntRange(1, 3).Draw(r, "batches") {
			n := rapid.SampledFrom([]int{1, 70, 5000}).Draw(r, "rows")
			if groupRows == 7 {
				n = min(n, 70)
			}
			different := rapid.SampledFrom([]int{1, 3, n/2 + 1, n}).Draw(r, "different")
			nulls := rapid.SampledFrom([]int{0, 2, 3}).Draw(r, "null each")
			texts := make([]any, n)
			for i := range texts {
				if nulls == 0 || i%nulls > 0 {
					texts[i] = fmt.Sprint("text ", i*7919%different)
				}
				if i == 1 {
					texts[i] = ""
				}
				want[next+int64(i)] = texts[i]
			}
			days := rapid.Int64Range(1, 2).Draw(r, "days")
			day := func(i int) int64 { return int64(i) % days }
			batches = append(batches, textBatch(next, texts, day, rapid.Bool().Draw(r, "dictionary")))
			next += int64(n)
		}
		got := map[int64]any{}
		for _, f := range write(t, newFormat(t, parquet.Config{RowGroupRows: groupRows}), batches...) {
			textsOf(t, f, got)
		}
		if len(got) != len(want) {
			r.Fatalf("%d rows, %d were written", len(got), len(want))
		}
		for n, text := range want {
			if got[n] != text {
				r.Fatalf("row %d is %q, want %q", n, got[n], text)
			}
		}
	})
}

// TestDictionaryThatGrowsTooLarge: it is given up as a whole, also where each of its
// entries repeats.
func TestDictionaryThatGrowsTooLarge(t *testing.T) {
	for _, c := range []struct {
		different  int
		dictionary bool
	}{{30_000, true}, {41_000, false}} {
		texts := make([]any, 3*c.different)
		for i := range texts {
			texts[i] = fmt.Sprint("text ", i%c.different)
		}
		day := func(int) int64 { return 0 }
		f := write(t, newFormat(t, parquet.Config{}), textBatch(0, texts[:2*c.different], day, true), textBatch(int64(2*c.different), texts[2*c.different:], day, true))["2026-03-04"]
		if has := slices.Contains(f.Metadata().RowGroups[0].Columns[2].MetaData.Encoding, format.RLEDictionary); has != c.dictionary {
			t.Errorf("%d different texts: dictionary %v, want %v", c.different, has, c.dictionary)
		}
		got := map[int64]any{}
		textsOf(t, f, got)
		for i, text := range texts {
			if got[int64(i)] != text {
				t.Fatalf("row %d is %v, want %v", i, got[int64(i)], text)
			}
		}
	}
}
