package parquet

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

// metadata says what a file holds: rows of this file, of the writer's range.
func (w *Writer) metadata(p *partition, to time.Time) [][2]string {
	return [][2]string{
		{metaTable, w.dataset.Name},
		{metaFrom, w.from.UTC().Format(timeFormat)},
		{metaTo, to.UTC().Format(timeFormat)},
		{metaRows, strconv.FormatInt(p.rows, 10)},
		{metaSchema, schema.Fingerprint(w.schema.arrow)},
		{metaVersion, w.format.info.Version},
		{metaColumns, schema.ColumnsJSON(w.schema.arrow)},
	}
}
