package rows

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
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

// Into puts recorded rows into a table.
func (o Load) Into(tbl *data.Table, rows []Recorded, now time.Time) error {
	own, cells := fit(tbl, rows)
	for _, c := range own {
		if i := tbl.Index(c.Name); i < 0 {
			tbl.Columns = append(tbl.Columns, c)
		} else if tbl.Columns[i].Kind != c.Kind {
			tbl.Columns[i].Kind = data.KindString
		}
	}
	if c, ok := tbl.Column(tbl.TimeColumn); ok && c.Kind != data.KindDatetime {
		tbl.TimeColumn = ""
	}
	if err := tbl.Merge(nil); err != nil {
		return err
	}
	seg := &stored{columns: own, cells: cells, in: make([]int64, len(cells))}
	seg.index(tbl.TimeColumn)
	for i, at := range seg.at {
		seg.in[i] = o.ingested(at, now)
	}
	seg.index(tbl.TimeColumn)
	tbl.Segments = append(tbl.Segments, seg)
	return nil
}

func (o Load) ingested(event int64, now time.Time) int64 {
	lag := o.Lag
	if lag == 0 {
		lag = 2 * time.Minute
	}
	switch {
	case !o.Ingested.IsZero():
		return schema.ToTicks(o.Ingested)
	case event == data.NoTime:
		return schema.ToTicks(now)
	default:
		return event + int64(lag/100)
	}
}

// Recorded is one row: compact JSON by column name, and Graph's companions.
type Recorded struct {
	names      []string
	values     map[string]string
	companions map[string]string
}

// Read reads recorded rows.
func Read(r io.Reader, form Form) ([]Recorded, error) {
	var out []Recorded
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		text, err := data.CompactJSON(line)
		if err != nil || text[0] != '{' {
			return nil, fmt.Errorf("line %d is no JSON object: %w", n, err)
		}
		row := Recorded{values: map[string]string{}, companions: map[string]string{}}
		data.EachMember(text, func(key, v string) {
			name, _ := data.UnquoteJSON(key)
			if base, ok := strings.CutSuffix(name, "@odata.type"); ok {
				row.companions[base], _ = data.UnquoteJSON(v)
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
	data.EachMember(s, func(key, v string) {
		if strings.HasSuffix(key, `@odata.type"`) {
			return
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		if key != "" {
			b = append(append(b, key...), ':')
		} else if text, ok := data.UnquoteJSON(v); ok && strings.HasPrefix(text, "{") {
			if inner, err := data.CompactJSON(text); err == nil {
				b = append(b, inner...)
				return
			}
		}
		b = append(b, fromGraph(v)...)
	})
	return string(append(b, s[0]+2))
}

// fit gives the recorded columns their types and the cells as values.
func fit(tbl *data.Table, rows []Recorded) ([]data.Column, [][]data.Value) {
	own := data.NewTable(tbl.Name).Columns
	for _, r := range rows {
		for _, name := range r.names {
			if !slices.ContainsFunc(own, func(c data.Column) bool { return c.Name == name }) {
				own = append(own, data.Column{Name: name, Kind: inferred(rows, name)})
			}
		}
	}
	cells := make([][]data.Value, len(rows))
	for i := range cells {
		cells[i] = make([]data.Value, len(own))
	}
	for c := range own {
		if !fill(rows, cells, c, own[c]) {
			own[c].Kind = data.KindString
			fill(rows, cells, c, own[c])
		}
	}
	return own, cells
}

// fill sets one column's cells; false where a value is not of its type.
func fill(rows []Recorded, cells [][]data.Value, at int, c data.Column) bool {
	for i, r := range rows {
		text, ok := r.values[c.Name]
		if !ok {
			text = "null"
		}
		v, ok := valueOf(text, c.Kind)
		if !ok {
			return false
		}
		cells[i][at] = v
	}
	return true
}

// valueOf reads compact JSON as a cell of the type, strictly: "0" is no long.
func valueOf(text string, k data.Kind) (data.Value, bool) {
	if text == "null" {
		return data.Convert(data.Value{}, k), true
	}
	s, quoted := data.UnquoteJSON(text)
	switch k {
	case data.KindString:
		if quoted {
			return data.String(s), true
		}
		return data.String(text), true
	case data.KindBool:
		switch text {
		case "true", "1":
			return data.Bool(true), true
		case "false", "0":
			return data.Bool(false), true
		}
		return data.Value{}, false
	case data.KindInt, data.KindLong:
		return data.ParseAs(text, k)
	case data.KindReal:
		if quoted {
			text = s
			if _, err := strconv.ParseFloat(s, 64); err == nil && s != "NaN" {
				return data.Value{}, false
			}
		}
		return data.ParseReal(text)
	case data.KindDynamic:
		return data.Dynamic(text), true
	case data.KindDecimal:
		if !quoted {
			s = text
		}
		return data.ParseAs(s, k)
	default: // datetime, timespan, guid: text
		if !quoted {
			return data.Value{}, false
		}
		return data.ParseAs(s, k)
	}
}

// inferred is the type of a column that the catalogue does not know, by its values.
func inferred(rows []Recorded, name string) data.Kind {
	out := data.KindNull
	for _, r := range rows {
		v, ok := r.values[name]
		if !ok || v == "null" {
			continue
		}
		k := jsonKind(v)
		if r.companions[name] == "#SByte" {
			k = data.KindBool
		}
		switch {
		case out == data.KindNull || out == k:
			out = k
		case out.Numeric() && k.Numeric():
			out = data.KindReal
		default:
			return data.KindString
		}
	}
	if out == data.KindNull {
		return data.KindString
	}
	return out
}

func jsonKind(v string) data.Kind {
	switch c := v[0]; {
	case c == '"':
		return data.KindString
	case c == '{' || c == '[':
		return data.KindDynamic
	case c == 't' || c == 'f':
		return data.KindBool
	}
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return data.KindLong
	}
	return data.KindReal
}
