package tenant

import (
	"math"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/schema"
)

// kind is a Kusto scalar type; kNull is the kind of a null value only.
type kind uint8

const (
	kNull kind = iota
	kBool
	kInt
	kLong
	kReal
	kString
	kDatetime
	kTimespan
	kGuid
	kDynamic
	kDecimal
)

var kinds = [...]struct{ kusto, api, net string }{
	kNull:     {"null", "Object", "System.Object"},
	kBool:     {"bool", "SByte", "System.SByte"},
	kInt:      {"int", "Int32", "System.Int32"},
	kLong:     {"long", "Int64", "System.Int64"},
	kReal:     {"real", "Double", "System.Double"},
	kString:   {"string", "String", "System.String"},
	kDatetime: {"datetime", "DateTime", "System.DateTime"},
	kTimespan: {"timespan", "TimeSpan", "System.TimeSpan"},
	kGuid:     {"guid", "Guid", "System.Guid"},
	kDynamic:  {"dynamic", "Object", "System.Object"},
	kDecimal:  {"decimal", "SqlDecimal", "System.Data.SqlTypes.SqlDecimal"},
}

// kindOf reads a Kusto or an API type name.
func kindOf(name string) (kind, bool) {
	switch name {
	case "Boolean":
		return kBool, true
	case "Dynamic":
		return kDynamic, true
	case "Decimal":
		return kDecimal, true
	}
	for k := kBool; k <= kDecimal; k++ {
		if kinds[k].kusto == name || kinds[k].api == name {
			return k, true
		}
	}
	return kNull, false
}

// value is one cell: numbers, booleans, ticks and the bits of a real in n, all
// else in s. A dynamic's s is compact JSON. The zero value is null.
type value struct {
	k kind
	n int64
	s string
}

func vBool(b bool) value {
	if b {
		return value{k: kBool, n: 1}
	}
	return value{k: kBool}
}
func vInt(n int64) value      { return value{k: kInt, n: n} }
func vLong(n int64) value     { return value{k: kLong, n: n} }
func vReal(f float64) value   { return value{k: kReal, n: int64(math.Float64bits(f))} }
func vString(s string) value  { return value{k: kString, s: s} }
func vTime(ticks int64) value { return value{k: kDatetime, n: ticks} }
func vSpan(ticks int64) value { return value{k: kTimespan, n: ticks} }
func vJSON(s string) value    { return value{k: kDynamic, s: s} }

func (v value) real() float64 {
	if v.k == kReal {
		return math.Float64frombits(uint64(v.n))
	}
	return float64(v.n)
}

func (v value) truth() bool { return v.k == kBool && v.n != 0 }

const (
	tick       = int64(1)
	tickSecond = int64(10_000_000)
	tickMinute = 60 * tickSecond
	tickHour   = 60 * tickMinute
	tickDay    = 24 * tickHour
)

// text is tostring(v).
func (v value) text() string {
	switch v.k {
	case kNull:
		return ""
	case kBool:
		if v.n != 0 {
			return "true"
		}
		return "false"
	case kInt, kLong:
		return strconv.FormatInt(v.n, 10)
	case kReal:
		return string(appendReal(nil, v.real()))
	case kDatetime:
		return schema.FromTicks(v.n).Format("2006-01-02T15:04:05.0000000Z")
	case kTimespan:
		return string(appendSpan(nil, v.n))
	case kDynamic:
		if s, ok := unquoteJSON(v.s); ok {
			return s
		}
		return v.s
	default:
		return v.s
	}
}

// appendTime writes a datetime without the fraction digits that it does not need.
func appendTime(b []byte, ticks int64) []byte {
	t := schema.FromTicks(ticks)
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, "2006-01-02T15:04:05.9999999Z")
	}
	hour, minute, second := t.Clock()
	b = append(appendPair(appendPair(b, year/100), year%100), '-')
	b = append(appendPair(b, int(month)), '-')
	b = append(appendPair(b, day), 'T')
	b = append(appendPair(b, hour), ':')
	b = append(appendPair(b, minute), ':')
	b = appendPair(b, second)
	if f := floorRest(ticks, tickSecond); f > 0 {
		b = append(b, '.')
		for unit := tickSecond / 10; f > 0; unit /= 10 {
			b = append(b, byte('0'+f/unit))
			f %= unit
		}
	}
	return append(b, 'Z')
}

func appendPair(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

func appendReal(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		return strconv.AppendFloat(b, f, 'f', 1, 64)
	default:
		return strconv.AppendFloat(b, f, 'g', -1, 64)
	}
}

// appendSpan writes [-][d.]hh:mm:ss[.fffffff].
func appendSpan(b []byte, t int64) []byte {
	u := uint64(t)
	if t < 0 {
		b, u = append(b, '-'), -u
	}
	if d := u / uint64(tickDay); d > 0 {
		b = append(strconv.AppendUint(b, d, 10), '.')
	}
	u %= uint64(tickDay)
	pad := func(n uint64, width int) {
		s := strconv.FormatUint(n, 10)
		b = append(append(b, strings.Repeat("0", width-len(s))...), s...)
	}
	pad(u/uint64(tickHour), 2)
	b = append(b, ':')
	pad(u/uint64(tickMinute)%60, 2)
	b = append(b, ':')
	pad(u/uint64(tickSecond)%60, 2)
	if f := u % uint64(tickSecond); f > 0 {
		b = append(b, '.')
		pad(f, 7)
	}
	return b
}

var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
}

// parseTime reads a datetime as Kusto writes and accepts it.
func parseTime(s string) (int64, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return schema.ToTicks(t), true
		}
	}
	return 0, false
}

// parseSpan reads [-][d.]hh:mm[:ss[.fffffff]], or a bare number of days.
func parseSpan(s string) (int64, bool) {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	clock := strings.Split(s, ":")
	var days int64
	var err error
	if d, rest, ok := strings.Cut(clock[0], "."); ok || len(clock) == 1 {
		if days, err = strconv.ParseInt(d, 10, 32); err != nil {
			return 0, false
		}
		clock[0] = rest
	}
	total := days * tickDay
	for i, unit := range []int64{tickHour, tickMinute, tickSecond} {
		if i >= len(clock) || len(clock) == 1 {
			break
		}
		f, err := strconv.ParseFloat(clock[i], 64)
		if err != nil || f < 0 || f > 1e6 {
			return 0, false
		}
		total += int64(math.Round(f * float64(unit)))
	}
	if neg {
		total = -total
	}
	return total, len(clock) <= 3
}
