package s3

import (
	"errors"
	"math"

	"hunting-exporter/internal/intern"
	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
	"hunting-exporter/sink/s3/parquetfile"
)

// A dictionary is given up where it does not pay: beyond mostEntries, or when more than
// half of the rows differ. It is never mixed with plain text: in one row group, readers
// would look for values that a mixed chunk's bloom filter lacks; in one file, fastparquet
// reads null for the plain ones.
const (
	mostEntries = 40_000
	trialRows   = 8192
	fewRows     = 64 // too few to tell
)

// errTooMuchText: offsets have 31 bits.
var errTooMuchText = errors.New("more than 2 GiB of text in one row group; lower PARQUET_ROW_GROUP_ROWS")

// addText copies texts: their entries, each entry of the batch looked up once, or plain.
func (c *groupColumn) addText(text schema.Text, have int, from picked, room int) error {
	index, rows := text.Index(), from.rows
	if !c.plain && !c.decided && index == nil && have+len(rows) >= trialRows {
		if err := c.makePlain(room); err != nil { // the batch's own dictionary did not pay
			return err
		}
	}
	if c.plain {
		return c.addPlain(text, have, from, room)
	}
	if c.text == nil {
		c.text = intern.New()
	}
	c.Index = pool.Reserve(c.pool, c.Index, room)
	if index != nil {
		c.remap = append(c.remap[:0], make([]int32, text.Distinct())...)
	}
	for i, row := range rows {
		if c.null(have + i) {
			c.Index = append(c.Index, 0)
			continue
		}
		if index == nil {
			c.Index = append(c.Index, c.entry(text.Value(int(row))))
			continue
		}
		e := index[row]
		if c.remap[e] == 0 {
			c.remap[e] = 1 + c.entry(text.Entry(int(e)))
		}
		c.Index = append(c.Index, c.remap[e]-1)
	}
	if n := c.text.Len(); !c.decided && (n > mostEntries || len(c.Index) >= trialRows && 2*n > len(c.Index)) {
		return c.makePlain(room)
	}
	return nil
}

func (c *groupColumn) null(row int) bool { return c.Valid != nil && c.Valid[row] == 0 }

// entry is the number of a text in the dictionary.
func (c *groupColumn) entry(b []byte) int32 {
	e, hash := c.text.Find(b)
	if e < 0 {
		e = c.text.Add(b, hash)
	}
	return e
}

func (c *groupColumn) addPlain(text schema.Text, have int, from picked, room int) error {
	size, rows := 0, from.rows
	for i, row := range rows {
		if !c.null(have + i) {
			size += len(text.Value(int(row)))
		}
	}
	need := len(c.Bytes) + size
	if need > math.MaxInt32 {
		return errTooMuchText
	}
	if need > cap(c.Bytes) {
		expected := int64(size) * int64(room-have) / int64(len(rows)) // if the rows to come are alike
		c.Bytes = pool.Reserve(c.pool, c.Bytes, max(need, len(c.Bytes)+int(expected+expected/16)))
	}
	c.Ends = pool.Reserve(c.pool, c.Ends, room+1)
	if have == 0 {
		c.Ends = append(c.Ends, 0)
	}
	if c.Valid == nil && text.Index() == nil && from.run {
		offsets, data := text.Run(int(rows[0]), int(rows[len(rows)-1])+1)
		shift := int32(len(c.Bytes)) - offsets[0]
		c.Bytes = append(c.Bytes, data[offsets[0]:offsets[len(rows)]]...)
		for _, end := range offsets[1:] {
			c.Ends = append(c.Ends, end+shift)
		}
		return nil
	}
	for i, row := range rows {
		if !c.null(have + i) {
			c.Bytes = append(c.Bytes, text.Value(int(row))...)
		}
		c.Ends = append(c.Ends, int32(len(c.Bytes)))
	}
	return nil
}

// makePlain gives up the dictionary.
func (c *groupColumn) makePlain(room int) error {
	c.plain = true
	if len(c.Index) == 0 {
		return nil
	}
	ends, text := c.text.Text()
	size := 0
	for i, e := range c.Index {
		if !c.null(i) {
			size += int(ends[e+1] - ends[e])
		}
	}
	if size > math.MaxInt32 {
		return errTooMuchText
	}
	c.Bytes = pool.Reserve(c.pool, c.Bytes, size)
	c.Ends = append(pool.Reserve(c.pool, c.Ends, room+1), 0)
	for i, e := range c.Index {
		if !c.null(i) {
			c.Bytes = append(c.Bytes, text[ends[e]:ends[e+1]]...)
		}
		c.Ends = append(c.Ends, int32(len(c.Bytes)))
	}
	pool.Return(c.pool, c.Index)
	c.Index = nil
	c.text.Reset()
	return nil
}

// finish is the column as it is to be written.
func (c *groupColumn) finish(rows int) (parquetfile.Values, error) {
	if c.kind != parquetfile.Text || c.plain {
		return c.Values, nil
	}
	if !c.decided && rows >= fewRows && 2*c.text.Len() > rows {
		err := c.makePlain(rows)
		return c.Values, err
	}
	v := c.Values
	v.Ends, v.Bytes = c.text.Text()
	return v, nil
}
