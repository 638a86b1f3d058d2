package parquet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	parquetgo "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"hunting-exporter/sink/parquet"
)

func TestBloomFiltersHoldEveryValue(t *testing.T) {
	for name, columns := range map[string][]string{"by name": nil, "chosen": {"FileSHA256", "ActionType"}} {
		f := write(t, newFormat(t, parquet.Config{RowGroupRows: 100, Bloom: columns}), batch(many(1000)...))["2026-03-04"]
		for i, group := range f.RowGroups() {
			for j, chunk := range group.ColumnChunks() {
				filter := chunk.BloomFilter()
				want := table[j].name == "FileSHA256" || columns != nil && table[j].name == "ActionType"
				if (filter != nil) != want {
					t.Errorf("%s: column %s has a filter: %v, want %v", name, table[j].name, filter != nil, want)
				}
				if filter == nil {
					continue
				}
				for _, r := range many(1000)[i*100 : i*100+100] {
					if ok, err := filter.Check(parquetgo.ValueOf(r.cells()[j])); err != nil || !ok {
						t.Fatalf("%s: row group %d lacks %v in column %s (%v)", name, i, r.cells()[j], table[j].name, err)
					}
				}
			}
		}
	}
	f := write(t, newFormat(t, parquet.Config{Bloom: []string{"none"}}), batch(many(10)...))["2026-03-04"]
	for _, chunk := range f.RowGroups()[0].ColumnChunks() {
		if chunk.BloomFilter() != nil {
			t.Error("a filter though none is wanted")
		}
	}
}

// TestPageIndexNeverExcludesAValue: a reader prunes pages by these bounds.
func TestPageIndexNeverExcludesAValue(t *testing.T) {
	f := write(t, newFormat(t, parquet.Config{}), batch(many(3000)...))["2026-03-04"]
	for j, chunk := range f.RowGroups()[0].ColumnChunks() {
		index, err := chunk.ColumnIndex()
		if err != nil {
			t.Fatal(err)
		}
		pages := chunk.Pages()
		for p := 0; ; p++ {
			page, err := pages.ReadPage()
			if err != nil {
				break
			}
			values := make([]parquetgo.Value, page.NumValues())
			_, _ = page.Values().ReadValues(values)
			for _, v := range values {
				if v.IsNull() {
					continue
				}
				if index.NullPage(p) || chunk.Type().Compare(index.MinValue(p), v) > 0 || chunk.Type().Compare(index.MaxValue(p), v) < 0 {
					t.Fatalf("column %s page %d: %v is outside [%v, %v]", table[j].name, p, v, index.MinValue(p), index.MaxValue(p))
				}
			}
			parquetgo.Release(page)
		}
		_ = pages.Close()
	}
}

// TestLongCellsStayOutOfTheFooter: whole copies there make files unreadable.
func TestLongCellsStayOutOfTheFooter(t *testing.T) {
	const length = 1 << 20
	var rows []row
	for i := range 4 {
		long := strings.Repeat(string(rune('a'+i)), length)
		rows = append(rows, row{N: int64(i), Time: ticks(2026, 3, 4, 5), Text: long, JSON: long})
	}
	f := write(t, newFormat(t, parquet.Config{Compression: "none"}), batch(rows...))["2026-03-04"]
	if want := int64(8*length + 100_000); f.info.Size > want {
		t.Errorf("8 cells of 1 MiB make a file of %d bytes", f.info.Size)
	}
}

// TestTextIsEncodedAlikeInAllRowGroups: fastparquet reads null where a later row group
// has no dictionary and an earlier one has.
func TestTextIsEncodedAlikeInAllRowGroups(t *testing.T) {
	const each = 200
	repeating := func(i int) string { return fmt.Sprint("text ", i%3) }
	different := func(i int) string { return fmt.Sprint("text ", i) }
	for name, texts := range map[string][]func(int) string{
		"dictionary": {repeating, different, different},
		"plain":      {different, repeating, repeating},
	} {
		var rows []row
		for i := range each * len(texts) {
			rows = append(rows, row{N: int64(i), Text: texts[i/each](i), Time: ticks(2026, 3, 4, 5) + int64(i)})
		}
		for _, f := range write(t, newFormat(t, parquet.Config{RowGroupRows: each}), batch(rows...)) {
			for i, g := range f.Metadata().RowGroups {
				has := slices.Contains(g.Columns[2].MetaData.Encoding, format.RLEDictionary)
				if has != (name == "dictionary") {
					t.Errorf("%s: row group %d has a dictionary: %v", name, i, has)
				}
			}
			for i, got := range readRows(t, f) {
				if got.Text != rows[i].Text {
					t.Fatalf("%s: row %d is %v, want %v", name, i, got.Text, rows[i].Text)
				}
			}
		}
	}
}

// TestRowGroupsOfABatchFollowEachOther: rows come in any order, and a reader that asks for
// an hour need not open the row groups of the others.
func TestRowGroupsOfABatchFollowEachOther(t *testing.T) {
	const each, n = 100, 401
	var rows []row
	for i := range n {
		rows = append(rows, row{N: int64(i * 100 % n), Time: ticks(2026, 3, 4, 5) + int64(i*100%n)})
	}
	f := write(t, newFormat(t, parquet.Config{RowGroupRows: each}), batch(rows...))["2026-03-04"]
	for i, got := range readRows(t, f) {
		if got.N != int64(i) {
			t.Fatalf("row %d of the file is number %d by time", i, got.N)
		}
	}
}
