package data

import (
	"math"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/schema"
)

// Kind is a Kusto scalar type; KindNull is the kind of a null value only.
type Kind uint8

// The scalar types of Kusto.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindLong
	KindReal
	KindString
	KindDatetime
	KindTimespan
	KindGuid
	KindDynamic
	KindDecimal
)

var kinds = [...]struct{ kusto, api, net string }{
	KindNull:     {"null", "Object", "System.Object"},
	KindBool:     {"bool", "SByte", "System.SByte"},
	KindInt:      {"int", "Int32", "System.Int32"},
	KindLong:     {"long", "Int64", "System.Int64"},
	KindReal:     {"real", "Double", "System.Double"},
	KindString:   {"string", "String", "System.String"},
	KindDatetime: {"datetime", "DateTime", "System.DateTime"},
	KindTimespan: {"timespan", "TimeSpan", "System.TimeSpan"},
	KindGuid:     {"guid", "Guid", "System.Guid"},
	KindDynamic:  {"dynamic", "Object", "System.Object"},
	KindDecimal:  {"decimal", "SqlDecimal", "System.Data.SqlTypes.SqlDecimal"},
}

// String is the name that Kusto has for the type.
func (k Kind) String() string { return kinds[k].kusto }

// API is the name that the APIs have for the type.
func (k Kind) API() string { return kinds[k].api }

// NET is the name that .NET has for the type.
func (k Kind) NET() string { return kinds[k].net }

// KindOf reads a Kusto or an API type name.
func KindOf(name string) (Kind, bool) {
	switch name {
	case "Boolean":
		return KindBool, true
	case "Dynamic":
		return KindDynamic, true
	case "Decimal":
		return KindDecimal, true
	}
	for k := KindBool; k <= KindDecimal; k++ {
		if kinds[k].kusto == name || kinds[k].api == name {
			return k, true
		}
	}
	return KindNull, false
}

// Value is one cell: numbers, booleans, ticks and the bits of a real in Int, all
// else in Text. A dynamic's text is compact JSON. The zero value is null.
type Value struct {
	Kind Kind
	Int  int64
	Text string
}

// Bool makes a bool.
func Bool(b bool) Value {
	if b {
		return Value{Kind: KindBool, Int: 1}
	}
	return Value{Kind: KindBool}
}

// Int makes an int.
func Int(n int64) Value { return Value{Kind: KindInt, Int: n} }

// Long makes a long.
func Long(n int64) Value { return Value{Kind: KindLong, Int: n} }

// Real makes a real.
func Real(f float64) Value { return Value{Kind: KindReal, Int: int64(math.Float64bits(f))} }

// String makes a string.
func String(s string) Value { return Value{Kind: KindString, Text: s} }

// Datetime makes a datetime.
func Datetime(ticks int64) Value { return Value{Kind: KindDatetime, Int: ticks} }

// Timespan makes a timespan.
func Timespan(ticks int64) Value { return Value{Kind: KindTimespan, Int: ticks} }

// Dynamic makes a dynamic of compact JSON.
func Dynamic(s string) Value { return Value{Kind: KindDynamic, Text: s} }

// Float is a number as a real.
func (v Value) Float() float64 {
	if v.Kind == KindReal {
		return math.Float64frombits(uint64(v.Int))
	}
	return float64(v.Int)
}

// Truth is whether the value is true.
func (v Value) Truth() bool { return v.Kind == KindBool && v.Int != 0 }

// Lengths of time in ticks of 100 ns.
const (
	Tick       = int64(1)
	TickSecond = int64(10_000_000)
	TickMinute = 60 * TickSecond
	TickHour   = 60 * TickMinute
	TickDay    = 24 * TickHour
)

