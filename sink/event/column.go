package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"hunting-exporter/schema"
)

// kind says how a column's cells are written.
type kind uint8

const (
	text          kind = iota // "" becomes null
	textKeepEmpty             // "" stays ""
	textNested                // JSON where the text is JSON
	textNumber                // a number where the text is one
	dynamic                   // JSON as it is
	boolean
	int32s
	int64s
	reals
	datetime
)

// column is one property. Its array is found once a batch, so that a cell costs no
// type switch over interfaces.
type column struct {
	name  string // the API's
	label []byte // ,"name":
	kind  kind
	index int
	later []column // same name, another type; the first that is not null counts

	cells  arrow.Array
	texts  schema.Text
	bools  *array.Boolean
	ints   *array.Int32
	longs  *array.Int64
	floats *array.Float64
	ticks  []int64
}

func newColumn(f arrow.Field, index int, rules tableRules) column {
	c := column{name: schema.APIName(f), index: index}
	switch {
	case f.Type.ID() == arrow.BOOL:
		c.kind = boolean
	case f.Type.ID() == arrow.INT32:
		c.kind = int32s
	case f.Type.ID() == arrow.INT64:
		c.kind = int64s
	case f.Type.ID() == arrow.FLOAT64:
		c.kind = reals
	case arrow.TypeEqual(f.Type, schema.DateTime):
		c.kind = datetime
	case schema.Dynamic(schema.APIType(f)):
		c.kind = dynamic
	default:
		c.kind = rules.textKind(c.name)
	}
	return c
}

func (c *column) bind(r arrow.Record) error {
	c.cells = r.Column(c.index)
	ok := false
	switch c.kind {
	case boolean:
		c.bools, ok = c.cells.(*array.Boolean)
	case int32s:
		c.ints, ok = c.cells.(*array.Int32)
	case int64s:
		c.longs, ok = c.cells.(*array.Int64)
	case reals:
		c.floats, ok = c.cells.(*array.Float64)
	case datetime:
		var d *schema.DateTimeArray
		if d, ok = c.cells.(*schema.DateTimeArray); ok {
			c.ticks = d.Ticks()
		}
	default:
		c.texts, ok = schema.TextOf(c.cells)
	}
	if !ok {
		return fmt.Errorf("column %s has type %s, which no event can hold; report it", c.name, c.cells.DataType())
	}
	for i := range c.later {
		if err := c.later[i].bind(r); err != nil {
			return err
		}
	}
	return nil
}

const null = "null"

func (c *column) append(dst []byte, row int) []byte {
	if c.cells.IsNull(row) {
		for i := range c.later {
			if !c.later[i].cells.IsNull(row) {
				return c.later[i].append(dst, row)
			}
		}
		return append(dst, null...)
	}
	switch c.kind {
	case boolean:
		return strconv.AppendBool(dst, c.bools.Value(row))
	case int32s:
		return strconv.AppendInt(dst, int64(c.ints.Value(row)), 10)
	case int64s:
		return strconv.AppendInt(dst, c.longs.Value(row), 10)
	case reals:
		return appendReal(dst, c.floats.Value(row))
	case datetime:
		return append(appendTime(append(dst, '"'), c.ticks[row], true), '"')
	}
	return appendText(dst, c.texts.String(row), c.kind)
}

func appendText(dst []byte, s string, k kind) []byte {
	switch {
	case s == "" && k != textKeepEmpty:
		return append(dst, null...)
	case k == dynamic:
		return append(dst, s...)
	case k == textNested && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s)):
		return append(dst, s...)
	case k == textNumber && isNumber(s):
		return append(dst, s...)
	}
	return appendString(dst, s)
}

func isNumber(s string) bool {
	return strings.IndexByte("-0123456789", s[0]) >= 0 && json.Valid([]byte(s)) // no other value begins so
}
