package parquet

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"hunting-exporter/internal/intern"
	"hunting-exporter/internal/pool"
	"hunting-exporter/schema"
	"hunting-exporter/sink/parquet/file"
)

// groupColumn is one column of a row group. Its slices are lent by the pool.
type groupColumn struct {
	column
	file.Values // Valid is nil until a row is null
	pool        *pool.Pool
	plain       bool          // texts are stored each by itself; else text has them, Index the rows
	decided     bool          // by the file's first row group
	text        *intern.Table // kept for the next row group
	remap       []int32       // of entries of a batch; for reuse
}

// held is the memory of the cells; that of a dictionary is estimated.
func (c *groupColumn) held() int64 {
	n := cap(c.Valid) + cap(c.Bools) + 4*cap(c.Int32s) + 8*cap(c.Int64s) + 8*cap(c.Doubles) + 4*cap(c.Ends) + cap(c.Bytes) + 4*cap(c.Index) + 4*cap(c.remap)
	if c.text != nil {
		ends, text := c.text.Text()
		n += cap(text) + 20*cap(ends)
	}
	return int64(n)
}

// reset gives the buffers back.
func (c *groupColumn) reset() {
	pool.Return(c.pool, c.Valid)
	pool.Return(c.pool, c.Bools)
	pool.Return(c.pool, c.Int32s)
	pool.Return(c.pool, c.Int64s)
	pool.Return(c.pool, c.Doubles)
	pool.Return(c.pool, c.Ends)
	pool.Return(c.pool, c.Bytes)
	pool.Return(c.pool, c.Index)
	c.Values, c.plain, c.decided = file.Values{}, false, false
	if c.text != nil {
		c.text.Reset()
	}
}

// picked are rows of a record, in the order in which they are taken.
type picked struct {
	rows     []int32
	adjacent bool // they lie one after the other
}

func adjacent(rows []int32) bool {
	for i, row := range rows {
		if row != rows[0]+int32(i) {
			return false
		}
	}
	return true
}

// add copies cells of rows behind those that it has. room is for how many rows there
// should be room.
func (c *groupColumn) add(a arrow.Array, have int, from picked, room int) error {
	if a.NullN() > 0 || c.Valid != nil {
		c.addValid(a, have, from.rows, room)
	}
	switch a := a.(type) {
	case *array.Boolean:
		c.Bools = pool.Reserve(c.pool, c.Bools, room)
		for _, row := range from.rows {
			b := byte(0)
			if a.Value(int(row)) {
				b = 1
			}
			c.Bools = append(c.Bools, b)
		}
	case *array.Int32:
		c.Int32s = gather(pool.Reserve(c.pool, c.Int32s, room), a.Int32Values(), from)
	case *array.Int64:
		c.Int64s = gather(pool.Reserve(c.pool, c.Int64s, room), a.Int64Values(), from)
	case *array.Float64:
		c.Doubles = gather(pool.Reserve(c.pool, c.Doubles, room), a.Float64Values(), from)
		c.dropNaN(have, room)
	case *schema.DateTimeArray:
		c.Int64s = pool.Reserve(c.pool, c.Int64s, room)
		return c.addTimes(a, from.rows)
	default:
		text, ok := schema.TextOf(a)
		if !ok {
			return fmt.Errorf("it is held in a %T, which no Parquet type is defined for", a)
		}
		return c.addText(text, have, from, room)
	}
	return nil
}

// addValid notes which rows have a value.
func (c *groupColumn) addValid(a arrow.Array, have int, rows []int32, room int) {
	c.needValid(have, room)
	if a.NullN() == 0 {
		c.needValid(have+len(rows), room)
		return
	}
	for _, row := range rows {
		if a.IsNull(int(row)) {
			c.Valid = append(c.Valid, 0)
			c.Nulls++
		} else {
			c.Valid = append(c.Valid, 1)
		}
	}
}

// needValid makes the rows up to n that nothing was noted of rows with a value.
func (c *groupColumn) needValid(n, room int) {
	c.Valid = pool.Reserve(c.pool, c.Valid, room)
	for len(c.Valid) < n {
		c.Valid = append(c.Valid, 1)
	}
}

// dropNaN makes NaN null: engines disagree on where it sorts, and prune by it.
func (c *groupColumn) dropNaN(have, room int) {
	for i := have; i < len(c.Doubles); i++ {
		if !math.IsNaN(c.Doubles[i]) {
			continue
		}
		c.needValid(len(c.Doubles), room)
		if c.Valid[i] == 1 {
			c.Valid[i] = 0
			c.Nulls++
		}
	}
}

func gather[T any](dst, all []T, from picked) []T {
	if from.adjacent {
		return append(dst, all[from.rows[0]:from.rows[0]+int32(len(from.rows))]...)
	}
	for _, row := range from.rows {
		dst = append(dst, all[row])
	}
	return dst
}

// addTimes refuses times that 64 bits of nanoseconds cannot hold: null in their place
// would be a loss that nobody sees.
func (c *groupColumn) addTimes(a *schema.DateTimeArray, rows []int32) error {
	ticks := a.Ticks()
	for _, row := range rows {
		t := ticks[row]
		if c.kind == file.TimestampMicros {
			c.Int64s = append(c.Int64s, floorDiv(t, 10))
			continue
		}
		if (t > math.MaxInt64/100 || t < math.MinInt64/100) && a.IsValid(int(row)) {
			return fmt.Errorf("the time %s does not fit nanoseconds; set PARQUET_TIMESTAMP=us", a.ValueStr(int(row)))
		}
		c.Int64s = append(c.Int64s, t*100)
	}
	return nil
}

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
	if c.Valid == nil && text.Index() == nil && from.adjacent {
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
func (c *groupColumn) finish(rows int) (file.Values, error) {
	if c.kind != file.Text || c.plain {
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
