package readers_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/parquet-go/parquet-go"

	"hunting-exporter/schema"
)

// TestKeys looks every stored key up, and others that are not stored, by each engine that
// asks bloom filters. (Spark's are parquet-java's, so that a part is enough.)
func TestKeys(t *testing.T) {
	tables := must(t, keyed)
	filters := make([][]filter, len(tables))
	for i, of := range tables {
		filters[i] = of.lookUps()
	}
	each(t, []string{"DuckDB", "DataFusion", "ClickHouse", "parquet-java", "Spark"}, func(t *testing.T, r *reader) {
		asked := 0
		for i, of := range tables {
			asked += sameCounts(t, r, of, r.some(41, filters[i]))
		}
		t.Logf("%d keys", asked)
	})
}

// lookUps are all keys in columns with a bloom filter, and some like them that are not stored.
func (t *table) lookUps() (all []filter) {
	for _, c := range t.keys() {
		stored := map[string]bool{}
		for _, cell := range c.cells {
			stored[cell] = true
		}
		delete(stored, null)
		for i, key := range slices.Sorted(maps.Keys(stored)) {
			all = append(all, t.ask(&c, "=", key[1:]))
			other := []byte(key)
			slices.Reverse(other[1:])
			if i%10 == 0 && utf8.Valid(other) && !stored[string(other)] {
				all = append(all, t.ask(&c, "=", string(other[1:])))
			}
		}
	}
	return all
}

// keys are the columns that have to have a bloom filter.
func (t *table) keys() (all []column) {
	for _, name := range schema.BloomColumns(fieldsOf(t.columns)) {
		if c := t.column(name); c.kind == text && !c.dynamic {
			all = append(all, *c)
		}
	}
	return all
}

func fieldsOf(columns []column) (all []string) {
	for _, c := range columns {
		all = append(all, c.name)
	}
	return all
}

// TestBloomFilters asks the filters themselves, by arrow-go and by parquet-go: each says
// yes to every value of its row group, and mostly no to others.
func TestBloomFilters(t *testing.T) {
	asked, others, wrong := 0, 0, 0
	for _, of := range slices.Concat(must(t, catalogue), must(t, recordedTables), must(t, keyed)) {
		keys := of.keys()
		for _, path := range of.files {
			err := eachFilter(path, keys, func(column string, stored []string, says func(text string) (arrow, other bool, err error)) error {
				for _, cell := range stored {
					if cell == null {
						continue
					}
					a, b, err := says(cell[1:])
					if err != nil || !a || !b {
						return fmt.Errorf("%s %q: arrow-go %t, parquet-go %t: %w", column, cell[1:], a, b, err)
					}
					a, b, err = says(cell + "?")
					if err != nil || a != b {
						return fmt.Errorf("%s %q: arrow-go %t, parquet-go %t: %w", column, cell+"?", a, b, err)
					}
					asked, others, wrong = asked+1, others+1, wrong+yes(a)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s: %v", of.name, err)
			}
		}
	}
	t.Logf("%d values, all there; %d others, %d of them perhaps there", asked, others, wrong)
	if asked == 0 || wrong*20 > others {
		t.Errorf("filters say yes to %d of %d values that are not stored", wrong, others)
	}
}

// eachFilter calls do for each row group and key.
func eachFilter(path string, keys []column, do func(column string, stored []string, says func(text string) (arrow, other bool, err error)) error) error {
	arrow, err := file.OpenParquetFile(path, false)
	if err != nil {
		return err
	}
	defer arrow.Close()
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	other, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return err
	}
	for group := range arrow.NumRowGroups() {
		for _, key := range keys {
			i := arrow.MetaData().Schema.ColumnIndexByName(key.name)
			stored, err := appendChunk(nil, arrow.RowGroup(group), i)
			if err != nil {
				return err
			}
			one, err := arrowGoFilter(arrow, group, i)
			if err != nil {
				return err
			}
			two := other.RowGroups()[group].ColumnChunks()[i].BloomFilter()
			if one == nil || two == nil {
				return fmt.Errorf("%s has no bloom filter in row group %d", key.name, group)
			}
			err = do(key.name, stored, func(text string) (bool, bool, error) {
				there, err := two.Check(parquet.ByteArrayValue([]byte(text)))
				return one(text), there, err
			})
			if err != nil {
				return fmt.Errorf("row group %d: %w", group, err)
			}
		}
	}
	return nil
}
