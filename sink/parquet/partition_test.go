package parquet_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/format"
	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet"
)

// stored is what becomes of a row in a file: times in the file's unit, cut towards
// the past, and NaN as null.
func stored(r row, unit string) row {
	convert := func(cell any) any {
		t, ok := cell.(int64)
		if !ok {
			return nil
		}
		if unit == "ns" {
			return t * 100
		}
		if t%10 < 0 {
			return t/10 - 1
		}
		return t / 10
	}
	r.Time, r.Late = convert(r.Time), convert(r.Late)
	if f, ok := r.F64.(float64); ok && math.IsNaN(f) {
		r.F64 = nil
	}
	return r
}

func TestEveryTypeReadsBack(t *testing.T) {
	for _, cfg := range []parquet.Config{
		{}, {Compression: "snappy"}, {Compression: "none"}, {Timestamp: "ns"}, {RowGroupRows: 2},
	} {
		files := write(t, newFormat(t, cfg), batch(extremes()...))
		var want []row
		for _, r := range extremes() {
			want = append(want, stored(r, cfg.Timestamp))
		}
		if diff := cmp.Diff(want, readRows(t, files["2026-03-04"])); diff != "" {
			t.Errorf("%+v (-written +read):\n%s", cfg, diff)
		}
	}
}

func genRow(n int64) *rapid.Generator[row] {
	return rapid.Custom(func(t *rapid.T) row {
		null := func(label string, v any) any {
			if rapid.IntRange(0, 3).Draw(t, label+"?") == 0 {
				return nil
			}
			return v
		}
		day := rapid.Int64Range(-3, 3).Draw(t, "day")
		tick := ticks(2026, 3, 4, 0) + day*864_000_000_000 + rapid.Int64Range(0, 863_999_999_999).Draw(t, "tick")
		return row{
			N: n, Time: null("time", tick),
			Text: null("text", rapid.String().Draw(t, "text")),
			Same: null("same", rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "same")),
			Flag: null("flag", rapid.Bool().Draw(t, "flag")),
			I32:  null("i32", rapid.Int32().Draw(t, "i32")),
			I64:  null("i64", rapid.Int64().Draw(t, "i64")),
			F64:  null("f64", rapid.Float64().Draw(t, "f64")),
			JSON: null("json", rapid.StringN(0, 2000, -1).Draw(t, "json")),
			Late: null("late", tick+rapid.Int64Range(0, 2*864_000_000_000).Draw(t, "delay")),
		}
	})
}

// dayOf is the rule for dt, said once more and differently.
func dayOf(r row) string {
	for _, cell := range []any{r.Time, r.Late} {
		if t, ok := cell.(int64); ok {
			return schema.FromTicks(t).Format("2006-01-02")
		}
	}
	return windowStart.Format("2006-01-02")
}

func TestEveryRowIsInTheFileOfItsDay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cfg := parquet.Config{RowGroupRows: rapid.IntRange(1, 9).Draw(r, "row group")}
		want := map[string]map[int64]row{}
		var batches []hunting.Batch
		n := int64(0)
		for range rapid.IntRange(0, 3).Draw(r, "batches") {
			var rows []row
			for range rapid.IntRange(0, 12).Draw(r, "rows") {
				one := genRow(n).Draw(r, "row")
				rows = append(rows, one)
				if want[dayOf(one)] == nil {
					want[dayOf(one)] = map[int64]row{}
				}
				want[dayOf(one)][n] = stored(one, "us")
				n++
			}
			batches = append(batches, batch(rows...))
		}
		got := map[string]map[int64]row{}
		total := int64(0)
		for dt, f := range write(t, newFormat(t, cfg), batches...) {
			total += f.info.Rows
			got[dt] = map[int64]row{}
			for _, one := range readRows(t, f) {
				if _, twice := got[dt][one.N]; twice {
					r.Errorf("row %d appears twice", one.N)
				}
				got[dt][one.N] = one
			}
		}
		if total != n {
			r.Errorf("files count %d rows, %d were written", total, n)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Errorf("(-written +read):\n%s", diff)
		}
	})
}

