package tenant

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hunting-exporter/schema"
)

// Form is how recorded rows are written.
type Form int

// The forms in which public rows are found.
const (
	// StreamForm is the properties of a record of the streaming export.
	StreamForm Form = iota
	// GraphForm is a row as runHuntingQuery answers it.
	GraphForm
	// LegacyForm is a row as the two legacy APIs answer it.
	LegacyForm
)

// Load says how to read recorded rows.
type Load struct {
	Form Form
	// Ingested is when all rows came in; zero is Lag after each row's event.
	Ingested time.Time
	// Lag is 2 minutes where it is 0.
	Lag time.Duration
}

// LoadNDJSON puts recorded rows, one JSON object a line, into a table, as the API
// would have them: "" for a null string, nulls for what the catalogue has and the
// rows have not, columns of their own that the catalogue does not know. Where a
// value is not of the catalogue's type (publishers anonymise), the column is String.
func (t *Tenant) LoadNDJSON(name string, r io.Reader, o Load) error {
	rows, err := readRows(r, o.Form)
	if err != nil {
		return fmt.Errorf("load table %s: %w", name, err)
	}
	return t.change(name, func(tbl *table) error {
		own, cells := fit(tbl, rows)
		seg := &stored{columns: own, cells: cells, in: make([]int64, len(cells))}
		for _, c := range own {
			if i := tbl.index(c.name); i < 0 {
				tbl.columns = append(tbl.columns, c)
			} else if tbl.columns[i].kind != c.kind {
				tbl.columns[i].kind = kString
			}
		}
		if c, ok := tbl.column(tbl.timeColumn); ok && c.kind != kDatetime {
			tbl.timeColumn = ""
		}
		if err := tbl.merge(nil); err != nil {
			return err
		}
		seg.index(tbl.timeColumn)
		for i, at := range seg.at {
			seg.in[i] = o.ingested(at, t.o.Now())
		}
		seg.index(tbl.timeColumn)
		tbl.segments = append(tbl.segments, seg)
		return nil
	})
}

func (o Load) ingested(event int64, now time.Time) int64 {
	lag := o.Lag
	if lag == 0 {
		lag = 2 * time.Minute
	}
	switch {
	case !o.Ingested.IsZero():
		return schema.ToTicks(o.Ingested)
	case event == noTime:
		return schema.ToTicks(now)
	default:
		return event + int64(lag/100)
	}
}

// recorded is one row: compact JSON by column name, and Graph's companions.
type recorded struct {
	names      []string
	values     map[string]string
	companions map[string]string
}

func readRows(r io.Reader, form Form) ([]recorded, error) {
	var out []recorded
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		text, err := compactJSON(line)
		if err != nil || text[0] != '{' {
			return nil, fmt.Errorf("line %d is no JSON object: %w", n, err)
		}
		row := recorded{values: map[string]string{}, companions: map[string]string{}}
		each(text, func(key, v string) {
			name, _ := unquoteJSON(key)
			if base, ok := strings.CutSuffix(name, "@odata.type"); ok {
				row.companions[base], _ = unquoteJSON(v)
				return
			}
			switch {
			case form == GraphForm && v == "{}":
				v = "null"
			case form == GraphForm:
				v = fromGraph(v)
			}
			row.names = append(row.names, name)
			row.values[name] = v
		})
		out = append(out, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return out, nil
}

// fromGraph takes companions out of compact JSON and puts back the objects that
// arrays hold as text.
func fromGraph(s string) string {
	if s[0] != '{' && s[0] != '[' {
		return s
	}
	b := []byte{s[0]}
	each(s, func(key, v string) {
		if strings.HasSuffix(key, `@odata.type"`) {
			return
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		if key != "" {
			b = append(append(b, key...), ':')
		} else if text, ok := unquoteJSON(v); ok && strings.HasPrefix(text, "{") {
			if inner, err := compactJSON(text); err == nil {
				b = append(b, inner...)
				return
			}
		}
		b = append(b, fromGraph(v)...)
	})
	return string(append(b, s[0]+2))
}

// fit gives the recorded columns their types and the cells as values.
func fit(tbl *table, rows []recorded) ([]column, [][]value) {
	own := newTable(tbl.name).columns
	for _, r := range rows {
		for _, name := range r.names {
			if !slices.ContainsFunc(own, func(c column) bool { return c.name == name }) {
				own = append(own, column{name: name, kind: inferred(rows, name)})
			}
		}
	}
	cells := make([][]value, len(rows))
	for i := range cells {
		cells[i] = make([]value, len(own))
	}
	for c := range own {
		if !fill(rows, cells, c, own[c]) {
			own[c].kind = kString
			fill(rows, cells, c, own[c])
		}
	}
	return own, cells
}

// fill sets one column's cells; false where a value is not of its type.
func fill(rows []recorded, cells [][]value, at int, c column) bool {
	for i, r := range rows {
		text, ok := r.values[c.name]
		if !ok {
			text = "null"
		}
		v, ok := valueOf(text, c.kind)
		if !ok {
			return false
		}
		cells[i][at] = v
	}
	return true
}