// text is tostring(v).
func (v Value) String() string {
	switch v.Kind {
	case KindNull:
		return ""
	case KindBool:
		if v.Int != 0 {
			return "true"
		}
		return "false"
	case KindInt, KindLong:
		return strconv.FormatInt(v.Int, 10)
	case KindReal:
		return string(appendReal(nil, v.Float()))
	case KindDatetime:
		return schema.FromTicks(v.Int).Format("2006-01-02T15:04:05.0000000Z")
	case KindTimespan:
		return string(AppendSpan(nil, v.Int))
	case KindDynamic:
		if s, ok := UnquoteJSON(v.Text); ok {
			return s
		}
		return v.Text
	default:
		return v.Text
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
	if f := FloorRest(ticks, TickSecond); f > 0 {
		b = append(b, '.')
		for unit := TickSecond / 10; f > 0; unit /= 10 {
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

// AppendSpan writes [-][d.]hh:mm:ss[.fffffff].
func AppendSpan(b []byte, t int64) []byte {
	u := uint64(t)
	if t < 0 {
		b, u = append(b, '-'), -u
	}
	if d := u / uint64(TickDay); d > 0 {
		b = append(strconv.AppendUint(b, d, 10), '.')
	}
	u %= uint64(TickDay)
	pad := func(n uint64, width int) {
		s := strconv.FormatUint(n, 10)
		b = append(append(b, strings.Repeat("0", width-len(s))...), s...)
	}
	pad(u/uint64(TickHour), 2)
	b = append(b, ':')
	pad(u/uint64(TickMinute)%60, 2)
	b = append(b, ':')
	pad(u/uint64(TickSecond)%60, 2)
	if f := u % uint64(TickSecond); f > 0 {
		b = append(b, '.')
		pad(f, 7)
	}
	return b
}

var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
}

// ParseTime reads a datetime as Kusto writes and accepts it.
func ParseTime(s string) (int64, bool) {
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
	total := days * TickDay
	for i, unit := range []int64{TickHour, TickMinute, TickSecond} {
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

// FloorRest is what floor takes away: never below zero.
func FloorRest(n, width int64) int64 {
	rest := n % width
	if rest < 0 {
		rest += width
	}
	return rest
}

// EpochTicks is 1970 in ticks since year 1.
const EpochTicks = int64(621_355_968_000_000_000)

// Numeric says whether the type is one of numbers.
func (k Kind) Numeric() bool {
	return k == KindInt || k == KindLong || k == KindReal || k == KindDecimal
}

// CanCompare says whether KQL compares the two types without a cast.
func CanCompare(a, b Kind) bool {
	switch {
	case a == b, a == KindNull, b == KindNull, a == KindDynamic, b == KindDynamic:
		return true
	case a.Numeric() && b.Numeric():
		return true
	case a == KindBool && b.Numeric(), b == KindBool && a.Numeric():
		return true
	default:
		return a == KindGuid && b == KindString || a == KindString && b == KindGuid
	}
}

// Compare orders two values; ok is false where one of them is null.
func Compare(a, b Value) (order int, ok bool) {
	if a.Kind == KindNull || b.Kind == KindNull {
		return 0, false
	}
	a, b = unwrap(a, b.Kind), unwrap(b, a.Kind)
	if a.Kind == KindReal || b.Kind == KindReal {
		return three(a.Float(), b.Float()), true
	}
	if a.Text != "" || b.Text != "" || a.Kind == KindString {
		if a.Kind == KindGuid || b.Kind == KindGuid {
			return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)), true
		}
		return strings.Compare(a.Text, b.Text), true
	}
	return three(a.Int, b.Int), true
}

// unwrap makes a dynamic scalar comparable with a value of another type.
func unwrap(v Value, other Kind) Value {
	if v.Kind != KindDynamic || other == KindDynamic {
		return v
	}
	return Convert(v, other)
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

// Convert casts v to another type; what does not fit becomes null.
func Convert(v Value, to Kind) Value {
	if v.Kind == to || v.Kind == KindNull {
		if v.Kind == KindNull && to == KindString {
			return String("")
		}
		return v
	}
	switch to {
	case KindString:
		return String(v.String())
	case KindDynamic:
		return Dynamic(string(AppendElement(nil, v)))
	case KindBool:
		if v.Kind.Numeric() {
			return Bool(v.Float() != 0)
		}
	case KindInt, KindLong:
		if v.Kind == KindReal {
			return Value{Kind: to, Int: int64(v.Float())}
		}
		if v.Kind == KindInt || v.Kind == KindLong || v.Kind == KindBool || v.Kind == KindDatetime || v.Kind == KindTimespan {
			return Value{Kind: to, Int: v.Int}
		}
	case KindReal:
		if v.Kind == KindInt || v.Kind == KindLong || v.Kind == KindBool {
			return Real(float64(v.Int))
		}
	case KindDatetime, KindTimespan:
		if v.Kind == KindLong {
			return Value{Kind: to, Int: v.Int}
		}
	}
	parsed, ok := ParseAs(v.String(), to)
	if !ok {
		return Value{}
	}
	return parsed
}
