package readers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// must gives what was made once for all tests.
func must[T any](t *testing.T, make func() (T, error)) T {
	t.Helper()
	made, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// catalogue is every table that is documented, by each of the three APIs.
var catalogue = sync.OnceValues(func() ([]*table, error) {
	const rows = 60
	ten := newTenant()
	if err := ten.Seed(tenant.Seed{Rows: rows, From: dawn, To: noon, Seed: 42, Lag: shortly}); err != nil {
		return nil, err
	}
	var names []string
	for _, known := range schema.Tables() {
		names = append(names, known.Name)
	}
	var all []*table
	for _, api := range []string{"graph", "m365d", "mde"} {
		lake, err := newLake()
		if err != nil {
			return nil, err
		}
		if err := export(ten, lake, rows*len(names), "SOURCE_API="+api, "EXPORT_TABLES="+strings.Join(names, ",")); err != nil {
			return nil, err
		}
		for _, name := range names {
			t, err := truth(ten, name, lake, "us", api != "graph")
			if err != nil {
				return nil, err
			}
			t.name = api + " " + name
			all = append(all, t)
		}
	}
	return all, nil
})

func shortly(row int) time.Duration { return time.Duration(row%7) * time.Second }

// samples are rows as sources gave them. The synthetic ones are part of the repository;
// public recorded ones lie beside it where it is developed.
var samples = []struct {
	form  tenant.Form
	glob  string
	table string // empty: the file's name
}{
	{tenant.StreamForm, "../../tenant/testdata/stream.ndjson", "DeviceFileEvents"},
	{tenant.GraphForm, "../../tenant/testdata/graph.ndjson", "ExposureGraphNodes"},
	{tenant.LegacyForm, "../../tenant/testdata/legacy.ndjson", "CloudAppEvents"},
	{tenant.StreamForm, "../../../shared/samples/*.ndjson", ""},
	{tenant.GraphForm, "../../../shared/samples/graph/*.ndjson", ""},
	{tenant.LegacyForm, "../../../shared/samples/legacy/*.ndjson", ""},
}

var recorded = sync.OnceValues(func() ([]*table, error) {
	var all []*table
	for _, set := range samples {
		files, err := filepath.Glob(set.glob)
		if err != nil {
			return nil, err
		}
		ten, rows := newTenant(), 0
		var names []string
		for _, path := range files {
			name := set.table
			if name == "" {
				name, _, _ = strings.Cut(filepath.Base(path), ".")
			}
			if err := load(ten, name, path, set.form); err != nil {
				return nil, err
			}
			names, rows = append(names, name), rows+ten.Rows(name).Len
		}
		if len(names) == 0 {
			continue
		}
		lake, err := newLake()
		if err != nil {
			return nil, err
		}
		if err := export(ten, lake, rows, "EXPORT_TABLES="+strings.Join(names, ",")); err != nil {
			return nil, err
		}
		for i, name := range names {
			t, err := truth(ten, name, lake, "us", false)
			if err != nil {
				return nil, err
			}
			t.name = "recorded " + filepath.Base(files[i])
			all = append(all, t)
		}
	}
	return all, nil
})

func load(ten *tenant.Tenant, name, path string, form tenant.Form) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return ten.LoadNDJSON(name, f, tenant.Load{Form: form, Ingested: noon})
}

// custom exports rows of a table of its own.
func custom(name, unit string, columns []schema.Column, rows []tenant.Row, pairs ...string) (*table, error) {
	ten := newTenant()
	if err := ten.Add(name, columns, rows...); err != nil {
		return nil, err
	}
	lake, err := newLake()
	if err != nil {
		return nil, err
	}
	pairs = append([]string{"EXPORT_TABLES=" + name, "PARQUET_TIMESTAMP=" + unit}, pairs...)
	if err := export(ten, lake, len(rows), pairs...); err != nil {
		return nil, err
	}
	t, err := truth(ten, name, lake, unit, false)
	if err == nil && len(t.files) != 1 {
		err = fmt.Errorf("table %s is in %d files", name, len(t.files))
	}
	return t, err
}

// keyed are tables of several row groups with keys that are looked up.
var keyed = sync.OnceValues(func() ([]*table, error) {
	const rows = 140
	names := []string{"DeviceProcessEvents", "EmailEvents", "IdentityLogonEvents", "AlertEvidence"}
	ten := newTenant()
	if err := ten.Seed(tenant.Seed{Tables: names, Rows: rows, From: dawn, To: noon, Seed: 43, Lag: shortly}); err != nil {
		return nil, err
	}
	lake, err := newLake()
	if err != nil {
		return nil, err
	}
	if err := export(ten, lake, rows*len(names), "EXPORT_TABLES="+strings.Join(names, ","), "PARQUET_ROW_GROUP_ROWS=70"); err != nil {
		return nil, err
	}
	var all []*table
	for _, name := range names {
		t, err := truth(ten, name, lake, "us", false)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
})
