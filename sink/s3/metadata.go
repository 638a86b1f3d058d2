package s3

import (
	"strconv"
	"time"

	"hunting-exporter/schema"
)

// Keys of a file's metadata.
const (
	metaTable   = "hunting.table"
	metaFrom    = "hunting.from"
	metaTo      = "hunting.to"
	metaRows    = "hunting.rows"
	metaSchema  = "hunting.schema"
	metaVersion = "hunting.version"
	metaColumns = "hunting.columns"
)

const timeFormat = "2006-01-02T15:04:05.0000000Z"

// metadata says what a file holds: rows of this file, of the commit's range.
func (w *writer) metadata(f *file, to time.Time) [][2]string {
	return [][2]string{
		{metaTable, w.attempt.Dataset.Name},
		{metaFrom, w.attempt.From.UTC().Format(timeFormat)},
		{metaTo, to.UTC().Format(timeFormat)},
		{metaRows, strconv.FormatInt(f.rows, 10)},
		{metaSchema, schema.Fingerprint(w.layout.schema)},
		{metaVersion, w.sink.info.Version},
		{metaColumns, schema.ColumnsJSON(w.layout.schema)},
	}
}