func TestTimesOfEveryYear(t *testing.T) {
	first, last := ticks(1, 1, 1, 0), ticks(9999, 12, 31, 23)+3600*10_000_000-1
	files := write(t, newFormat(t, parquet.Config{}),
		batch(row{N: 1, Time: first, Late: last}, row{N: 2, Time: last}, row{N: 3, Time: ticks(1969, 12, 31, 23)}))
	want := map[string][]row{
		"0001-01-01": {{N: 1, Time: first / 10, Late: last / 10}},
		"9999-12-31": {{N: 2, Time: last / 10}},
		"1969-12-31": {{N: 3, Time: int64(-3_600_000_000)}},
	}
	got := map[string][]row{}
	for dt, f := range files {
		got[dt] = readRows(t, f)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestNanosecondsRefuseWhatTheyCannotHold(t *testing.T) {
	w := begin(t, newFormat(t, parquet.Config{Timestamp: "ns"}))
	err := w.Write(t.Context(), batch(row{Time: ticks(2026, 3, 4, 0), Late: ticks(1601, 1, 1, 0)}))
	if err == nil || !strings.Contains(err.Error(), schema.IngestionTime) || !strings.Contains(err.Error(), "PARQUET_TIMESTAMP=us") {
		t.Errorf("write: %v, want column and fix", err)
	}
	if err := w.Finish(t.Context(), windowEnd, nil); err == nil {
		t.Error("finish after a failed write succeeded")
	}
}

func TestFileDescribesItself(t *testing.T) {
	f := write(t, newFormat(t, parquet.Config{}), batch(extremes()...))["2026-03-04"]
	for key, want := range map[string]string{
		"hunting.table":   "DeviceEvents",
		"hunting.from":    "2026-03-04T00:00:00.0000000Z",
		"hunting.to":      "2026-03-04T01:00:00.0000000Z",
		"hunting.rows":    "7",
		"hunting.version": "v1.2.3",
		"hunting.schema":  schema.Fingerprint(tableSchema()),
		"hunting.columns": schema.ColumnsJSON(tableSchema()),
	} {
		if got, _ := f.Lookup(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for i, field := range f.Schema().Fields() {
		if field.Name() != table[i].name || !field.Optional() {
			t.Errorf("column %d is %s, optional %v; want %s", i, field.Name(), field.Optional(), table[i].name)
		}
	}
}

// TestEncodingsThatReadersKnow: only plain and dictionary, and both kinds of
// annotation on text.
func TestEncodingsThatReadersKnow(t *testing.T) {
	f := write(t, newFormat(t, parquet.Config{}), batch(many(1000)...))["2026-03-04"]
	for i, chunk := range f.Metadata().RowGroups[0].Columns {
		name := table[i].name
		dictionary := false
		for _, e := range chunk.MetaData.Encoding {
			dictionary = dictionary || e == format.RLEDictionary
			if e != format.Plain && e != format.RLEDictionary && e != format.RLE {
				t.Errorf("column %s uses %s", name, e)
			}
		}
		if want := name == "ActionType"; dictionary != want {
			t.Errorf("column %s: dictionary %v, want %v", name, dictionary, want)
		}
		element := f.Metadata().Schema[i+1]
		if table[i].api == "String" || table[i].api == "Dynamic" {
			if element.LogicalType.Value == nil || !element.ConvertedType.Valid {
				t.Errorf("column %s: logical %v, converted %v; want both", name, element.LogicalType, element.ConvertedType)
			}
		}
	}
}

// many returns rows of which ActionType repeats and FileSHA256 does not.
func many(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{
			N: int64(i), Time: ticks(2026, 3, 4, 5) + int64(i),
			Text: strings.Repeat("f", 56) + string(rune('a'+i%26)) + string(rune('\u4e00'+i)),
			Same: []string{"Created", "Deleted"}[i%2], JSON: strings.Repeat("j", i%2000),
		}
	}
	return rows
}

func TestOneSchemaAWriter(t *testing.T) {
	w := begin(t, newFormat(t, parquet.Config{}))
	if err := w.Write(t.Context(), batch(row{N: 1})); err != nil {
		t.Fatal(err)
	}
	fewer := batch(row{N: 1})
	fewer.Record = fewer.Record.NewSlice(0, 1)
	fewer.Record = withoutLastColumn(fewer.Record)
	if err := w.Write(t.Context(), fewer); err == nil {
		t.Error("another schema was taken")
	}
	if err := w.Finish(t.Context(), windowEnd, nil); err == nil {
		t.Error("finish after a failed write succeeded")
	}
}
