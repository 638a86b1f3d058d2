package file_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"hunting-exporter/sink/parquet/file"
)

// Integers that repeat have a dictionary, in all row groups of a file or in none.
func TestDictionariesOfIntegers(t *testing.T) {
	const n = 40_000
	columns := []file.Column{{Name: "small", Kind: file.Int32}, {Name: "few", Kind: file.Int64}, {Name: "many", Kind: file.Int64}, {Name: "time", Kind: file.TimestampMicros}}
	group := func(different int) []file.Values {
		v := make([]file.Values, len(columns))
		for i := range n {
			v[0].Int32s = append(v[0].Int32s, int32(-i%16))
			v[1].Int64s = append(v[1].Int64s, int64(i%different)<<40)
			v[2].Int64s = append(v[2].Int64s, int64(i/2))
			v[3].Int64s = append(v[3].Int64s, 7)
		}
		return v
	}
	var out bytes.Buffer
	w := file.New(&out, columns, file.NewEncoder(codecs[1]), "test")
	for _, different := range []int{2000, n} {
		if err := w.WriteRowGroup(n, group(different), nil, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(nil); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range f.Metadata().RowGroups {
		for j, want := range []bool{true, true, false, false} {
			if m := g.Columns[j].MetaData; (m.DictionaryPageOffset > 0) != want || slices.Contains(m.Encoding, format.RLEDictionary) != want {
				t.Errorf("row group %d, %s: dictionary at %d, encodings %v; want one: %v", i, columns[j].Name, m.DictionaryPageOffset, m.Encoding, want)
			}
		}
	}
	if size := f.Metadata().RowGroups[0].Columns[0].MetaData.TotalCompressedSize; size > n/2+1000 {
		t.Errorf("%d bytes for numbers of four bits", size)
	}
}
