package transform

import (
	"fmt"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/transform/jsontext"
)

// readSchema reads [{"Name":…,"Type":…},…].
func (d *decoder) readSchema(depth int) error {
	if d.schemaSeen {
		return d.Malformed("a second schema")
	}
	if d.Peek() != '[' {
		return d.Malformed("the schema is not an array")
	}
	d.columns = d.columns[:0]
	if d.Open(']') {
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
		if more, err = d.More(']'); err != nil {
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
	if d.Peek() != '{' {
		return c, d.Malformed("a column of the schema is not an object")
	}
	for more := !d.Open('}'); more; {
		d.Peek()
		name, err := d.Str()
		if err != nil {
			return c, err
		}
		if err := d.Take(':'); err != nil {
			return c, err
		}
		var into *string
		switch string(name.Bytes) {
		case "Name", "name":
			into = &c.Name
		case "Type", "type":
			into = &c.Type
		}
		if into == nil {
			err = d.Skip(depth + 1)
		} else {
			var value jsontext.Raw
			d.Peek()
			value, err = d.Str()
			*into = string(value.AppendTo(nil))
		}
		if err != nil {
			return c, err
		}
		if more, err = d.More('}'); err != nil {
			return c, err
		}
	}
	if c.Name == "" {
		return c, d.Malformed("a column of the schema has no name")
	}
	return c, nil
}
