package tenant

import (
	"cmp"
	"strings"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto"
)

// appendCell writes a cell as an answer carries it. A null of any type but string
// is {} on Graph and null elsewhere.
func appendCell(b []byte, v data.Value, k data.Kind, graph bool) []byte {
	switch {
	case v.Kind == data.KindNull && k == data.KindString:
		return append(b, `""`...)
	case v.Kind == data.KindNull && graph:
		return append(b, "{}"...)
	case v.Kind == data.KindDynamic && graph:
		return appendGraphValue(b, v.Text, true)
	default:
		return data.AppendJSON(b, v)
	}
}

// rowEncoder writes the rows of one answer.
type rowEncoder struct {
	graph   bool
	columns []encodedColumn
	buf     []byte
	// sizeOnly writes rows of a table as {}; their size is guessed from samples.
	sizeOnly      bool
	rel           *kusto.Relation
	samples, size int64
}

// maxSamples is how many such rows are measured.
const maxSamples = 100

type encodedColumn struct {
	kind      data.Kind
	key       []byte // `,"Name":`
	companion []byte // `,"Name@odata.type":"`
}

func newRowEncoder(rel *kusto.Relation, graph bool) *rowEncoder {
	enc := &rowEncoder{graph: graph, rel: rel}
	for _, c := range rel.Columns() {
		k, _ := data.KindOf(c.Type)
		enc.columns = append(enc.columns, encodedColumn{
			kind:      k,
			key:       append(data.AppendQuoted([]byte{','}, c.Name), ':'),
			companion: append(data.AppendQuoted([]byte{','}, c.Name+"@odata.type"), ':', '"'),
		})
	}
	return enc
}

// row writes one row as a JSON object, and tells the size it has or stands for; what
// it returns is valid until the next.
func (enc *rowEncoder) row(r *kusto.Row) ([]byte, int64) {
	if !enc.sizeOnly || !enc.ofTable(r) {
		b := enc.full(r)
		return b, int64(len(b))
	}
	if enc.samples < maxSamples {
		size := int64(len(enc.full(r)))
		enc.samples++
		enc.size += size
		return []byte("{}"), size
	}
	return []byte("{}"), enc.size / enc.samples
}

func (enc *rowEncoder) ofTable(r *kusto.Row) bool {
	table, _ := enc.rel.Origin(r)
	return table != ""
}

func (enc *rowEncoder) full(r *kusto.Row) []byte {
	b := enc.buf[:0]
	for i := range enc.columns {
		c := &enc.columns[i]
		v := enc.rel.Cell(r, i)
		if enc.graph {
			if t := companionOf(v); t != "" {
				b = append(append(append(b, c.companion...), t...), '"')
			}
		}
		b = appendCell(append(b, c.key...), v, c.kind, enc.graph)
	}
	if len(b) == 0 {
		b = append(b, ',')
	}
	b[0] = '{' // in place of the first comma
	enc.buf = append(b, '}')
	return enc.buf
}

// companionOf is the OData type that Graph writes beside a value, "" for none.
func companionOf(v data.Value) string {
	switch v.Kind {
	case data.KindBool:
		return "#SByte"
	case data.KindLong:
		return "#Int64"
	case data.KindDynamic:
		return jsonCompanion(v.Text)
	default:
		return ""
	}
}

const dynamicType = `"@odata.type":"#microsoft.graph.security.dynamicColumnValue"`

// jsonCompanion is the companion of a value inside a dynamic: whole numbers and
// arrays have one.
func jsonCompanion(s string) string {
	switch c := s[0]; {
	case c == '[':
		return "#Collection(" + elementType(s) + ")"
	case (c == '-' || c >= '0' && c <= '9') && !strings.ContainsAny(s, ".eE"):
		return "#Int64"
	default:
		return ""
	}
}

// elementType is Int64 or Double for an array of nothing but numbers, else String.
func elementType(s string) string {
	out := ""
	data.EachMember(s, func(_, v string) {
		switch c := v[0]; {
		case c != '-' && (c < '0' || c > '9'):
			out = "String"
		case out == "String":
		case strings.ContainsAny(v, ".eE"):
			out = "Double"
		case out == "":
			out = "Int64"
		}
	})
	return cmp.Or(out, "String")
}

// appendGraphValue writes compact JSON the way Graph does: objects name their type,
// arrays and whole numbers have a companion, objects in arrays become text.
func appendGraphValue(b []byte, s string, top bool) []byte {
	switch {
	case s == "{}" && top: // cannot be told from a null there
		return append(b, s...)
	case s[0] == '{':
		b = append(append(b, '{'), dynamicType...)
		data.EachMember(s, func(key, v string) {
			b = append(b, ',')
			if t := jsonCompanion(v); t != "" {
				b = append(append(b, key[:len(key)-1]...), `@odata.type":"`...)
				b = append(append(b, t...), `",`...)
			}
			b = append(append(b, key...), ':')
			b = appendGraphValue(b, v, false)
		})
		return append(b, '}')
	case s[0] == '[':
		b = append(b, '[')
		first := true
		data.EachMember(s, func(_, v string) {
			if !first {
				b = append(b, ',')
			}
			first = false
			if v[0] == '{' || v[0] == '[' {
				b = data.AppendQuoted(b, v)
			} else {
				b = append(b, v...)
			}
		})
		return append(b, ']')
	default:
		return append(b, s...)
	}
}
