package transform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/transform/jsontext"
)

// rejection is why a row cannot be converted. It never holds the row's content.
type rejection struct{ reason string }

func (r *rejection) Error() string { return r.reason }

func reject(format string, args ...any) error {
	return &rejection{reason: fmt.Sprintf(format, args...)}
}

const rowDepth = 3 // the document, its results, the row

// readResults reads the array of rows at the cursor.
func (d *decoder) readResults(ctx context.Context) error {
	if d.Peek() != '[' {
		return d.Malformed("the results are not an array")
	}
	d.columnsFor()
	return d.elements(ctx, d.row)
}

// row reads one row, into the columns or to the rejects. An error is the document's, or
// errEnd, with nothing of the row kept.
func (d *decoder) row() error {
	if len(d.cols) == 0 {
		return fmt.Errorf("%w: rows, but no column in the schema", hunting.ErrMalformed)
	}
	if d.Peek(); d.Pos >= len(d.Bytes) {
		return jsontext.ErrEnd
	}
	d.reserve()
	start := d.Pos
	d.rowNaNs = 0
	if err := d.cells(); err != nil {
		for _, c := range d.all() {
			c.cut(d.rows)
		}
		return d.rejectRow(start, err)
	}
	d.nans += d.rowNaNs
	if d.rows++; d.rows == d.shared.learnAfter {
		d.findRuns()
	}
	return nil
}

// rejectRow puts the row that began at start to the rejects, if err is about the row; any
// other error is the document's and is returned.
func (d *decoder) rejectRow(start int, err error) error {
	var why *rejection
	if !errors.As(err, &why) {
		return err
	}
	// Read again to its end: what is rejected must at least be JSON, or the body is broken.
	d.Pos = start
	if err := d.Skip(rowDepth - 1); err != nil {
		return err
	}
	d.rejects = append(d.rejects, hunting.Reject{
		Window: d.window,
		Row:    bytes.Clone(d.Bytes[start:d.Pos]),
		Reason: why.reason,
	})
	return nil
}

// cells reads the row at the cursor, one cell into every column.
func (d *decoder) cells() error {
	if d.Bytes[d.Pos] != '{' {
		return reject("the row is not an object")
	}
	d.extraText, d.extraKeys = d.extraText[:0], d.extraKeys[:0]
	d.left, d.toKeep.run = 0, nil
	next, filled := 0, 0
	for more := !d.Open('}'); more; {
		d.Peek()
		start := d.Pos
		at, err := d.columnKey(next)
		if err != nil {
			return err
		}
		d.Peek()
		if at >= 0 {
			c := d.cols[at]
			if c.n > d.rows {
				return reject("column %s occurs twice in the row", c.Name)
			}
			if err = d.cell(c); c.dict != nil {
				d.left = c.learn(d.left)
			}
			next, filled = at+1, filled+1
			if err == nil {
				run := d.follow(at)
				next, filled = next+run, filled+run
			}
		} else {
			err = d.foreign()
		}
		if err != nil {
			return err
		}
		if more, err = d.More('}'); err != nil {
			return err
		}
		if at < 0 && more && next < len(d.cols) && len(d.extraKeys) == 0 { // a companion
			d.cols[next].before = append(d.cols[next].before[:0], d.Bytes[start:d.Pos]...)
		}
	}
	d.matched = d.matched || filled > 0
	if filled < len(d.cols) {
		for _, c := range d.cols {
			if c.n == d.rows {
				c.appendAbsent()
			}
		}
	}
	return d.finishExtra()
}

// columnKey reads a key with its colon and returns its column, -1 for a key that the
// Schema does not name. Rows mostly list the columns in the Schema's order, with the
// companions of the row before, so the next one is tried before any is looked up.
func (d *decoder) columnKey(next int) (int, error) {
	if next < len(d.cols) {
		c := d.cols[next]
		if c.before != nil && bytes.HasPrefix(d.Bytes[d.Pos:], c.before) {
			d.Pos += len(c.before)
			d.Peek()
		}
		if c.key != nil && bytes.HasPrefix(d.Bytes[d.Pos:], c.key) {
			d.Pos += len(c.key)
			return next, nil
		}
	}
	r, err := d.Str()
	if err != nil {
		return 0, err
	}
	if err := d.Take(':'); err != nil {
		return 0, err
	}
	d.rawKey, d.key = r, r.AppendTo(d.key[:0])
	if at, ok := d.index[string(d.key)]; ok {
		return at, nil
	}
	if !r.ValidUTF8() {
		return 0, reject("a key holds %v", jsontext.ErrUTF8)
	}
	if isCompanion(d.key) {
		return -1, nil
	}
	return d.columnOfOtherCase()
}

