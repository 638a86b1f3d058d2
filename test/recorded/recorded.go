// Package recorded has rows as sources gave them. The synthetic ones are part of the
// repository; public recorded ones lie beside it where it is developed.
package recorded

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/tenant/rows"
	"hunting-exporter/test/cache"
)

// Set is files of one form, each of a table.
type Set struct {
	Name  string
	form  rows.Form
	table string // empty: the file's name
	files []string
}

// Sets are those that are at hand.
func Sets() ([]Set, error) {
	root, err := cache.Root()
	if err != nil {
		return nil, err
	}
	var sets []Set
	for _, s := range []struct {
		form        rows.Form
		glob, table string
	}{
		{rows.StreamForm, "../tenant/testdata/stream.ndjson", "DeviceFileEvents"},
		{rows.GraphForm, "../tenant/testdata/graph.ndjson", "ExposureGraphNodes"},
		{rows.LegacyForm, "../tenant/testdata/legacy.ndjson", "CloudAppEvents"},
		{rows.StreamForm, "../../shared/samples/*.ndjson", ""},
		{rows.GraphForm, "../../shared/samples/graph/*.ndjson", ""},
		{rows.LegacyForm, "../../shared/samples/legacy/*.ndjson", ""},
	} {
		files, err := filepath.Glob(filepath.Join(root, s.glob))
		if err != nil {
			return nil, err
		}
		if len(files) > 0 {
			name := strings.NewReplacer("../", "", "/*.ndjson", "", "/", " ").Replace(s.glob)
			sets = append(sets, Set{name, s.form, s.table, files})
		}
	}
	return sets, nil
}

// Load puts the rows into a tenant, as ingested then, and returns their tables.
func (s Set) Load(into *tenant.Tenant, ingested time.Time) (tables []string, err error) {
	for _, path := range s.files {
		table := s.table
		if table == "" {
			table, _, _ = strings.Cut(filepath.Base(path), ".")
		}
		if err := load(into, table, path, rows.Load{Form: s.form, Ingested: ingested}); err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, nil
}

func load(into *tenant.Tenant, table, path string, how rows.Load) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return into.LoadNDJSON(table, f, how)
}
