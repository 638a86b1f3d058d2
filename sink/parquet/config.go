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
	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
)

// Config is how files are written.
type Config struct {
	Compression  string       `env:"PARQUET_COMPRESSION, default=zstd" help:"codec of the pages" values:"zstd snappy none" wrong:"not a known compression"`
	RowGroupRows int          `env:"PARQUET_ROW_GROUP_ROWS, default=122880" help:"rows of a row group" range:"1..10000000"`
	Timestamp    string       `env:"PARQUET_TIMESTAMP, default=us" help:"'us', which Spark needs, or 'ns' to keep all seven digits" values:"us ns" wrong:"not a known unit" fix:"set us, or ns to keep all seven digits"`
	Bloom        setting.List `env:"PARQUET_BLOOM" help:"columns with a bloom filter, each in one table or query at least, or 'none'; empty: sensible per table"`
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

// Problems lists every setting that cannot be used.
func (c Config) Problems() []setting.Problem {
	problems := setting.Judge(c)
	for _, name := range c.Bloom {
		if !schema.ValidName(name) {
			problems.Add("PARQUET_BLOOM", name, "not a column's name", "set a comma list of columns, or none")
		}
	}
	return problems
}
