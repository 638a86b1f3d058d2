package tenant

import (
	"math"
	"strings"
)

func negate(v value) value {
	if v.k != kBool {
		return value{}
	}
	return vBool(v.n == 0)
}

func minus(a []value) value {
	v := a[0]
	if v.k == kReal {
		return vReal(-v.real())
	}
	v.n = -v.n
	return v
}

func abs(a []value) value {
	if a[0].k != kNull && a[0].real() < 0 {
		return minus(a)
	}
	return a[0]
}

// bin rounds down to a multiple, below zero too.
func bin(v, w value) value {
	if v.k == kNull || w.k == kNull {
		return value{}
	}
	if v.k == kReal || w.k == kReal {
		return vReal(math.Floor(v.real()/w.real()) * w.real())
	}
	width := w.n
	if width <= 0 {
		return value{}
	}
	if v.k == kDatetime {
		v.n = binTicks(v.n, width)
	} else {
		v.n = floor(v.n, width)
	}
	return v
}

// binTicks rounds a datetime down; its bins count from year 1.
func binTicks(ticks, width int64) int64 { return floor(ticks+epochTicks, width) - epochTicks }

func floor(n, width int64) int64 { return n - floorRest(n, width) }

// floorRest is what floor takes away: never below zero.
func floorRest(n, width int64) int64 {
	rest := n % width
	if rest < 0 {
		rest += width
	}
	return rest
}

// epochTicks is 1970 in ticks since year 1.
const epochTicks = int64(621_355_968_000_000_000)

func choose(a []value) value {
	if a[0].truth() {
		return a[1]
	}
	return a[2]
}

func strcat(a []value) value {
	var b strings.Builder
	for _, v := range a {
		b.WriteString(v.text())
	}
	return vString(b.String())
}

func coalesce(a []value) value {
	for _, v := range a {
		if v.k != kNull && (v.k != kString || v.s != "") {
			return v
		}
	}
	return a[len(a)-1]
}

func substring(a []value) value {
	s := []rune(a[0].text())
	from := int(min(max(0, a[1].n), int64(len(s))))
	s = s[from:]
	if len(a) == 3 {
		s = s[:min(max(0, a[2].n), int64(len(s)))]
	}
	return vString(string(s))
}

func extreme(a []value, sign int) value {
	out := a[0]
	for _, v := range a[1:] {
		if c, ok := compare(v, out); !ok && out.k == kNull || ok && c == sign {
			out = v
		}
	}
	return out
}

func arrayLength(a []value) value {
	list, ok := isArray(a[0])
	if !ok {
		return value{}
	}
	return vLong(int64(len(list)))
}

// hash is xxhash64 of the text; with a modulus it is 0 to n-1. Null hashes too, so
// that the slices of a table are complete together.
func hash(a []value) value {
	h := xxhash64(a[0].text())
	if len(a) == 1 {
		return vLong(int64(h))
	}
	if a[1].n <= 0 {
		return value{}
	}
	return vLong(int64(h % uint64(a[1].n)))
}
