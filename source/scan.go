package source

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
)

// maxDepth bounds how deep an answer may nest.
const maxDepth = 512

var (
	errCut   = errors.New("the answer ends before its JSON does")
	errShape = errors.New("the answer is not a hunting result")
)

// outline is what one pass over an answer says about it.
type outline struct {
	rows    int
	failed  bool   // there is a top-level error: the answer is not a result
	partial bool   // there is a link to more rows, which the API does not document
	stats   []byte // the legacy flavours' Stats, as they stand in the answer; nil: none
}

// counted is how many rows the answer's own statistics give, or -1: they give no number.
// They have one entry for each table of the result, of which the rows are one: if any
// entry agrees with the rows, that one is meant, else the largest.
func (o outline) counted() int {
	var stats struct {
		Tables []struct {
			Rows *int `json:"table_row_count"`
		} `json:"dataset_statistics"`
	}
	if o.stats == nil || json.Unmarshal(o.stats, &stats) != nil {
		return -1
	}
	most := -1
	for _, t := range stats.Tables {
		switch {
		case t.Rows == nil:
		case *t.Rows == o.rows:
			return o.rows
		default:
			most = max(most, *t.Rows)
		}
	}
	return most
}

// scan walks an answer once and reports its rows. It fails unless the document is one
// object, closed to its last brace, with nothing but white space after it, that holds
// one array of objects called Results or results. What is inside a row is checked for
// its brackets and strings only; the rest is the transformer's.
func scan(b []byte) (outline, error) {
	var o outline
	i := space(b, 0)
	if i == len(b) {
		return o, errCut
	}
	if b[i] != '{' {
		return o, fmt.Errorf("%w: it does not begin with {", errShape)
	}
	results := false
	i = space(b, i+1)
	for first := true; ; first = false {
		if i == len(b) {
			return o, errCut
		}
		if first && b[i] == '}' {
			break
		}
		key, next, err := member(b, i)
		if err != nil {
			return o, err
		}
		i = next
		null := i < len(b) && b[i] == 'n'
		switch {
		case (string(key) == "Results" || string(key) == "results") && !null: // beside an error it may be null
			if results {
				return o, fmt.Errorf("%w: it has results twice", errShape)
			}
			results = true
			o.rows, i, err = elements(b, i)
		default:
			o.failed = o.failed || string(key) == "error" && !null
			o.partial = o.partial || string(key) == "@odata.nextLink" && !null
			begin := i
			if i, err = value(b, i); err == nil && string(key) == "Stats" {
				o.stats = b[begin:i]
			}
		}
		if err != nil {
			return o, err
		}
		done := false
		if i, done, err = comma(b, i, '}'); err != nil {
			return o, err
		}
		if done {
			i--
			break
		}
	}
	if space(b, i+1) != len(b) {
		return o, fmt.Errorf("%w: there is more after its end", errShape)
	}
	if !results && !o.failed {
		return o, fmt.Errorf("%w: it has no results", errShape)
	}
	return o, nil
}

// member reads a key and its colon and returns where the value begins.
func member(b []byte, i int) (key []byte, next int, err error) {
	if b[i] != '"' {
		return nil, 0, fmt.Errorf("%w: byte %d: want a key", errShape, i)
	}
	end := quoted(b, i+1)
	if end < 0 {
		return nil, 0, errCut
	}
	key = b[i+1 : end-1]
	i = space(b, end)
	if i == len(b) {
		return nil, 0, errCut
	}
	if b[i] != ':' {
		return nil, 0, fmt.Errorf("%w: byte %d: want a colon", errShape, i)
	}
	return key, space(b, i+1), nil
}

// comma reads a comma or the closing bracket, and returns what follows it.
func comma(b []byte, i int, end byte) (next int, done bool, err error) {
	i = space(b, i)
	switch {
	case i == len(b):
		return 0, false, errCut
	case b[i] == end:
		return i + 1, true, nil
	case b[i] == ',':
		return space(b, i+1), false, nil
	}
	return 0, false, fmt.Errorf("%w: byte %d: want a comma or %c", errShape, i, end)
}

// elements counts the objects of an array.
func elements(b []byte, i int) (rows, next int, err error) {
	if i == len(b) {
		return 0, 0, errCut
	}
	if b[i] != '[' {
		return 0, 0, fmt.Errorf("%w: its results are no array", errShape)
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return 0, i + 1, nil
	}
	for {
		if i == len(b) {
			return 0, 0, errCut
		}
		if b[i] != '{' {
			return 0, 0, fmt.Errorf("%w: byte %d: a row is no object", errShape, i)
		}
		if i, err = composite(b, i); err != nil {
			return 0, 0, err
		}
		rows++
		done := false
		if i, done, err = comma(b, i, ']'); err != nil || done {
			return rows, i, err
		}
	}
}

// value skips one value of any kind.
func value(b []byte, i int) (int, error) {
	if i == len(b) {
		return 0, errCut
	}
	switch b[i] {
	case '{', '[':
		return composite(b, i)
	case '"':
		if end := quoted(b, i+1); end >= 0 {
			return end, nil
		}
		return 0, errCut
	}
	start := i
	for i < len(b) && class[b[i]] == plain && b[i] != ',' && b[i] != ':' {
		i++
	}
	if i == start {
		return 0, fmt.Errorf("%w: byte %d: want a value", errShape, i)
	}
	return i, nil
}

// Classes of bytes outside of strings.
const (
	plain = iota
	quote
	opening
	closing
)

var class = [256]uint8{'"': quote, '{': opening, '[': opening, '}': closing, ']': closing}

// composite skips an object or an array that begins at i; brackets must pair.
func composite(b []byte, i int) (int, error) {
	var stack [maxDepth]byte
	depth := 0
	for i < len(b) {
		c := b[i]
		switch class[c] {
		case quote:
			end := quoted(b, i+1)
			if end < 0 {
				return 0, errCut
			}
			i = end
			continue
		case opening:
			if depth == maxDepth {
				return 0, fmt.Errorf("%w: byte %d: nested deeper than %d", errShape, i, maxDepth)
			}
			stack[depth] = c + 2 // the closing bracket of { and of [
			depth++
		case closing:
			depth--
			if stack[depth] != c {
				return 0, fmt.Errorf("%w: byte %d: brackets do not pair", errShape, i)
			}
			if depth == 0 {
				return i + 1, nil
			}
		}
		i++
	}
	return 0, errCut
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// quoted returns the position after the quote that ends the string whose first byte is
// at i, or -1. Most strings are short, so the first bytes are looked at eight at a time.
func quoted(b []byte, i int) int {
	for range 4 {
		if i+8 > len(b) {
			break
		}
		w := binary.LittleEndian.Uint64(b[i:])
		q, s := w^(ones*'"'), w^(ones*'\\')
		// A byte above the lowest hit may show up falsely; only the lowest is used.
		if hit := ((q - ones) &^ q & highs) | ((s - ones) &^ s & highs); hit != 0 {
			i += bits.TrailingZeros64(hit) / 8
			if b[i] == '"' {
				return i + 1
			}
			return escaped(b, i)
		}
		i += 8
	}
	return escaped(b, i)
}

// escaped is quoted for long strings and for strings with escapes.
func escaped(b []byte, i int) int {
	for i < len(b) {
		k := bytes.IndexByte(b[i:], '"')
		if k < 0 {
			return -1
		}
		slashes := 0
		for j := i + k - 1; j >= i && b[j] == '\\'; j-- {
			slashes++
		}
		i += k + 1
		if slashes%2 == 0 {
			return i
		}
	}
	return -1
}

// space skips white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}
