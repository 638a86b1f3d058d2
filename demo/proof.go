package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/sink/lake"
	"hunting-exporter/tenant"
)

// multiset counts rows by their hash.
type multiset map[xxh3.Uint128]int

// Verdict is what the comparison of one table came to, cell by cell.
type Verdict struct {
	Table   string
	Truth   int // rows that the tenant holds of the exported stretch
	Lake    int // rows in the files that manifests name
	Missing int // of Truth, not in the lake
	Extra   int // of Lake, not in the truth, or more often than there
	Files   int
}

// Complete reports whether the lake holds what the tenant holds.
func (v Verdict) Complete() bool { return v.Missing == 0 && v.Extra == 0 && v.Truth == v.Lake }

// Compare compares a table in a lake with what the tenant holds of [from, to), and the files
// that are there with those that manifests name.
func Compare(ctx context.Context, l *lake.Lake, t *tenant.Tenant, table string, from, to time.Time) (Verdict, error) {
	v := Verdict{Table: table}
	files, err := l.Files(ctx, table)
	if err != nil {
		return v, fmt.Errorf("compare %s: %w", table, err)
	}
	v.Files = len(files)
	rows := multiset{}
	unit := time.Microsecond
	for _, key := range files {
		if unit, err = readFile(ctx, l, key, rows); err != nil {
			return v, fmt.Errorf("compare %s: %w", table, err)
		}
	}
	for _, n := range rows {
		v.Lake += n
	}
	v.compare(t.Rows(table), rows, from, to, unit)
	return v, nil
}

// compare takes the truth's rows out of the lake's.
func (v *Verdict) compare(truth tenant.Truth, rows multiset, from, to time.Time, unit time.Duration) {
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

// readFile adds a file's rows and returns the unit of its times.
func readFile(ctx context.Context, l *lake.Lake, key string, rows multiset) (time.Duration, error) {
	f, err := l.Open(ctx, key)
	if err != nil {
		return 0, err
	}
	names := make([]string, len(f.Columns))
	for i, c := range f.Columns {
		names[i] = c.Name
	}
	text := newRowText(names)
	for row, err := range f.Rows() {
		if err != nil {
			return 0, fmt.Errorf("file %s: %w", key, err)
		}
		rows[xxh3.Hash128(text.row(func(b []byte, i int) []byte { return appendLake(b, row[i], f.Units[i]) }))]++
	}
	if slices.Contains(f.Units, time.Nanosecond) {
		return hunting.Tick, nil
	}
	return time.Microsecond, nil
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
