package readers_test

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// kind is what a column is to a reader.
type kind string

const (
	boolean   kind = "bool"
	int32s    kind = "int32"
	int64s    kind = "int64"
	double    kind = "double"
	text      kind = "text"
	timestamp kind = "timestamp"
)

func kindOf(apiType string) kind {
	switch apiType {
	case "DateTime":
		return timestamp
	case "SByte", "Boolean":
		return boolean
	case "Int32":
		return int32s
	case "Int64":
		return int64s
	case "Double":
		return double
	}
	return text
}

// A cell is "n" for null or "v" and the value: true and false, decimal numbers, the bits of
// a double in 16 hex digits, the bytes of text, a count of units since 1970.
const null = "n"

type column struct {
	name    string
	kind    kind
	dynamic bool     // nested JSON
	cells   []string // by row
}

// table is files and what they hold.
type table struct {
	name    string
	unit    string // of timestamps: us or ns
	files   []string
	columns []column
	rows    int
}

func (t *table) column(name string) *column {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		panic("table " + t.name + " has no column " + name)
	}
	return &t.columns[i]
}

// truth is what a lake has to hold of a tenant's table, rows by event time. In a snapshot
// every row has the time at which it was taken. bags: the API tells {} from null.
func truth(ten *tenant.Tenant, name, lake, unit string, bags bool) (*table, error) {
	held := ten.Rows(name)
	known, ok := schema.Lookup(name)
	snapshot := ok && known.TimeColumn == ""
	added := schema.Column{Name: schema.IngestionTime, Type: "DateTime"}
	if snapshot {
		added.Name = schema.SnapshotTime
	}
	api := append(slices.Clone(held.Columns), added)
	stored, err := schema.Arrow(api)
	if err != nil {
		return nil, err
	}
	t := &table{name: name, unit: unit, rows: held.Len}
	if t.files, err = filepath.Glob(filepath.Join(lake, name, "dt=*", "*.parquet")); err != nil {
		return nil, err
	}
	if len(t.files) == 0 {
		return nil, fmt.Errorf("no file of table %s in %s", name, lake)
	}
	for i, c := range api {
		t.columns = append(t.columns, column{name: stored.Field(i).Name, kind: kindOf(c.Type), dynamic: schema.Dynamic(c.Type)})
	}
	rows := slices.SortedStableFunc(held.Rows, func(a, b tenant.TruthRow) int { return a.Event.Compare(b.Event) })
	for _, row := range rows {
		for i, cell := range row.Cells {
			c := &t.columns[i]
			c.cells = append(c.cells, canonical(cell, api[i].Type, unit, bags))
		}
		last := &t.columns[len(row.Cells)]
		last.cells = append(last.cells, moment(schema.ToTicks(row.Ingested), unit))
	}
	if snapshot {
		return t, t.taken()
	}
	return t, nil
}

// taken puts the time of the one snapshot, as the file has it, into every row.
func (t *table) taken() error {
	at, err := firstInt(t.files[0], schema.SnapshotTime)
	if err != nil {
		return err
	}
	c := t.column(schema.SnapshotTime)
	if age := time.Since(time.UnixMicro(at)); age < 0 || age > time.Hour {
		return fmt.Errorf("the snapshot of %s was taken at %d", t.name, at)
	}
	for i := range c.cells {
		c.cells[i] = integer(at)
	}
	return nil
}

func canonical(c tenant.Cell, apiType, unit string, bags bool) string {
	if c.Null {
		return null
	}
	switch kindOf(apiType) {
	case boolean:
		return "v" + strconv.FormatBool(c.Int != 0)
	case int32s, int64s:
		return integer(c.Int)
	case double:
		if math.IsNaN(c.Real) {
			return null // it prunes differently in every engine
		}
		return real(c.Real)
	case timestamp:
		return moment(c.Int, unit)
	}
	if schema.Dynamic(apiType) && c.Text == "{}" && !bags {
		return null // Graph writes a null like an empty bag
	}
	return "v" + c.Text
}

func integer(n int64) string { return "v" + strconv.FormatInt(n, 10) }

func real(f float64) string { return fmt.Sprintf("v%016x", math.Float64bits(f)) }

// moment writes ticks of 100 ns in the unit; what is below a microsecond is cut.
func moment(ticks int64, unit string) string {
	if unit == "ns" {
		return integer(ticks * 100)
	}
	q := ticks / 10
	if ticks%10 < 0 {
		q--
	}
	return integer(q)
}

// compare orders cells that are not null by value.
func (k kind) compare(a, b string) int {
	a, b = a[1:], b[1:]
	switch k {
	case int32s, int64s, timestamp:
		return cmp.Compare(number(a), number(b))
	case double:
		return cmp.Compare(bits(a), bits(b))
	}
	return cmp.Compare(a, b) // false is before true
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func bits(s string) float64 {
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		panic(err)
	}
	return math.Float64frombits(n)
}
