package transform

import (
	"math"
	"strconv"
)

// parseInt reads a whole JSON number; ok is false beyond 64 bits.
func parseInt(b []byte) (v int64, ok bool) {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) > 19 {
		return 0, false
	}
	var u uint64
	for _, c := range b {
		u = u*10 + uint64(c-'0')
	}
	switch {
	case u <= math.MaxInt64 && negative:
		return -int64(u), true
	case u <= math.MaxInt64:
		return int64(u), true
	}
	return math.MinInt64, negative && u == 1<<63
}

// parseFloat reads a JSON number. In 16 bytes a fraction leaves at most 15 digits, so both
// operands of the division are exact and its result is the nearest; without a fraction
// only the conversion rounds.
func parseFloat(b []byte) (float64, bool) {
	var mantissa uint64
	point := len(b)
	simple := len(b) <= 16
	for i := 0; simple && i < len(b); i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0')
		case c == '.':
			point = i + 1
		case c != '-':
			simple = false
		}
	}
	if !simple {
		v, err := strconv.ParseFloat(string(b), 64)
		return v, err == nil
	}
	v := float64(mantissa) / powersOf10[len(b)-point]
	if b[0] == '-' {
		v = -v // of a zero too
	}
	return v, true
}

var powersOf10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16}
