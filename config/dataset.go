package config

import (
	"fmt"
	"slices"
	"strings"

	"hunting-exporter/config/query"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/setting"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql"
	"hunting-exporter/state"
)

// datasetProblems are those of the tables and queries to export.
func (c Config) datasetProblems() []setting.Problem {
	_, problems := c.Datasets()
	return problems
}

// Datasets are the tables and custom queries to export.
func (c Config) Datasets() (all []hunting.Dataset, problems []setting.Problem) {
	var l setting.Problems
	seen := map[string]string{} // by state key, ignoring case: some file systems do
	take := func(variable string, ds hunting.Dataset) {
		other, twice := seen[strings.ToLower(ds.Name)]
		switch {
		case strings.EqualFold(ds.Name, "_meta"):
			l.Add(variable, ds.Name, "is the exporter's own folder in the lake", "choose another name")
		case len(ds.Name) > query.LongestName:
			l.Add(variable, ds.Name, fmt.Sprintf("has %d letters: with tenant, day and commit a file's name would be too long", len(ds.Name)), fmt.Sprintf("use %d at most", query.LongestName))
		case twice && other == ds.Name:
			l.Add(variable, ds.Name, "is named twice", "name it once")
		case twice:
			l.Add(variable, ds.Name, "differs from "+other+" in case only, and files would collide", "rename or remove one")
		default:
			seen[strings.ToLower(ds.Name)] = ds.Name
			all = append(all, ds)
		}
	}
	for _, name := range c.Export.Tables {
		right := schema.Spelling(name)
		_, twice := seen[strings.ToLower(name)]
		switch {
		case !schema.ValidName(name):
			l.Add("EXPORT_TABLES", name, "is no table name", "use letters, digits and _, separated by commas")
		case right != "" && !twice:
			l.Add("EXPORT_TABLES", name, "is no table's name, since KQL tells capitals from small letters", "write "+right)
		default:
			take("EXPORT_TABLES", c.table(name))
		}
	}
	queries, bad := query.Load(c.Export.Queries)
	l = append(l, bad...)
	for _, q := range queries {
		take("EXPORT_QUERIES", c.custom(q))
	}
	if len(all) == 0 && len(l) == 0 {
		l.Add("EXPORT_TABLES", "", "there is nothing to export: neither tables nor queries are named", "set EXPORT_TABLES, e.g. DeviceProcessEvents,AlertInfo, or EXPORT_QUERIES")
	}
	return all, l
}

// table is a hunting table. One that the catalogue does not know is exported all
// the same: Microsoft adds tables monthly. One without a time column says how things
// stand, and is exported whole.
func (c Config) table(name string) hunting.Dataset {
	ds := hunting.Dataset{Name: name, Clock: hunting.ClockIngestion, FixedClock: c.fixedClock(), TimeColumn: "Timestamp"}
	if t, ok := schema.Lookup(name); ok {
		ds.TimeColumn, ds.Key, ds.Identity, ds.Slicing = t.TimeColumn, t.Key, t.Identity, t.Slicing
	}
	if ds.TimeColumn == "" {
		ds.Mode, ds.TimeColumn = hunting.ModeSnapshot, schema.SnapshotTime
	}
	if c.Export.Cursor == "event" {
		ds.Clock = hunting.ClockEvent
	}
	return ds
}

func (c Config) custom(q query.Custom) hunting.Dataset {
	ds := hunting.Dataset{
		Name: q.Name, Query: q.KQL, Mode: q.Mode, Fingerprint: kql.Fingerprint(q.KQL), Clock: hunting.ClockEvent, FixedClock: c.fixedClock(),
		TimeColumn: q.Time, Key: q.Key, Identity: q.Identity,
	}
	if q.JoinWindow && q.Mode == hunting.ModeAppend {
		ds.Mode = hunting.ModeJoinWindow
	}
	if c.Export.Cursor == "ingestion" {
		ds.Clock = hunting.ClockIngestion
	}
	ds.Needs = slices.Clone(q.Identity)
	if q.Key != "" {
		ds.Needs = append(ds.Needs, q.Key)
	}
	if q.Time != "" && (q.TimeNamed || q.Mode == hunting.ModeAppend) { // sums may well have no time
		ds.Needs = append(ds.Needs, q.Time)
	}
	return ds
}

// fixedClock reports whether somebody asked for a clock.
func (c Config) fixedClock() bool { return c.Export.Cursor != "auto" }

// Named is the dataset of that name, and whether it is configured: else it is taken for
// the table called so.
func (c Config) Named(name string) (ds hunting.Dataset, configured bool) {
	all, _ := c.Datasets()
	for _, ds := range all {
		if ds.Name == name {
			return ds, true
		}
	}
	return c.table(name), false
}

// Meaning is what the rows of all datasets have in common, given the tenant's id.
func (c Config) Meaning(tenant string) state.Meaning {
	m := state.Meaning{Tenant: tenant, Cloud: c.Source.Cloud, API: c.Source.API}
	if c.Export.Lake != "" {
		m.Unit, m.Folders = c.Parquet.Timestamp, state.FoldersByDay
		if c.Export.LakeTenant {
			m.Folders = state.FoldersByTenant
		}
	}
	return m
}
