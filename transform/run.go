package transform

import "hunting-exporter/internal/pool"

const (
	// learnAfter is after how many rows of a page it is asked which columns go together.
	learnAfter = 1024
	longestRun = 64
	// mostRunText bounds the bytes remembered of one run.
	mostRunText = 4 << 20
	// lastingRun is how often a run must have held, of runTrial rows, to be kept up.
	runTrial, lastingRun = 4096, 0.5
)

// run is columns, one behind the other, that mostly say the same as long as the text column
// before them, the head, does: what a program, a user or a device is known by. The bytes that
// followed an entry of the head last time are kept with the cells that they came to, so that
// one comparison stands for reading them all. Whether a run holds is never assumed: equal
// bytes are equal cells, whatever the head says.
type run struct {
	columns []*column
	// By entry of the head, stride numbers: where in text its bytes are (from<<32 | to; 0 for
	// none), which columns are null, a bit for each, and the cell of each column.
	cells       []int64
	stride      int
	text        []byte
	tries, held int
}

// remembering is a run of the current row that is to be kept for the rows to come.
type remembering struct {
	run   *run // nil: none
	entry int32
	from  int // in the window
	next  int // column to come
	last  int // column of the run
	extra int // keys that the Schema does not name, so far
}

// findRuns looks for the columns that have gone together so far, and for those of which
// nothing can be guessed.
func (d *decoder) findRuns() {
	for _, c := range d.cols {
		c.random = 4*c.guessed < d.rows
	}
	var last []int32
	for at := 0; at < len(d.cols); at++ {
		head := d.cols[at]
		if head.dict == nil {
			continue
		}
		behind := d.cols[at+1:]
		n := 0
		for n < min(len(behind), longestRun) {
			if last = append(last[:0], make([]int32, head.dict.Len())...); !behind[n].goesWith(head, last) {
				break
			}
			n++
		}
		if n > 0 {
			head.run = &run{columns: behind[:n], stride: 2 + n}
			d.runs = append(d.runs, head.run)
			at += n
		}
	}
}

// goesWith reports whether nine in ten cells are as they were when the head last was as it
// is. last is room for a row of each of the head's entries.
func (c *column) goesWith(head *column, last []int32) bool {
	if !c.comparable() {
		return false
	}
	again, same := 0, 0
	for row, e := range head.index {
		if before := last[e]; before > 0 {
			again++
			if c.sameCells(row, int(before)-1) {
				same++
			}
		}
		last[e] = int32(row) + 1
	}
	return 4*again >= len(head.index) && 10*same >= 9*again
}

// comparable: whether a number stands for each cell. Doubles are left out: NaNs are counted
// as they are read.
func (c *column) comparable() bool {
	return c.kind != kindDouble && (!c.kind.text() || c.dict != nil)
}

func (c *column) sameCells(a, b int) bool {
	x, xNull := c.number(a)
	y, yNull := c.number(b)
	return x == y && xNull == yNull
}

// number is what stands for a cell: its value, or the entry of its text.
func (c *column) number(row int) (v int64, null bool) {
	if c.nulls > 0 && c.isNull(row) {
		return 0, true
	}
	switch c.kind {
	case kindInt32:
		return int64(c.i32[row]), false
	case kindInt64, kindDateTime:
		return c.i64[row], false
	case kindBool:
		return int64(c.bits[row>>3] >> (row & 7) & 1), false
	}
	return int64(c.index[row]), false
}

// appendNumber appends the cell that a number stands for.
func (c *column) appendNumber(v int64) {
	switch c.kind {
	case kindInt32, kindInt64:
		c.appendInt(v)
	case kindDateTime:
		c.appendTicks(v)
	case kindBool:
		c.appendBool(v == 1)
	default:
		c.index = append(c.index, int32(v))
		c.done()
	}
}

// follow is called behind the cell of a column. If the column heads a run, and the bytes are
// those that followed last time, it reads the whole run and returns how many columns that
// are; else the run is read cell by cell, and remembered at its end.
func (d *decoder) follow(at int) (columns int) {
	m := &d.toKeep
	if m.run != nil {
		if at != m.next {
			m.run = nil
		} else if m.next++; at == m.last {
			d.remember()
		}
	}
	head := d.cols[at]
	r := head.run
	if r == nil {
		return 0
	}
	if d.repeat(r, head.entry) {
		return len(r.columns)
	}
	if r.tries++; r.tries == runTrial && float64(r.held) < lastingRun*runTrial {
		head.run = nil
		return 0
	}
	*m = remembering{run: r, entry: head.entry, from: d.Pos, next: at + 1, last: at + len(r.columns), extra: len(d.extraKeys)}
	return 0
}

// repeat reads a run at once, if its bytes are as they were behind the entry last time.
func (d *decoder) repeat(r *run, entry int32) bool {
	at := int(entry) * r.stride
	if at >= len(r.cells) || r.cells[at] == 0 {
		return false
	}
	text := r.text[r.cells[at]>>32 : int32(r.cells[at])]
	rest := d.Bytes[d.Pos:]
	n := len(text)
	if n >= len(rest) || rest[n] != ',' && rest[n] != '}' || string(rest[:n]) != string(text) {
		return false
	}
	for _, c := range r.columns {
		if c.n != d.rows || !c.comparable() { // it came before, or gave up its dictionary
			return false
		}
	}
	nulls, cells := r.cells[at+1], r.cells[at+2:at+r.stride]
	for i, c := range r.columns {
		if nulls>>i&1 == 1 {
			c.appendAbsent()
			continue
		}
		c.appendNumber(cells[i])
		if c.dict != nil {
			d.left = int(cells[i]) + 1
		}
	}
	d.Pos += n
	r.tries++
	r.held++
	return true
}

// remember keeps the run that has just been read cell by cell.
func (d *decoder) remember() {
	m := &d.toKeep
	r := m.run
	m.run = nil
	if len(d.extraKeys) != m.extra {
		return
	}
	for _, c := range r.columns {
		if !c.comparable() {
			return
		}
	}
	bytes := d.Bytes[m.from:d.Pos]
	at := int(m.entry) * r.stride
	if have, need := len(r.cells), at+r.stride; have < need {
		if need > cap(r.cells) {
			r.cells = pool.Reserve(d.pool, r.cells, 2*need)
		}
		r.cells = r.cells[:need]
		clear(r.cells[have:])
	}
	where := r.cells[at]
	from, to := int(where>>32), int(int32(where))
	if to-from < len(bytes) { // else the place it had will do
		if from = len(r.text); from+len(bytes) > mostRunText {
			clear(r.cells)
			from, r.text = 0, r.text[:0]
		}
		r.text = d.pool.Grow(r.text, from+len(bytes))[:from+len(bytes)]
	}
	copy(r.text[from:], bytes)
	r.cells[at] = int64(from)<<32 | int64(from+len(bytes))
	r.cells[at+1] = 0
	for i, c := range r.columns {
		v, null := c.number(d.rows)
		if null {
			r.cells[at+1] |= 1 << i
		}
		r.cells[at+2+i] = v
	}
}

// release gives the memory back.
func (r *run) release(p *pool.Pool) {
	pool.Return(p, r.cells)
	p.Put(r.text)
}
