// Package parquet turns Arrow batches into Parquet files on local disk, one for each day
// that rows fall on. It guarantees that no file is handed on that was not read back and
// found whole. It knows no lake.
//
// Text, numbers and times are stored as they came, with one loss by choice: with
// PARQUET_TIMESTAMP=us the seventh fraction digit (100 ns) is cut off. Every column
// is optional, also those that the API never answers null: a column that the schema
// gains or loses later is null in the other files, and readers unite them by name.
package parquet

import (
	"strconv"

	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
)

// Config is how files are written.
type Config struct {
	Compression  string       `env:"PARQUET_COMPRESSION, default=zstd"`
	RowGroupRows int          `env:"PARQUET_ROW_GROUP_ROWS, default=122880"`
	Timestamp    string       `env:"PARQUET_TIMESTAMP, default=us"`
	Bloom        setting.List `env:"PARQUET_BLOOM"` // empty: by the columns' names; "none": no filters
	Spill        string       // directory where files wait; empty: the temporary directory
}

// Values of Config.
const (
	zstdCompression   = "zstd"
	snappyCompression = "snappy"
	noCompression     = "none"
	microseconds      = "us"
	nanoseconds       = "ns"
	noBloom           = "none"
)

const defaultRowGroupRows = 122_880

// Problems lists every setting that cannot be used.
func (c Config) Problems() []setting.Problem {
	var problems []setting.Problem
	add := func(variable, value, reason, fix string) {
		problems = append(problems, setting.Problem{Variable: variable, Value: value, Reason: reason, Fix: fix})
	}
	switch c.Compression {
	case "", zstdCompression, snappyCompression, noCompression:
	default:
		add("PARQUET_COMPRESSION", c.Compression, "not a known compression", "set zstd, snappy or none")
	}
	switch c.Timestamp {
	case "", microseconds, nanoseconds:
	default:
		add("PARQUET_TIMESTAMP", c.Timestamp, "not a known unit", "set us, or ns to keep all seven digits")
	}
	if c.RowGroupRows < 1 || c.RowGroupRows > 10_000_000 {
		add("PARQUET_ROW_GROUP_ROWS", strconv.Itoa(c.RowGroupRows), "out of range", "set 1 to 10000000, or leave it at 122880")
	}
	for _, name := range c.Bloom {
		if !schema.ValidName(name) {
			add("PARQUET_BLOOM", name, "not a column's name", "set a comma list of columns, or none")
		}
	}
	return problems
}

// withDefaults fills in what is not set, for callers that make a Config themselves.
func (c Config) withDefaults() Config {
	if c.Compression == "" {
		c.Compression = zstdCompression
	}
	if c.RowGroupRows <= 0 {
		c.RowGroupRows = defaultRowGroupRows
	}
	if c.Timestamp == "" {
		c.Timestamp = microseconds
	}
	return c
}