// ambiguous stands for columns that differ from each other by case only.
const ambiguous = -2

// columnOfOtherCase returns the column that d.key names but for its case, -1 if there is
// none. A key that could be either of two columns is an error of the document: a guess
// would leave one of them empty in every row.
func (d *decoder) columnOfOtherCase() (int, error) {
	if d.folded == nil {
		d.folded = make(map[string]int, len(d.columns))
		for i, c := range d.columns {
			name := strings.ToLower(c.Name)
			if _, taken := d.folded[name]; taken {
				i = ambiguous
			}
			d.folded[name] = i
		}
	}
	at, ok := d.folded[strings.ToLower(string(d.key))]
	switch {
	case !ok:
		return -1, nil
	case at == ambiguous:
		return 0, d.Malformed(fmt.Sprintf("the key %q of a row could be either of two columns of the schema, which differ by case only", d.key))
	}
	return at, nil
}

// isCompanion reports whether a key is Graph's note on another one, which is no data.
func isCompanion(key []byte) bool { return bytes.Contains(key, []byte("@odata")) }

// foreign reads the value of d.key, which the Schema does not name.
func (d *decoder) foreign() error {
	if isCompanion(d.key) {
		return d.Skip(rowDepth)
	}
	if len(d.extraKeys) == d.cfg.MaxColumns {
		return fmt.Errorf("%w: byte %d: a row with more than %d keys that the schema does not name; raise TRANSFORM_MAX_COLUMNS if the data is genuine",
			hunting.ErrLimit, d.Base+int64(d.Pos), d.cfg.MaxColumns)
	}
	d.extraText = append(d.extraText, ',') // the first one becomes {
	start := len(d.extraText)
	d.extraText = d.rawKey.AppendQuoted(d.extraText)
	span := [2]int{start, len(d.extraText)}
	for _, k := range d.extraKeys {
		if bytes.Equal(d.extraText[k[0]:k[1]], d.extraText[start:]) {
			return reject("a key that the schema does not name occurs twice in the row")
		}
	}
	d.extraKeys = append(d.extraKeys, span)
	d.extraText = append(d.extraText, ':')
	var rest []byte
	var err error
	d.extraText, rest, err = d.Canonical(d.extraText, rowDepth)
	d.extraText = append(d.extraText, rest...)
	if errors.Is(err, jsontext.ErrUTF8) {
		return reject("column %s: %v", schema.Extra, err)
	}
	if err == nil && len(d.extraText) > int(d.cfg.MaxCell) {
		return d.tooLong(schema.Extra)
	}
	return err
}

// finishExtra closes the row's cell of the extra column, which exists from the first row
// on that needs it.
func (d *decoder) finishExtra() error {
	if d.extra == nil {
		if len(d.extraKeys) == 0 {
			return nil
		}
		name := schema.Extra
		for n := 2; ; n++ { // a query may have projected a column of that name
			if _, taken := d.index[name]; !taken {
				break
			}
			name = fmt.Sprintf("%s_%d", schema.Extra, n)
		}
		d.extra = d.column(schema.Column{Name: name, Type: "Dynamic"})
		for range d.rows {
			d.extra.appendAbsent()
		}
	}
	if len(d.extraKeys) == 0 {
		d.extra.appendAbsent()
		return nil
	}
	c := d.extra
	d.extraText[0] = '{'
	d.extraText = append(d.extraText, '}')
	if c.dict != nil && c.known(d.extraText) {
		return nil
	}
	c.room(len(d.extraText))
	c.data = append(c.data, d.extraText...)
	return d.closeText(c, d.extraText)
}

func (d *decoder) tooLong(column string) error {
	return fmt.Errorf("%w: byte %d: a cell of column %s has more than %d bytes; raise TRANSFORM_MAX_CELL_BYTES if the data is genuine",
		hunting.ErrLimit, d.Pos, column, d.cfg.MaxCell)
}

// closeText closes a cell whose text has been appended to c.data.
func (d *decoder) closeText(c *column, spelled []byte) error {
	if len(c.data)-int(c.ends[len(c.ends)-1]) > int(d.cfg.MaxCell) {
		return d.tooLong(c.Name)
	}
	if len(c.data) > math.MaxInt32 {
		return fmt.Errorf("%w: column %s has more than 2 GiB of text in one page; take smaller windows", hunting.ErrLimit, c.Name)
	}
	c.doneText(spelled)
	return nil
}
