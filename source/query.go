package source

import (
	"fmt"
	"strings"
	"time"

	"hunting-exporter/pipeline"
	"hunting-exporter/schema"
)

// literal is a KQL datetime with all seven digits.
func literal(t time.Time) string {
	return "datetime(" + t.UTC().Format("2006-01-02T15:04:05.0000000Z") + ")"
}

// checkDataset refuses what cannot or must not become KQL.
func checkDataset(ds pipeline.Dataset) error {
	switch {
	case !schema.ValidName(ds.Name):
		return fmt.Errorf("dataset name %q: want letters, digits and _, not beginning with a digit", ds.Name)
	case ds.Clock != pipeline.ClockIngestion && ds.Clock != pipeline.ClockEvent:
		return fmt.Errorf("dataset %s: no such clock %q", ds.Name, ds.Clock)
	case ds.Query != "":
		return nil
	case ds.Clock == pipeline.ClockIngestion:
		return nil
	case ds.TimeColumn == "":
		return fmt.Errorf("dataset %s: has no time column, so it cannot be cut by event time", ds.Name)
	case !schema.ValidName(ds.TimeColumn):
		return fmt.Errorf("dataset %s: time column %q: want letters, digits and _, not beginning with a digit", ds.Name, ds.TimeColumn)
	}
	return nil
}

// kql is the query for one window of a dataset that checkDataset has passed. The
// borders are >= and <, since `between` would give a row on a border twice.
func kql(ds pipeline.Dataset, w pipeline.Window) string {
	from, to := literal(w.Start), literal(w.End)
	if ds.Query != "" {
		return fmt.Sprintf("let _startTime = %s;\nlet _endTime = %s;\n%s", from, to, strings.TrimSpace(ds.Query))
	}
	if ds.Clock == pipeline.ClockIngestion {
		return fmt.Sprintf("%[1]s\n| extend %[2]s = ingestion_time()\n| where %[2]s >= %[3]s and %[2]s < %[4]s",
			ds.Name, schema.IngestionTime, from, to)
	}
	return fmt.Sprintf("%[1]s\n| where %[2]s >= %[3]s and %[2]s < %[4]s\n| extend %[5]s = ingestion_time()",
		ds.Name, ds.TimeColumn, from, to, schema.IngestionTime)
}

// timespan is Graph's own limit on event time. Left out, it is 30 days, and of it and
// the query's the narrower wins: an event that is older when it comes in would never
// be answered. Ten years leave the query's window alone.
const timespan = "P3650D"
