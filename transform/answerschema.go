package transform

import (
	"fmt"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// readSchema reads [{"Name":…,"Type":…},…].
func (d *decoder) readSchema(depth int) error {
	if d.schemaSeen {
		return d.malformed("a second schema")
	}
	if d.peek() != '[' {
		return d.malformed("the schema is not an array")
	}
	d.columns = d.columns[:0]
	if d.open(']') {
		d.schemaSeen = true
		return nil
	}
	for more := true; more; {
		c, err := d.readColumn(depth + 1)
		if err != nil {
			return err
		}
		if len(d.columns) == d.cfg.MaxColumns {
			return fmt.Errorf("%w: more than %d columns; project fewer or raise TRANSFORM_MAX_COLUMNS",
				hunting.ErrLimit, d.cfg.MaxColumns)
		}
		d.columns = append(d.columns, c)
		if more, err = d.more(']'); err != nil {
			return err
		}
	}
	if _, err := schema.Arrow(d.columns); err != nil {
		return fmt.Errorf("%w: %w", hunting.ErrMalformed, err)
	}
	d.schemaSeen = true
	return nil
}

func (d *decoder) readColumn(depth int) (c schema.Column, err error) {
	if d.peek() != '{' {
		return c, d.malformed("a column of the schema is not an object")
	}
	for more := !d.open('}'); more; {
		d.peek()
		name, err := d.str()
		if err != nil {
			return c, err
		}
		if err := d.take(':'); err != nil {
			return c, err
		}
		var into *string
		switch string(name.b) {
		case "Name", "name":
			into = &c.Name
		case "Type", "type":
			into = &c.Type
		}
		if into == nil {
			err = d.skip(depth + 1)
		} else {
			var value raw
			d.peek()
			value, err = d.str()
			*into = string(value.appendTo(nil))
		}
		if err != nil {
			return c, err
		}
		if more, err = d.more('}'); err != nil {
			return c, err
		}
	}
	if c.Name == "" {
		return c, d.malformed("a column of the schema has no name")
	}
	return c, nil
}
