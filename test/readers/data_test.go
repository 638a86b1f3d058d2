package readers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
	"hunting-exporter/test/recorded"
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

var recordedTables = sync.OnceValues(func() ([]*table, error) {
	sets, err := recorded.Sets()
	if err != nil {
		return nil, err
	}
	var all []*table
	for _, set := range sets {
		ten, rows := newTenant(), 0
		names, err := set.Load(ten, noon)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			rows += ten.Rows(name).Len
		}
		lake, err := newLake()
		if err != nil {
			return nil, err
		}
		if err := export(ten, lake, rows, "EXPORT_TABLES="+strings.Join(names, ",")); err != nil {
			return nil, err
		}
		for _, name := range names {
			t, err := truth(ten, name, lake, "us", false)
			if err != nil {
				return nil, err
			}
			t.name = "recorded " + set.Name + " " + name
			all = append(all, t)
		}
	}
	return all, nil
})

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
