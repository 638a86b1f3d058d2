package transform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hunting-exporter/schema"
)

// The oracle says with encoding/json, slowly and in another way, what an answer becomes:
// the cells of every row that is kept, _extra last, and the number of rejects.
type oracle struct {
	columns []schema.Column
	graph   bool
}

type pair struct {
	key   string
	value json.RawMessage
}

// pairs lists an object in order; ok is false for what is no object.
func pairs(raw json.RawMessage) (out []pair, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, false
		}
		out = append(out, pair{key.(string), value})
	}
	return out, true
}

func newOracle(body []byte) (oracle, []json.RawMessage) {
	var o oracle
	var rows []json.RawMessage
	top, _ := pairs(body)
	for _, p := range top {
		switch p.key {
		case "Schema", "schema":
			var entries []json.RawMessage
			_ = json.Unmarshal(p.value, &entries)
			for _, e := range entries {
				var c schema.Column
				fields, _ := pairs(e)
				for _, f := range fields {
					switch f.key {
					case "Name", "name":
						_ = json.Unmarshal(f.value, &c.Name)
					case "Type", "type":
						_ = json.Unmarshal(f.value, &c.Type)
					}
				}
				o.columns = append(o.columns, c)
			}
		case "results":
			o.graph = true
			_ = json.Unmarshal(p.value, &rows)
		case "Results":
			_ = json.Unmarshal(p.value, &rows)
		case "@odata.context":
			o.graph = true
		}
	}
	return o, rows
}

// row gives the cells; ok is false for a row that must be rejected.
func (o oracle) row(raw json.RawMessage) (out []string, ok bool) {
	fields, ok := pairs(raw)
	if !ok {
		return nil, false
	}
	seen := map[string]bool{}
	extra := ""
	out = make([]string, len(o.columns)+1)
	for i, c := range o.columns {
		if out[i] = null; c.Type == "String" {
			out[i] = ""
		}
	}
	for _, f := range fields {
		at := slices.IndexFunc(o.columns, func(c schema.Column) bool { return c.Name == f.key })
		if at < 0 && strings.Contains(f.key, "@odata") {
			continue
		}
		if at < 0 {
			at = slices.IndexFunc(o.columns, func(c schema.Column) bool { return strings.EqualFold(c.Name, f.key) })
		}
		name := f.key
		if at >= 0 {
			name = o.columns[at].Name
		}
		if seen[name] {
			return nil, false
		}
		seen[name] = true
		if at < 0 {
			extra += "," + quote(f.key) + ":" + o.canonical(f.value, false)
			continue
		}
		if out[at], ok = o.cell(o.columns[at].Type, f.value); !ok {
			return nil, false
		}
	}
	out[len(o.columns)] = null
	if extra != "" {
		out[len(o.columns)] = "{" + extra[1:] + "}"
	}
	return out, true
}

var (
	timeForm  = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?)(?:Z|\+00:00)?$`)
	wholeForm = regexp.MustCompile(`^-?(0|[1-9]\d*)$`)
)

func (o oracle) cell(typ string, raw json.RawMessage) (string, bool) {
	fields, isObject := pairs(raw)
	isNull := string(raw) == "null" || isObject && len(fields) == 0
	dynamic := typ == "Object" || typ == "Dynamic"
	switch {
	case typ == "String" && string(raw) == "null":
		return "", true
	case typ != "String" && (string(raw) == "null" || isNull && (!dynamic || o.graph)):
		return null, true
	case dynamic:
		return o.canonical(raw, false), true
	}
	text, quoted := string(raw), raw[0] == '"'
	if quoted {
		_ = json.Unmarshal(raw, &text)
	}
	switch typ {
	case "DateTime":
		m := timeForm.FindStringSubmatch(text)
		if !quoted || m == nil {
			return "", false
		}
		at, err := time.Parse("2006-01-02T15:04:05", m[1])
		return at.Format("2006-01-02T15:04:05.9999999Z"), err == nil && at.Year() > 0
	case "Int32", "Int64":
		size, _ := strconv.Atoi(typ[3:])
		v, err := strconv.ParseInt(text, 10, size)
		return fmt.Sprint(v), err == nil && wholeForm.MatchString(text)
	case "SByte", "Boolean":
		is := map[string]string{"0": "false", "1": "true", "true": "true", "false": "false"}
		if quoted {
			is["True"], is["False"] = "true", "false"
		}
		return is[text], is[text] != ""
	case "Double":
		if quoted && text == "NaN" {
			return null, true
		}
		infinite := quoted && strings.TrimPrefix(text, "-") == "Infinity"
		var n json.Number
		if !infinite && (json.Unmarshal([]byte(text), &n) != nil || text == "null" || strings.Contains(text, `"`) || strings.TrimSpace(text) != text) {
			return "", false
		}
		v, err := strconv.ParseFloat(text, 64)
		return fmt.Sprint(v), err == nil
	}
	if !quoted {
		text = o.canonical(raw, false)
	}
	return text, true
}

func (o oracle) canonical(raw json.RawMessage, inText bool) string {
	raw = bytes.Trim(raw, " \t\r\n")
	switch raw[0] {
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s)
		return quote(s)
	case '{':
		fields, _ := pairs(raw)
		var out []string
		for _, f := range fields {
			if !o.graph || !strings.HasSuffix(f.key, "@odata.type") {
				out = append(out, quote(f.key)+":"+o.canonical(f.value, inText))
			}
		}
		return "{" + strings.Join(out, ",") + "}"
	case '[':
		var elements []json.RawMessage
		_ = json.Unmarshal(raw, &elements)
		var out []string
		for _, e := range elements {
			var s string
			if o.graph && !inText && e[0] == '"' && json.Unmarshal(e, &s) == nil {
				s = strings.Trim(s, " \t\r\n")
				if json.Valid([]byte(s)) && (s[0] == '{' || s[0] == '[') {
					out = append(out, o.canonical(json.RawMessage(s), true))
					continue
				}
			}
			out = append(out, o.canonical(e, inText))
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	return string(raw)
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < 0x20:
			short := map[rune]string{'\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}[r]
			if short == "" {
				short = fmt.Sprintf(`\u%04x`, r)
			}
			b.WriteString(short)
		default:
			b.WriteString(string(utf8.AppendRune(nil, r)))
		}
	}
	return b.String() + `"`
}
