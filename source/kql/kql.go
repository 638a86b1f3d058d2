// Package kql writes every query that the exporter sends, and judges custom ones.
//
// Nothing of a dataset reaches a query unless Check has passed it: names are
// schema.ValidName, times come from the clock, a custom query is whole in itself.
// The three flavours of the API take the same text.
package kql

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// Names of the columns of an answer to Count.
const (
	ColumnLeg  = "Leg"
	ColumnBin  = "Bin"
	ColumnRows = "Rows"
)

// Check refuses a dataset that cannot or must not become KQL.
func Check(ds hunting.Dataset) error {
	if !schema.ValidName(ds.Name) {
		return fmt.Errorf("dataset name %q: want letters, digits and _, not beginning with a digit", ds.Name)
	}
	if err := checkClock(ds); err != nil {
		return fmt.Errorf("dataset %s: %w", ds.Name, err)
	}
	for what, names := range map[string][]string{"time": {ds.TimeColumn}, "identity": ds.Identity, "slicing": ds.Slicing} {
		for _, name := range names {
			if !schema.ValidName(name) && (what != "time" || name != "") {
				return fmt.Errorf("dataset %s: %s column %q: want letters, digits and _, not beginning with a digit", ds.Name, what, name)
			}
		}
	}
	if ds.Query == "" {
		return nil
	}
	all, err := parse(ds.Query)
	if err == nil && len(all) == 0 {
		err = errors.New("holds no query")
	}
	if err != nil {
		return fmt.Errorf("dataset %s: its query cannot be read: %w", ds.Name, err)
	}
	return nil
}

// checkClock refuses a dataset that cannot be cut as its mode asks.
func checkClock(ds hunting.Dataset) error {
	switch ds.Mode {
	case hunting.ModeSnapshot: // exported whole: no clock
		return nil
	case hunting.ModeAppend:
	case hunting.ModeAggregate, hunting.ModeJoinWindow:
		if ds.Query == "" {
			return fmt.Errorf("a table sums up and joins nothing: only a custom query can have the mode %s", ds.Mode)
		}
	default:
		return fmt.Errorf("there is no mode %q: it is append, aggregate or snapshot", ds.Mode)
	}
	switch {
	case ds.Clock != hunting.ClockIngestion && ds.Clock != hunting.ClockEvent:
		return fmt.Errorf("there is no clock %q: it is ingestion or event", ds.Clock)
	case ds.Query == "" && ds.Clock == hunting.ClockEvent && ds.TimeColumn == "":
		return errors.New("it has no time column, so it cannot be cut by event time")
	}
	return nil
}

// Page is the query for the rows of one window, or of a slice of it. Of a snapshot it
// is the whole, and the window's start is when it was taken. Rows of a custom query whose
// time column lies outside of the window do not come, whatever it answers; those of an
// aggregate come as they are.
func Page(ds hunting.Dataset, w hunting.Window, s hunting.Slice) string {
	cut := slice(ds, s)
	if ds.Mode == hunting.ModeSnapshot {
		// Slices come first: each is a call of its own, and a column that differed
		// between them would move rows from one to the other.
		return lines(rows(ds, nil), cut, "| extend "+schema.SnapshotTime+" = "+literal(w.Start))
	}
	from := rows(ds, []hunting.Window{w})
	if ds.Query == "" && ds.Clock == hunting.ClockEvent {
		return lines(from, cut, extendIngestion)
	}
	return lines(from, cut)
}

// Nothing is the query for no row of the dataset, though for its columns, at a time.
func Nothing(ds hunting.Dataset, at time.Time) string {
	w := hunting.Window{Start: at, End: at}
	switch {
	case ds.Mode != hunting.ModeSnapshot:
		return Page(ds, w, hunting.Slice{})
	case ds.Query != "":
		return lines(rows(ds, nil), "| take 0")
	}
	ds.Mode, ds.Clock = hunting.ModeAppend, hunting.ClockIngestion
	return Page(ds, w, hunting.Slice{})
}

// slice is the operator that keeps slice s, or nothing for all of a window. The
// function is named by its algorithm, since that of hash() may change.
func slice(ds hunting.Dataset, s hunting.Slice) string {
	if s.N <= 1 {
		return ""
	}
	return fmt.Sprintf("| where hash_xxhash64(%s, %d) == %d", sliceKey(ds), s.N, s.I)
}

// sliceKey is the text of a row that decides its slice.
func sliceKey(ds hunting.Dataset) string {
	columns := ds.Slicing
	if len(columns) == 0 {
		columns = ds.Identity
	}
	switch len(columns) {
	case 0:
		return "tostring(pack_all())"
	case 1:
		return "tostring(" + columns[0] + ")"
	}
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = "tostring(" + c + ")"
	}
	return "strcat(" + strings.Join(cells, `, "|", `) + ")"
}

// Leg is what one part of a Count counts.
type Leg struct {
	Dataset hunting.Dataset
	Windows []hunting.Window // nil: all there is, as ever of a snapshot
	Bin     time.Duration    // width of the bins; 0: one number for all
	// Unclocked counts, by event time, only those rows of a table that have no
	// ingestion time. Of a table without a time column it counts all of them.
	Unclocked bool
}

