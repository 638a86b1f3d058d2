package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// multiset counts rows by their hash.
type multiset map[xxh3.Uint128]int

// verdict is what the comparison of one table came to, cell by cell.
type verdict struct {
	Table   string
	Truth   int // rows that the tenant holds of the exported stretch
	Lake    int // rows in the files that manifests name
	Missing int // of Truth, not in the lake
	Extra   int // of Lake, not in the truth, or more often than there
	Files   int
}

func (v verdict) ok() bool { return v.Missing == 0 && v.Extra == 0 && v.Truth == v.Lake }

// verify compares a table in a lake on disk with what the tenant holds of
// [from, to), and the files that are there with those that manifests name.
func verify(lake string, t *tenant.Tenant, table string, from, to time.Time) (verdict, error) {
	v := verdict{Table: table}
	files, err := manifestFiles(lake, table)
	if err != nil {
		return v, fmt.Errorf("verify %s: %w", table, err)
	}
	v.Files = len(files)
	rows := multiset{}
	unit := time.Microsecond
	for _, f := range files {
		if unit, err = readFile(filepath.Join(lake, f), rows); err != nil {
			return v, fmt.Errorf("verify %s: file %s: %w", table, f, err)
		}
	}
	for _, n := range rows {
		v.Lake += n
	}
	v.compare(t.Rows(table), rows, from, to, unit)
	return v, nil
}

// compare takes the truth's rows out of the lake's.
func (v *verdict) compare(truth tenant.Truth, rows multiset, from, to time.Time, unit time.Duration) {
	names := make([]string, 0, len(truth.Columns)+1)
	for _, c := range truth.Columns {
		names = append(names, c.Name)
	}
	names = append(names, schema.IngestionTime)
	text := newRowText(names)
	for row := range truth.Rows {
		if row.Ingested.Before(from) || !row.Ingested.Before(to) {
			continue
		}
		v.Truth++
		h := xxh3.Hash128(text.row(func(b []byte, i int) []byte {
			switch {
			case i == len(truth.Columns):
				return appendTicks(b, schema.ToTicks(row.Ingested.Truncate(unit)))
			case truth.Columns[i].Type == "DateTime" && !row.Cells[i].Null:
				return appendTicks(b, schema.ToTicks(schema.FromTicks(row.Cells[i].Int).Truncate(unit)))
			}
			return appendTruth(b, row.Cells[i], truth.Columns[i].Type)
		}))
		if rows[h] == 0 {
			v.Missing++
			continue
		}
		rows[h]--
	}
	for _, n := range rows {
		v.Extra += n
	}
}

// manifestFiles lists the files that a table's manifests name, and fails if other
// ones lie in the lake.
func manifestFiles(lake, table string) ([]string, error) {
	manifests, err := filepath.Glob(filepath.Join(globEscape(lake), "_meta", "manifests", table, "*.json"))
	if err != nil {
		return nil, err
	}
	var named []string
	for _, path := range manifests {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var m commit.Manifest
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, fmt.Errorf("manifest %s: %w", path, err)
		}
		for _, f := range m.Files {
			named = append(named, f.Key)
		}
	}
	err = filepath.WalkDir(filepath.Join(lake, table), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		key, err := filepath.Rel(lake, path)
		if err == nil && !slices.Contains(named, filepath.ToSlash(key)) {
			return fmt.Errorf("file %s is in no manifest", key)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) && len(named) == 0 {
		err = nil
	}
	return named, err
}

// readFile adds a Parquet file's rows and returns the resolution of its times.
func readFile(path string, rows multiset) (unit time.Duration, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return 0, err
	}
	names, err := apiNames(file)
	if err != nil {
		return 0, err
	}
	units := make([]time.Duration, len(names)) // 0: no time
	unit = time.Microsecond
	for i, field := range file.Schema().Fields() {
		logical := field.Type().LogicalType()
		if logical == nil {
			continue
		}
		if stamp, ok := logical.Value.(*format.TimestampType); ok {
			units[i] = stamp.Unit.Value.Duration()
		}
		if units[i] == time.Nanosecond {
			unit = hunting.Tick
		}
	}
	text := newRowText(names)
	for _, group := range file.RowGroups() {
		if err := readGroup(group, text, units, rows); err != nil {
			return 0, err
		}
	}
	return unit, nil
}

// apiNames are the columns' names as the API gave them: a file's own may have a
// suffix where two differ in case only.
func apiNames(file *parquet.File) ([]string, error) {
	text, _ := file.Lookup("hunting.columns")
	var columns []schema.Column
	if err := json.Unmarshal([]byte(text), &columns); err != nil {
		return nil, fmt.Errorf("metadata hunting.columns: %w", err)
	}
	if n := len(file.Schema().Fields()); n != len(columns) {
		return nil, fmt.Errorf("metadata hunting.columns names %d columns, the file has %d", len(columns), n)
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names, nil
}

func readGroup(group parquet.RowGroup, text *rowText, units []time.Duration, rows multiset) (err error) {
	r := group.Rows()
	defer func() { err = errors.Join(err, r.Close()) }()
	buf := make([]parquet.Row, 256)
	for {
		n, err := r.ReadRows(buf)
		for _, row := range buf[:n] {
			h := xxh3.Hash128(text.row(func(b []byte, i int) []byte { return appendLake(b, row[i], units[i]) }))
			rows[h]++
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// appendLake writes one cell of a file as appendTruth writes it.
func appendLake(b []byte, v parquet.Value, unit time.Duration) []byte {
	switch {
	case v.IsNull():
		return append(b, "null"...)
	case unit == time.Microsecond:
		return appendTicks(b, schema.ToTicks(time.UnixMicro(v.Int64())))
	case unit == time.Nanosecond:
		return appendTicks(b, schema.ToTicks(time.Unix(0, v.Int64())))
	}
	switch v.Kind() {
	case parquet.Boolean:
		return fmt.Append(b, v.Boolean())
	case parquet.Int32:
		return fmt.Append(b, v.Int32())
	case parquet.Int64:
		return fmt.Append(b, v.Int64())
	case parquet.Double:
		return appendDouble(b, v.Double())
	}
	return appendText(b, string(v.ByteArray()))
}

var globMeta = regexp.MustCompile(`[\\*?\[]`)

// globEscape makes a pattern that a folder's name alone fits.
func globEscape(dir string) string { return globMeta.ReplaceAllString(dir, `\$0`) }
