package transform

import (
	"hunting-exporter/internal/intern"
	"hunting-exporter/internal/pool"
)

// A dictionary is given up where it does not pay: values that hardly repeat.
const (
	mostEntries = 16_384
	trial       = 4096 // rows after which it must have begun to pay
)

// begin gives a text column a dictionary, by the bytes between the quotes as the answer
// spells them, so that a value that is known needs neither unescaping nor checking. (Two
// spellings of one value are two entries.) Entry 0 is the empty text.
func (c *column) begin(d *intern.Table) {
	c.dict = d
	_, hash := d.Find(nil)
	d.Add(nil, hash)
	c.ends = append(pool.Reserve(c.pool, c.ends, 256), 0, 0)
}

// known appends a cell whose spelling the dictionary knows.
func (c *column) known(spelled []byte) bool {
	entry, _ := c.dict.Find(spelled)
	if entry < 0 {
		return false
	}
	c.entry, c.last = entry, c.dict.At(entry)
	c.index = append(c.index, entry)
	c.done()
	return true
}

// guess appends the text that stood beside the one on its left last time or, if that is
// not known, the text of the row before, if that is what a string goes on with, and returns
// its length; -1: it does not. What columns say of one process, user or device comes
// together: a guess that holds spares scanning, hashing and looking up.
func (c *column) guess(left int, inside []byte) int {
	e, text := c.entry, c.last
	if left < len(c.beside) && c.beside[left] != 0 {
		e = c.beside[left] - 1
		text = c.dict.At(e)
	}
	n := len(text)
	if n >= len(inside) || inside[n] != '"' || string(inside[:n]) != string(text) {
		return -1
	}
	c.entry, c.last = e, text
	c.index = append(c.index, e)
	c.guessed++
	c.done()
	return n
}

// learn notes beside which text on its left a cell stood, and returns what stands on the
// left of the next.
func (c *column) learn(left int) int {
	if c.random {
		return int(c.entry) + 1
	}
	for len(c.beside) <= left {
		c.beside = append(c.beside, 0)
	}
	c.beside[left] = c.entry + 1
	return int(c.entry) + 1
}

// doneText closes a cell whose text has been appended to data; spelled is how the answer
// spells it.
func (c *column) doneText(spelled []byte) {
	if c.dict == nil {
		c.ends = append(c.ends, int32(len(c.data)))
		c.done()
		return
	}
	_, hash := c.dict.Find(spelled)
	c.ends = append(pool.Reserve(c.pool, c.ends, len(c.ends)+1), int32(len(c.data)))
	c.entry = c.dict.Add(spelled, hash)
	c.last = c.dict.At(c.entry)
	c.index = append(c.index, c.entry)
	c.done()
	if n := c.dict.Len(); n > mostEntries || c.n >= trial && 2*n > c.n {
		c.plain()
	}
}

// plain gives up the dictionary: each cell holds its own text from now on.
func (c *column) plain() {
	size, ends, data := 0, c.ends, c.data
	for _, e := range c.index {
		size += int(ends[e+1] - ends[e])
	}
	c.data = c.pool.Get(size + size/4)
	c.ends = pool.Reserve[int32](c.pool, nil, cap(c.index)+1)
	c.ends = append(c.ends, 0)
	for _, e := range c.index {
		c.data = append(c.data, data[ends[e]:ends[e+1]]...)
		c.ends = append(c.ends, int32(len(c.data)))
	}
	pool.Return(c.pool, ends)
	pool.Return(c.pool, c.index)
	c.pool.Put(data)
	c.dict, c.index = nil, nil
}
