package pipeline

import (
	"slices"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// timed is a table that the catalogue does not know by the time that its columns show,
// if they are known yet: Timestamp, else TimeGenerated, else the first time there is.
func timed(ds hunting.Dataset, columns []schema.Column) hunting.Dataset {
	if _, known := schema.Lookup(ds.Name); known || ds.Query != "" || ds.Mode != hunting.ModeAppend || len(columns) == 0 {
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
