package parquet_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/pool"
	"hunting-exporter/internal/setting"
	"hunting-exporter/sink/parquet"
)

func TestProblems(t *testing.T) {
	for _, c := range []parquet.Config{
		{},
		{RowGroupRows: 1, Compression: "snappy", Timestamp: "ns", Bloom: []string{"none"}},
		{RowGroupRows: 10_000_000, Compression: "none", Timestamp: "us", Bloom: []string{"DeviceId", "SHA256"}},
	} {
		if got := setting.WithDefaults(c).Problems(); len(got) != 0 {
			t.Errorf("%+v: %v", c, got)
		}
	}
	for variable, c := range map[string]parquet.Config{
		"PARQUET_COMPRESSION":    {Compression: "lzma"},
		"PARQUET_TIMESTAMP":      {Timestamp: "ms"},
		"PARQUET_ROW_GROUP_ROWS": {RowGroupRows: 10_000_001},
		"PARQUET_BLOOM":          {Bloom: []string{"DeviceId", "no column"}},
	} {
		if got := setting.WithDefaults(c).Problems(); len(got) != 1 || got[0].Variable != variable || got[0].Reason == "" || got[0].Fix == "" {
			t.Errorf("%+v: %+v, want %s with reason and fix", c, got, variable)
		}
	}
}

// TestChosenBloomFilters: a column that some dataset has is no mistake; one that none has is
// told once all have come, and one that no filter is made for at once.
func TestChosenBloomFilters(t *testing.T) {
	for _, c := range []struct {
		bloom []string
		first string // said of the dataset with all columns
		last  string // said of the one that lacks the last column
	}{
		{[]string{"FileSHA256", "Bytes"}, "", ""},
		{[]string{"_IngestionTime"}, "_IngestionTime of DeviceEvents is", ""},
		{[]string{"Score"}, "Score of DeviceEvents is", "Score of Less is"},
		{[]string{"AccountSid", "Bytes"}, "", "no dataset has a column AccountSid"},
		{[]string{"none"}, "", ""},
	} {
		format := parquet.New(parquet.Config{Bloom: c.bloom, Spill: t.TempDir()}, parquet.Info{Datasets: 2}, new(pool.Pool))
		said := func(name string, b hunting.Batch) string {
			w, err := format.Begin(hunting.Dataset{Name: name, TimeColumn: "Timestamp"}, windowStart)
			if err != nil {
				t.Fatal(err)
			}
			err = w.Write(t.Context(), b)
			if closed := w.Close(); closed != nil {
				t.Error(closed)
			}
			if err == nil {
				return ""
			}
			if !hunting.Refused(err) || !strings.Contains(err.Error(), "PARQUET_BLOOM: ") {
				t.Errorf("%v: %v, want a refusal that names the setting", c.bloom, err)
			}
			return err.Error()
		}
		less := batch(row{N: 1})
		less.Record = withoutLastColumn(less.Record)
		for i, got := range []string{said("DeviceEvents", batch(row{N: 1})), said("Less", less)} {
			want := []string{c.first, c.last}[i]
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%v: dataset %d: %q, want %q", c.bloom, i, got, want)
			}
		}
	}
}

// TestColumnsThatNoFileCanHave: they are named, before anything is written.
func TestColumnsThatNoFileCanHave(t *testing.T) {
	for says, fields := range map[string][]arrow.Field{
		"column A appears twice": {{Name: "A", Type: arrow.PrimitiveTypes.Int64}, {Name: "A", Type: arrow.PrimitiveTypes.Int64}},
		"column B has type":      {{Name: "B", Type: arrow.PrimitiveTypes.Uint8}},
	} {
		columns := make([]arrow.Array, len(fields))
		for i, f := range fields {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, 1)
		}
		rec := array.NewRecord(arrow.NewSchema(fields, nil), columns, 1)
		err := begin(t, newFormat(t, parquet.Config{})).Write(t.Context(), hunting.Batch{Record: rec})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("write: %v, want %q", err, says)
		}
	}
}
