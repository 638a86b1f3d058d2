package transform

import "errors"

// stringCell: null is "", which is what an absent string is in Kusto; a value that is no
// string, which the API never sends, is kept as its JSON text.
func (d *decoder) stringCell(c *column) error {
	switch {
	case d.i < len(d.b) && d.b[d.i] == '"':
		return d.quotedCell(c)
	case d.i < len(d.b) && d.b[d.i] == 'n':
		if _, err := d.literal(); err != nil {
			return err
		}
		c.appendAbsent()
		return nil
	}
	return d.jsonCell(c)
}

// textCell: as stringCell, but null is null.
func (d *decoder) textCell(c *column) error {
	if d.i < len(d.b) {
		if d.b[d.i] == '"' {
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
		if end, ok := d.appendString(c.data); ok {
			c.data = end
			return d.closeText(c, nil)
		}
	case !c.random:
		if n := c.guess(d.left, d.b[d.i+1:]); n >= 0 {
			d.i += n + 2
			return nil
		}
	}
	r, err := d.str()
	if err != nil {
		return err
	}
	if c.dict != nil && c.known(r.b) {
		return nil
	}
	if !r.validUTF8() {
		return c.reject(errUTF8.Error())
	}
	c.room(len(r.b))
	if r.escaped {
		c.data = r.appendTo(c.data)
	} else {
		c.data = append(c.data, r.b...)
	}
	return d.closeText(c, r.b)
}

// dynamicCell: canonical JSON of any value but null.
func (d *decoder) dynamicCell(c *column) error {
	if d.i < len(d.b) && (d.b[d.i] == 'n' || d.b[d.i] == '{' && d.graph) {
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
		start := d.i
		if err := d.skip(rowDepth); err != nil {
			return err
		}
		if spelled = d.b[start:d.i]; c.known(spelled) {
			return nil
		}
		d.i = start
	}
	var rest []byte
	var err error
	d.json, rest, err = d.canonical(d.json[:0], rowDepth)
	if errors.Is(err, errUTF8) {
		return c.reject(errUTF8.Error())
	}
	if err != nil {
		return err
	}
	c.room(len(d.json) + len(rest))
	c.data = append(append(c.data, d.json...), rest...)
	return d.closeText(c, spelled)
}