// Alone reports whether a dataset must be the only leg of a Count. Custom queries
// must: _startTime and _endTime hold for a whole query, and a query that fails must not
// take the counts of the tables along.
func Alone(ds hunting.Dataset) bool { return ds.Query != "" }

// Count is one query that counts the rows of every leg. It answers rows of Leg (the
// leg's index, long), Bin (datetime, the start of the bin; null where rows are not
// binned) and Rows (long). A bin without rows is left out; a number for all is there
// even if it is 0.
//
// Bins begin at whole multiples of their width since the year 1, as KQL's bin has it.
// A custom query runs once, from the first start to the last end, and only rows whose time
// column falls into one of the windows count.
func Count(legs []Leg) string {
	parts := make([]string, len(legs))
	for i, l := range legs {
		parts[i] = l.count(i)
	}
	const columns = "| project " + ColumnLeg + ", " + ColumnBin + ", " + ColumnRows
	if len(parts) == 1 {
		return lines(parts[0], columns)
	}
	return lines("union\n("+strings.Join(parts, "),\n(")+")", columns)
}

func (l Leg) count(i int) string {
	from, clock := l.rows()
	if l.Bin > 0 && len(l.Windows) > 0 && clock != "" {
		return lines(from, fmt.Sprintf("| summarize %s = count() by %s = bin(%s, %s)\n| extend %s = %d",
			ColumnRows, ColumnBin, clock, width(l.Bin), ColumnLeg, i))
	}
	return lines(from, fmt.Sprintf("| summarize %s = count()\n| extend %s = datetime(null), %s = %d", ColumnRows, ColumnBin, ColumnLeg, i))
}

// rows is what a leg counts, and the column of its clock; empty: none.
func (l Leg) rows() (from, clock string) {
	ds, windows := l.Dataset, l.Windows
	if ds.Mode == hunting.ModeSnapshot {
		return rows(ds, nil), ""
	}
	clock = clockOf(ds)
	if l.Unclocked {
		ds.Clock, clock = hunting.ClockEvent, ds.TimeColumn
		if clock == "" {
			windows = nil
		}
	}
	from = rows(ds, windows)
	if l.Unclocked {
		from = lines(from, "| where isnull(ingestion_time())")
	}
	return from, clock
}

const extendIngestion = "| extend " + schema.IngestionTime + " = ingestion_time()"

// clockOf is the column that says when a row of the dataset was; empty: none does.
func clockOf(ds hunting.Dataset) string {
	if ds.Query == "" && ds.Clock == hunting.ClockIngestion {
		return schema.IngestionTime
	}
	return ds.TimeColumn
}

// rows is the dataset's rows of some windows; of none: all there are.
func rows(ds hunting.Dataset, windows []hunting.Window) string {
	switch {
	case ds.Query != "" && len(windows) > 0:
		w := hull(windows)
		return lines(fmt.Sprintf("let %s = %s;\nlet %s = %s;", startTime, literal(w.Start), endTime, literal(w.End)), body(ds.Query), belt(ds, windows))
	case ds.Query != "":
		return body(ds.Query)
	case len(windows) == 0:
		return ds.Name
	case ds.Clock == hunting.ClockIngestion:
		return lines(ds.Name, extendIngestion, within(schema.IngestionTime, windows))
	}
	return lines(ds.Name, within(ds.TimeColumn, windows))
}

// belt keeps of what a custom query answers the rows of the windows that are read, so that
// no row comes twice even if the query is wrongly held for one that can be cut by time. It
// is not for sums, since the time of a sum may well be that of a bin which began before the
// window, nor for a snapshot, which has no window.
func belt(ds hunting.Dataset, windows []hunting.Window) string {
	if ds.Mode == hunting.ModeAggregate || ds.Mode == hunting.ModeSnapshot || ds.TimeColumn == "" {
		return ""
	}
	return within(ds.TimeColumn, windows)
}

// hull is the shortest window that covers all.
func hull(windows []hunting.Window) hunting.Window {
	all := windows[0]
	for _, w := range windows[1:] {
		if w.Start.Before(all.Start) {
			all.Start = w.Start
		}
		if w.End.After(all.End) {
			all.End = w.End
		}
	}
	return all
}

// within keeps the rows of some windows. The borders are >= and <, since `between`
// would give a row on a border twice.
func within(clock string, windows []hunting.Window) string {
	terms := make([]string, len(windows))
	for i, w := range windows {
		terms[i] = fmt.Sprintf("%[1]s >= %[2]s and %[1]s < %[3]s", clock, literal(w.Start), literal(w.End))
	}
	if len(terms) == 1 {
		return "| where " + terms[0]
	}
	return "| where (" + strings.Join(terms, ") or (") + ")"
}

// lines joins the parts of a query that are there. Each begins a line, so that a
// comment at the end of one does not swallow the next.
func lines(parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, "\n")
}

// literal is a KQL datetime with all seven digits.
func literal(t time.Time) string {
	return "datetime(" + t.UTC().Format("2006-01-02T15:04:05.0000000Z") + ")"
}

// width is a KQL timespan in the largest unit that divides it.
func width(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d%unit.length == 0 {
			return strconv.FormatInt(int64(d/unit.length), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(max(d/hunting.Tick, 1)), 10) + "tick"
}
