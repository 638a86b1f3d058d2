package readers_test

import (
	"fmt"
	"os"

	"github.com/parquet-go/parquet-go"
)

// firstInt is the first value of a column of integers.
func firstInt(path, name string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return 0, err
	}
	leaf, ok := file.Schema().Lookup(name)
	if !ok {
		return 0, fmt.Errorf("%s has no column %s", path, name)
	}
	pages := file.RowGroups()[0].ColumnChunks()[leaf.ColumnIndex].Pages()
	defer pages.Close()
	page, err := pages.ReadPage()
	if err != nil {
		return 0, err
	}
	values := make([]parquet.Value, 1)
	if n, err := page.Values().ReadValues(values); n != 1 {
		return 0, fmt.Errorf("read %s of %s: %w", name, path, err)
	}
	return values[0].Int64(), nil
}
