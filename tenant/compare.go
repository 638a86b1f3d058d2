package tenant

import "strings"

func (k kind) numeric() bool { return k == kInt || k == kLong || k == kReal || k == kDecimal }

// canCompare says whether KQL compares the two types without a cast.
func canCompare(a, b kind) bool {
	switch {
	case a == b, a == kNull, b == kNull, a == kDynamic, b == kDynamic:
		return true
	case a.numeric() && b.numeric():
		return true
	case a == kBool && b.numeric(), b == kBool && a.numeric():
		return true
	default:
		return a == kGuid && b == kString || a == kString && b == kGuid
	}
}

// compare orders two values; ok is false where one of them is null.
func compare(a, b value) (order int, ok bool) {
	if a.k == kNull || b.k == kNull {
		return 0, false
	}
	a, b = unwrap(a, b.k), unwrap(b, a.k)
	if a.k == kReal || b.k == kReal {
		return three(a.real(), b.real()), true
	}
	if a.s != "" || b.s != "" || a.k == kString {
		if a.k == kGuid || b.k == kGuid {
			return strings.Compare(strings.ToLower(a.s), strings.ToLower(b.s)), true
		}
		return strings.Compare(a.s, b.s), true
	}
	return three(a.n, b.n), true
}

// unwrap makes a dynamic scalar comparable with a value of another type.
func unwrap(v value, other kind) value {
	if v.k != kDynamic || other == kDynamic {
		return v
	}
	return convert(v, other)
}

func three[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// convert casts v to another type; what does not fit becomes null.
func convert(v value, to kind) value {
	if v.k == to || v.k == kNull {
		if v.k == kNull && to == kString {
			return vString("")
		}
		return v
	}
	switch to {
	case kString:
		return vString(v.text())
	case kDynamic:
		return vJSON(string(appendElement(nil, v)))
	case kBool:
		if v.k.numeric() {
			return vBool(v.real() != 0)
		}
	case kInt, kLong:
		if v.k == kReal {
			return value{k: to, n: int64(v.real())}
		}
		if v.k == kInt || v.k == kLong || v.k == kBool || v.k == kDatetime || v.k == kTimespan {
			return value{k: to, n: v.n}
		}
	case kReal:
		if v.k == kInt || v.k == kLong || v.k == kBool {
			return vReal(float64(v.n))
		}
	case kDatetime, kTimespan:
		if v.k == kLong {
			return value{k: to, n: v.n}
		}
	}
	parsed, ok := parseAs(v.text(), to)
	if !ok {
		return value{}
	}
	return parsed
}
