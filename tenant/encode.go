package tenant

import (
	"math"
	"strconv"
)

// appendCell writes a cell as an answer carries it. A null of any type but string
// is {} on Graph and null elsewhere.
func appendCell(b []byte, v value, k kind, graph bool) []byte {
	if v.k == kNull {
		switch {
		case k == kString:
			return append(b, `""`...)
		case graph:
			return append(b, "{}"...)
		default:
			return append(b, "null"...)
		}
	}
	switch v.k {
	case kBool, kInt, kLong:
		return strconv.AppendInt(b, v.n, 10)
	case kReal:
		if f := v.real(); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(appendReal(append(b, '"'), f), '"')
		}
		return appendReal(b, v.real())
	case kDatetime:
		return append(appendTime(append(b, '"'), v.n), '"')
	case kTimespan:
		return append(appendSpan(append(b, '"'), v.n), '"')
	case kDynamic:
		if graph {
			return appendGraphValue(b, v.s, true)
		}
		return append(b, v.s...)
	default:
		return appendQuoted(b, v.s)
	}
}

// appendElement writes a value as a part of a dynamic: booleans are JSON's, times have all
// their digits.
func appendElement(b []byte, v value) []byte {
	switch v.k {
	case kBool:
		return strconv.AppendBool(b, v.n != 0)
	case kDatetime:
		return appendQuoted(b, v.text())
	default:
		return appendCell(b, v, v.k, false)
	}
}

// rowEncoder writes the rows of one answer.
type rowEncoder struct {
	graph   bool
	columns []encodedColumn
	buf     []byte
	// hollow writes rows of a table as {}; their size is guessed from samples.
	hollow        bool
	origin        func(*row) (*table, int64)
	samples, size int64
}

// maxSamples is how many hollow rows are measured.
const maxSamples = 100

type encodedColumn struct {
	expr      *expr
	key       []byte // `,"Name":`
	companion []byte // `,"Name@odata.type":"`
}

func newRowEncoder(rel *relation, graph bool) *rowEncoder {
	enc := &rowEncoder{graph: graph, origin: rel.origin}
	for _, c := range rel.columns {
		enc.columns = append(enc.columns, encodedColumn{
			expr:      c.expr,
			key:       append(appendQuoted([]byte{','}, c.name), ':'),
			companion: append(appendQuoted([]byte{','}, c.name+"@odata.type"), ':', '"'),
		})
	}
	return enc
}

// row writes one row as a JSON object, and tells the size it has or stands for; what
// it returns is valid until the next.
func (enc *rowEncoder) row(r *row) ([]byte, int64) {
	if !enc.hollow || !enc.ofTable(r) {
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

func (enc *rowEncoder) ofTable(r *row) bool {
	if enc.origin == nil {
		return false
	}
	t, _ := enc.origin(r)
	return t != nil
}

func (enc *rowEncoder) full(r *row) []byte {
	b := enc.buf[:0]
	for i := range enc.columns {
		c := &enc.columns[i]
		v := c.expr.eval(r)
		if enc.graph {
			if t := companionOf(v); t != "" {
				b = append(append(append(b, c.companion...), t...), '"')
			}
		}
		b = appendCell(append(b, c.key...), v, c.expr.kind, enc.graph)
	}
	if len(b) == 0 {
		b = append(b, ',')
	}
	b[0] = '{' // in place of the first comma
	enc.buf = append(b, '}')
	return enc.buf
}

// companionOf is the OData type that Graph writes beside a value, "" for none.
func companionOf(v value) string {
	switch v.k {
	case kBool:
		return "#SByte"
	case kLong:
		return "#Int64"
	case kDynamic:
		return jsonCompanion(v.s)
	default:
		return ""
	}
}
