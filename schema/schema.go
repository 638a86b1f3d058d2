// Package schema says what a hunting column is and which Arrow type it becomes,
// and holds the catalogue of known tables.
//
// The Schema that an answer carries always decides; the catalogue serves planning,
// keys and tests, never the types of a column.
package schema

import (
	"regexp"

	"github.com/apache/arrow/go/v15/arrow"
)

// Column is one column as an answer's Schema names it. Type is the API's type
// name (.NET style: DateTime, SByte, Int64, Object…), not a KQL name.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Names of columns that the exporter itself adds.
const (
	// IngestionTime is the column that table queries add: ingestion_time() of the row.
	IngestionTime = "_IngestionTime"
	// SnapshotTime is the column that snapshots add: when the table was exported.
	SnapshotTime = "_SnapshotTime"
	// Partition and TenantPartition are the columns that readers make of the lake's
	// folders dt=YYYY-MM-DD and, where tenants share a lake, tenant=<id>.
	Partition       = "dt"
	TenantPartition = "tenant"
	// Extra holds, as one JSON object, the keys of a row that the Schema did not name.
	Extra = "_extra"
)

// Keys of an Arrow field's metadata.
const (
	// MetaName is the column's name in the API; it differs from the field's name
	// only where two names collide when case is ignored.
	MetaName = "hunting.name"
	// MetaType is the column's type name in the API.
	MetaType = "hunting.type"
)

var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ValidName reports whether s may be used as a table or column name in KQL.
func ValidName(s string) bool { return len(s) <= 256 && name.MatchString(s) }

// APIName returns the name that the API gave the column of an Arrow field.
func APIName(f arrow.Field) string {
	if v, ok := f.Metadata.GetValue(MetaName); ok {
		return v
	}
	return f.Name
}

// APIType returns the type name that the API gave the column of an Arrow field.
func APIType(f arrow.Field) string {
	v, _ := f.Metadata.GetValue(MetaType)
	return v
}
