package pipeline

import (
	"slices"
	"strings"

	"hunting-exporter/schema"
)

// has refuses answers of a custom query that lack a column which its head names: rows
// would go without time, key or identity, and nobody would notice.
func (r *run) has(columns []schema.Column) error {
	var missing []string
	for _, name := range r.ds.Needs {
		if !named(columns, name) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		if slices.Contains(r.ds.Needs, r.ds.TimeColumn) && !slices.ContainsFunc(columns, func(c schema.Column) bool { return c.Name == r.ds.TimeColumn && c.Type == dateTime }) {
			return refuse("the column %s of the query %s is no time: name one that is in the file's head by `// time:`", r.ds.TimeColumn, r.ds.Name)
		}
		return nil
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return refuse("the answers of the query %s have no column %s: keep it in the query, or name another in the file's head by `// time:`, `// key:` or `// identity:` (`// time:` alone: there is none); they have %s",
		r.ds.Name, strings.Join(missing, ", "), strings.Join(names, ", "))
}

func named(columns []schema.Column, name string) bool {
	return slices.ContainsFunc(columns, func(c schema.Column) bool { return c.Name == name })
}

// timed is a table that the catalogue does not know by the time that its columns show,
// if they are known yet: Timestamp, else TimeGenerated, else the first time there is.
func timed(ds Dataset, columns []schema.Column) Dataset {
	if _, known := schema.Lookup(ds.Name); known || ds.Query != "" || ds.Mode != ModeAppend || len(columns) == 0 {
		return ds
	}
	var times []string
	for _, c := range columns {
		if c.Type == dateTime && c.Name != schema.IngestionTime {
			times = append(times, c.Name)
		}
	}
	for _, name := range []string{ds.TimeColumn, "TimeGenerated"} {
		if slices.Contains(times, name) {
			ds.TimeColumn = name
			return ds
		}
	}
	if len(times) > 0 {
		ds.TimeColumn = times[0]
	}
	return ds
}

// dateTime is the API's name of a time's type.
const dateTime = "DateTime"
