package queries_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// columns are those of every table that has a time.
var columns = []schema.Column{
	{Name: "Timestamp", Type: "DateTime"},
	{Name: "Id", Type: "Int64"},
	{Name: "DeviceId", Type: "String"},
	{Name: "Account", Type: "String"},
	{Name: "N", Type: "Int64"},
	{Name: "Created", Type: "DateTime"},
	{Name: "Tags", Type: "Object"},
	{Name: "Line", Type: "String"},
}

var day = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return day.Add(time.Duration(minutes) * time.Minute) }

// dataset is a tenant with rows, the range that is exported of it, and ways to cut that.
type dataset struct {
	*tenant.Tenant
	whole hunting.Window
	cuts  [][]hunting.Window
	rng   *rand.Rand
	keys  int // how many devices and accounts there are
}

const cutsPerDataset = 8

// newDataset makes rows up: most beside the borders, many at the same moment, with keys
// that rows share, and nulls. Some datasets are sparse, of others all rows share few keys.
func newDataset(seed uint64) *dataset {
	rng := rand.New(rand.NewPCG(seed, 13))
	d := &dataset{rng: rng, keys: 1 + rng.IntN(8)}
	d.whole = hunting.Window{Start: at(12*60 + 10*rng.IntN(3)), End: at(14*60 - 10*rng.IntN(3))}
	d.Tenant = tenant.New(tenant.Options{Now: func() time.Time { return day.Add(24 * time.Hour) }, CallsPerMinute: -1})
	for range cutsPerDataset {
		d.cuts = append(d.cuts, d.cut())
	}
	size, id := 8+rng.IntN(30), 0
	for _, name := range []string{"Events_CL", "Logons_CL", "DeviceEvents"} {
		var rows []tenant.Row
		for range size {
			id++
			rows = append(rows, tenant.Row{Ingested: at(16 * 60), Cells: d.cells(id)})
		}
		d.add(name, columns, rows)
	}
	var owners []tenant.Row
	for range 5 {
		owners = append(owners, tenant.Row{Ingested: at(16 * 60), Cells: []any{d.device(), d.account()}})
	}
	d.add("Owners_CL", []schema.Column{{Name: "DeviceId", Type: "String"}, {Name: "Owner", Type: "String"}}, owners)
	return d
}

func (d *dataset) add(name string, columns []schema.Column, rows []tenant.Row) {
	if err := d.Add(name, columns, rows...); err != nil {
		panic(err)
	}
}

func (d *dataset) cells(id int) []any {
	when := d.moment(at(10*60), at(15*60+30))
	var created any = d.moment(when.Add(-90*time.Minute), when.Add(30*time.Minute))
	if d.rng.IntN(9) == 0 {
		created = nil
	}
	tags := []any{`["x","y"]`, `["x"]`, `[]`, `["y","z","x"]`, nil}[d.rng.IntN(5)]
	var n any = d.rng.IntN(10)
	if d.rng.IntN(11) == 0 {
		n = nil
	}
	return []any{when, id, d.device(), d.account(), n, created, tags, fmt.Sprintf("user=%v;port=%d", d.account(), d.rng.IntN(4))}
}

func (d *dataset) device() string {
	return []string{"d1", "d2", "d3", "d4", "", "d5", "d6", "d7"}[d.rng.IntN(d.keys)]
}

func (d *dataset) account() string {
	return []string{"alice", "bob", "carol", "", "dave", "erin", "frank", "grace"}[d.rng.IntN(d.keys)]
}

// moment is mostly a whole ten minutes, as the cuts are, or a tick beside it.
func (d *dataset) moment(from, to time.Time) time.Time {
	when := from.Add(time.Duration(d.rng.IntN(int(to.Sub(from)/(10*time.Minute)))) * 10 * time.Minute)
	switch d.rng.IntN(8) {
	case 0:
		return when.Add(-hunting.Tick)
	case 1:
		return when.Add(hunting.Tick)
	case 2, 3:
		return when.Add(time.Duration(d.rng.IntN(600)) * time.Second)
	}
	return when
}

// cut is the range in two to five windows, or in those of ten minutes.
func (d *dataset) cut() (out []hunting.Window) {
	var borders []time.Time
	if d.rng.IntN(6) == 0 {
		for t := d.whole.Start.Add(10 * time.Minute); t.Before(d.whole.End); t = t.Add(10 * time.Minute) {
			borders = append(borders, t)
		}
	}
	for len(borders) < 1+d.rng.IntN(4) {
		if t := d.moment(d.whole.Start.Add(10*time.Minute), d.whole.End); t.Before(d.whole.End) && !slices.Contains(borders, t) {
			borders = append(borders, t)
		}
	}
	slices.SortFunc(borders, time.Time.Compare)
	from := d.whole.Start
	for _, t := range append(borders, d.whole.End) {
		out = append(out, hunting.Window{Start: from, End: t})
		from = t
	}
	return out
}

// answer is the rows of a query, each as text in which no two are alike.
type answer struct {
	columns []schema.Column
	cells   [][]tenant.Cell
	rows    []string
}

func (d *dataset) ask(query string) (a answer, err error) {
	if a.columns, a.cells, err = d.Query(query); err != nil {
		return a, unknownError{err}
	}
	for _, r := range a.cells {
		a.rows = append(a.rows, a.text(r, func(string) bool { return true }))
	}
	return a, nil
}

// text is some columns of a row.
func (a answer) text(row []tenant.Cell, of func(string) bool) string {
	var cells []string
	for i, c := range a.columns {
		if of(c.Name) {
			cells = append(cells, row[i].Canonical(c.Type))
		}
	}
	return strings.Join(cells, "\x01")
}

// column is the place of a column; -1: there is none.
func (a answer) column(name string) int {
	return slices.IndexFunc(a.columns, func(c schema.Column) bool { return c.Name == name })
}

// readable is a row for people.
func (a answer) readable(i int) string {
	var cells []string
	for k, c := range a.columns {
		text := a.cells[i][k].Canonical(c.Type)
		if c.Type == "DateTime" && text != "\x00" {
			ticks, _ := strconv.ParseInt(text, 10, 64)
			text = clock(schema.FromTicks(ticks))
		}
		cells = append(cells, c.Name+"="+strconv.Quote(text))
	}
	return strings.Join(cells, " ")
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.0000000") }

// unknownError is a query that the evaluator does not know, or that is none.
type unknownError struct{ error }

func unknown(err error) bool { return errors.As(err, &unknownError{}) }
