package parquet

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet/file"
)

// fileSchema is how the columns of a writer are stored, the same for all of its files.
type fileSchema struct {
	arrow   *arrow.Schema
	columns []column
	time    int // the event's own time, by which rows are sorted; -1: none
}

type column struct {
	name  string
	kind  file.Kind
	bloom bool
	// chosen: PARQUET_BLOOM names it.
	chosen bool
}

func newSchema(s *arrow.Schema, timeColumn string, cfg Config) (*fileSchema, error) {
	out := &fileSchema{arrow: s, time: -1}
	blooms, byHand := chosenBlooms(s, cfg.Bloom)
	seen := map[string]bool{}
	for i, f := range s.Fields() {
		if seen[f.Name] {
			return nil, fmt.Errorf("column %s appears twice", f.Name)
		}
		seen[f.Name] = true
		kind, err := kindOf(f, cfg)
		if err != nil {
			return nil, err
		}
		named := slices.Contains(blooms, f.Name)
		out.columns = append(out.columns, column{name: f.Name, kind: kind, bloom: named && hashed(kind), chosen: named && byHand})
		if f.Name == timeColumn && schema.APIName(f) == timeColumn && arrow.TypeEqual(f.Type, schema.DateTime) {
			out.time = i
		}
	}
	return out, nil
}

func kindOf(f arrow.Field, cfg Config) (file.Kind, error) {
	switch t := schema.Plain(f.Type); t.ID() {
	case arrow.BOOL:
		return file.Bool, nil
	case arrow.INT32:
		return file.Int32, nil
	case arrow.INT64:
		return file.Int64, nil
	case arrow.FLOAT64:
		return file.Double, nil
	case arrow.STRING:
		return file.Text, nil
	case arrow.EXTENSION:
		if arrow.TypeEqual(t, schema.DateTime) && cfg.Timestamp == nanoseconds {
			return file.TimestampNanos, nil
		}
		if arrow.TypeEqual(t, schema.DateTime) {
			return file.TimestampMicros, nil
		}
	}
	return 0, fmt.Errorf("column %s has type %s, which no Parquet type is defined for", f.Name, f.Type)
}

// bloomColumns are those that are worth a filter, by their names.
func bloomColumns(s *arrow.Schema) []string {
	var names []string
	for _, f := range s.Fields() {
		if !schema.Dynamic(schema.APIType(f)) {
			names = append(names, f.Name)
		}
	}
	return schema.BloomColumns(names)
}

// file is the columns as the file has them.
func (s *fileSchema) file() []file.Column {
	out := make([]file.Column, len(s.columns))
	for i, c := range s.columns {
		out[i] = file.Column{Name: c.name, Kind: c.kind, Bloom: c.bloom}
	}
	return out
}
