package transform

import (
	"math"

	"hunting-exporter/transform/jsontext"
)

// cell reads the value at the cursor into the column.
func (d *decoder) cell(c *column) error {
	switch c.kind {
	case kindString:
		return d.stringCell(c)
	case kindText:
		return d.textCell(c)
	case kindDynamic:
		return d.dynamicCell(c)
	case kindBool:
		return d.boolCell(c)
	case kindInt32, kindInt64:
		if v, n := jsontext.Digits(d.Bytes[d.Pos:]); n > 0 && (c.kind == kindInt64 || v <= math.MaxInt32) {
			d.Pos += n
			c.appendInt(v)
			return nil
		}
	case kindDateTime:
		if v, n := quotedTicks(d.Bytes[d.Pos:]); n > 0 {
			d.Pos += n
			c.appendTicks(v)
			return nil
		}
	}
	token, ok, err := d.token(c)
	if err != nil || !ok {
		return err
	}
	switch c.kind {
	case kindDateTime:
		return d.dateTime(c, token)
	case kindDouble:
		return d.double(c, token)
	default:
		return d.integer(c, token)
	}
}

func (c *column) reject(why string) error { return reject("column %s (%s): %s", c.Name, c.Type, why) }

// null reads null, or {} where that stands for it, and reports whether it was there.
// Outside of dynamic columns {} can be nothing else; in them it is a legacy empty bag.
func (d *decoder) null() (bool, error) {
	switch d.Bytes[d.Pos] {
	case 'n':
		_, err := d.Literal()
		return true, err
	case '{':
		start := d.Pos
		if d.Open('}') {
			return true, nil
		}
		if d.Pos >= len(d.Bytes) {
			return false, jsontext.ErrEnd
		}
		d.Pos = start
	}
	return false, nil
}

// literalText is a number, or the text of a string.
type literalText struct {
	b      []byte
	quoted bool
	whole  bool // a number without fraction or exponent
}

// token reads a cell that is a number or a short string; ok is false for a null, which
// has been appended then.
func (d *decoder) token(c *column) (t literalText, ok bool, err error) {
	if d.Pos >= len(d.Bytes) {
		return t, false, d.Malformed("expected a value")
	}
	switch d.Bytes[d.Pos] {
	case '"':
		r, err := d.Str()
		if err != nil {
			return t, false, err
		}
		if r.Escaped {
			d.Text = r.AppendTo(d.Text[:0])
			r.Bytes = d.Text
		}
		n, whole := jsontext.NumberLen(r.Bytes)
		return literalText{b: r.Bytes, quoted: true, whole: whole && n == len(r.Bytes)}, true, nil
	case 'n', '{':
		null, err := d.null()
		if err != nil {
			return t, false, err
		}
		if null {
			c.appendAbsent()
			return t, false, nil
		}
		return t, false, c.reject("an object")
	case '[':
		return t, false, c.reject("an array")
	case 't', 'f':
		return t, false, c.reject("true or false")
	}
	text, whole, err := d.Number()
	return literalText{b: text, whole: whole}, true, err
}

func (d *decoder) dateTime(c *column, t literalText) error {
	if !t.quoted {
		return c.reject("a number")
	}
	v, ok := ticks(t.b)
	if !ok {
		return c.reject("not a time of the form YYYY-MM-DDThh:mm:ss.fffffffZ")
	}
	c.appendTicks(v)
	return nil
}

func (d *decoder) integer(c *column, t literalText) error {
	if !t.whole {
		return c.reject("not a whole number")
	}
	v, ok := jsontext.ParseInt(t.b)
	if !ok || c.kind == kindInt32 && (v < math.MinInt32 || v > math.MaxInt32) {
		return c.reject("out of range")
	}
	c.appendInt(v)
	return nil
}

func (d *decoder) double(c *column, t literalText) error {
	if t.quoted {
		switch string(t.b) {
		case "NaN":
			d.rowNaNs++
			c.appendAbsent()
			return nil
		case "Infinity":
			c.f64 = append(c.f64, math.Inf(1))
			c.done()
			return nil
		case "-Infinity":
			c.f64 = append(c.f64, math.Inf(-1))
			c.done()
			return nil
		}
		if n, _ := jsontext.NumberLen(t.b); n == 0 || n != len(t.b) {
			return c.reject("not a number")
		}
	}
	v, ok := jsontext.ParseFloat(t.b)
	if !ok {
		return c.reject("out of range")
	}
	c.f64 = append(c.f64, v)
	c.done()
	return nil
}

func (d *decoder) boolCell(c *column) error {
	if v, n := jsontext.Digits(d.Bytes[d.Pos:]); n == 1 && v <= 1 {
		d.Pos++
		c.appendBool(v == 1)
		return nil
	}
	if d.Pos < len(d.Bytes) && (d.Bytes[d.Pos] == 't' || d.Bytes[d.Pos] == 'f') {
		letter, err := d.Literal()
		if err == nil {
			c.appendBool(letter == 't')
		}
		return err
	}
	t, ok, err := d.token(c)
	if err != nil || !ok {
		return err
	}
	switch string(t.b) {
	case "1":
		c.appendBool(true)
		return nil
	case "0":
		c.appendBool(false)
		return nil
	}
	if t.quoted {
		switch string(t.b) {
		case "true", "True":
			c.appendBool(true)
			return nil
		case "false", "False":
			c.appendBool(false)
			return nil
		}
	}
	return c.reject("neither 0, 1, true nor false")
}
