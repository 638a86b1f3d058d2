// Package s3 keeps the hive layout of a lake, on S3 or in a directory: it uploads,
// publishes, aborts and sweeps Parquet files.
//
// It guarantees that nothing is visible before Publish, and that what Publish reports as
// done is there, of the size and sha256 that were written. Error paths never drop an
// upload: only Abort and Sweep do, and their callers know why.
package s3

import (
	"log/slog"

	"hunting-exporter/blob"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/parquet"
)

// Sink writes to one lake. It may be used by several datasets at once.
type Sink struct {
	store  blob.Store
	format *parquet.Format
	layout hive
	log    *slog.Logger
}

var _ commit.Publisher = (*Sink)(nil)

// New returns a sink on the lake's store. tenant is the id whose folder the files go to,
// where tenants share the lake; empty: there is no such folder.
func New(store blob.Store, format *parquet.Format, tenant string, log *slog.Logger) *Sink {
	return &Sink{store: store, format: format, layout: hive{tenant}, log: log}
}
