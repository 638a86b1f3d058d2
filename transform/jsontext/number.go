package jsontext

import (
	"math"
	"strconv"
)

// NumberLen returns the length of the JSON number at the start of b, 0 if there is none.
func NumberLen(b []byte) (n int, whole bool) {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch digits := DigitsLen(b[i:]); {
	case digits == 0, digits > 1 && b[i] == '0':
		return 0, false
	default:
		i += digits
	}
	whole = true
	if i < len(b) && b[i] == '.' {
		digits := DigitsLen(b[i+1:])
		if digits == 0 {
			return 0, false
		}
		i += 1 + digits
		whole = false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		j := i + 1
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		digits := DigitsLen(b[j:])
		if digits == 0 {
			return 0, false
		}
		i = j + digits
		whole = false
	}
	return i, whole
}

// DigitsLen is how many digits a text begins with.
func DigitsLen(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}

// Digits reads the whole number at the start of b if it is as nearly all are: without a
// sign, of up to 18 digits, and with a comma or brace right behind; n is its length, else 0.
func Digits(b []byte) (v int64, n int) {
	for i, c := range b {
		if digit := c - '0'; digit <= 9 {
			v = v*10 + int64(digit)
			continue
		}
		if c != ',' && c != '}' || i > 18 || i > 1 && b[0] == '0' {
			break
		}
		return v, i
	}
	return 0, 0
}

// ParseInt reads a whole JSON number; ok is false beyond 64 bits.
func ParseInt(b []byte) (v int64, ok bool) {
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

// ParseFloat reads a JSON number. In 16 bytes a fraction leaves at most 15 digits, so both
// operands of the division are exact and its result is the nearest; without a fraction
// only the conversion rounds.
func ParseFloat(b []byte) (float64, bool) {
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
