package transform

import (
	"errors"

	"hunting-exporter/transform/jsontext"
)

// stringCell: null is "", which is what an absent string is in Kusto; a value that is no
// string, which the API never sends, is kept as its JSON text.
func (d *decoder) stringCell(c *column) error {
	switch {
	case d.Pos < len(d.Bytes) && d.Bytes[d.Pos] == '"':
		return d.quotedCell(c)
	case d.Pos < len(d.Bytes) && d.Bytes[d.Pos] == 'n':
		if _, err := d.Literal(); err != nil {
			return err
		}
		c.appendAbsent()
		return nil
	}
	return d.jsonCell(c)
}

// textCell: as stringCell, but null is null.
func (d *decoder) textCell(c *column) error {
	if d.Pos < len(d.Bytes) {
		if d.Bytes[d.Pos] == '"' {
			return d.quotedCell(c)
		}
		if null, err := d.null(); null || err != nil {
			if err == nil {
				c.appendAbsent()
			}
			return err
		}
	}
	return d.jsonCell(c)
}

// someText is more than most texts take.
const someText = 1 << 10

// quotedCell: text that its column's dictionary knows as it is spelled costs neither a
// copy nor a check.
func (d *decoder) quotedCell(c *column) error {
	switch {
	case c.dict == nil:
		c.room(someText)
		if end, ok := d.AppendString(c.data); ok {
			c.data = end
			return d.closeText(c, nil)
		}
	case !c.random:
		if n := c.guess(d.left, d.Bytes[d.Pos+1:]); n >= 0 {
			d.Pos += n + 2
			return nil
		}
	}
	r, err := d.Str()
	if err != nil {
		return err
	}
	if c.dict != nil && c.known(r.Bytes) {
		return nil
	}
	if !r.ValidUTF8() {
		return c.reject(jsontext.ErrUTF8.Error())
	}
	c.room(len(r.Bytes))
	if r.Escaped {
		c.data = r.AppendTo(c.data)
	} else {
		c.data = append(c.data, r.Bytes...)
	}
	return d.closeText(c, r.Bytes)
}

// dynamicCell: canonical JSON of any value but null.
func (d *decoder) dynamicCell(c *column) error {
	if d.Pos < len(d.Bytes) && (d.Bytes[d.Pos] == 'n' || d.Bytes[d.Pos] == '{' && d.Graph) {
		if null, err := d.null(); null || err != nil {
			if err == nil {
				c.appendAbsent()
			}
			return err
		}
	}
	return d.jsonCell(c)
}

func (d *decoder) jsonCell(c *column) error {
	var spelled []byte
	if c.dict != nil {
		start := d.Pos
		if err := d.Skip(rowDepth); err != nil {
			return err
		}
		if spelled = d.Bytes[start:d.Pos]; c.known(spelled) {
			return nil
		}
		d.Pos = start
	}
	var rest []byte
	var err error
	d.json, rest, err = d.Canonical(d.json[:0], rowDepth)
	if errors.Is(err, jsontext.ErrUTF8) {
		return c.reject(jsontext.ErrUTF8.Error())
	}
	if err != nil {
		return err
	}
	c.room(len(d.json) + len(rest))
	c.data = append(append(c.data, d.json...), rest...)
	return d.closeText(c, spelled)
}
