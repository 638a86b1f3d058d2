package syntax

import (
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// tick is what KQL counts time in.
const tick = 100 * time.Nanosecond

// units of timespans.
var units = map[string]time.Duration{}

func init() {
	for names, length := range map[string]time.Duration{
		"d day days":           24 * time.Hour,
		"h hr hrs hour hours":  time.Hour,
		"m min minute minutes": time.Minute,
		"s sec second seconds": time.Second,
		"tick ticks":           tick,
		"nano nanos nanosec nanosecond nanoseconds":         time.Nanosecond,
		"micro micros microsec microsecond microseconds":    time.Microsecond,
		"ms milli millis millisec millisecond milliseconds": time.Millisecond,
	} {
		for unit := range strings.FieldsSeq(names) {
			units[unit] = length
		}
	}
}

// parts of a string literal: what it holds between its quotes, and whether \ is ordinary in it.
func parts(text string) (inside string, verbatim, fenced bool) {
	text = strings.TrimLeft(text, "hH")
	text, verbatim = strings.CutPrefix(text, "@")
	for _, fence := range fences {
		if strings.HasPrefix(text, fence) {
			return text[len(fence) : len(text)-len(fence)], true, true
		}
	}
	return text[1 : len(text)-1], verbatim, false
}

// escapes refuses a string literal in which \ stands before what it cannot escape.
func escapes(t Token) *Error {
	inside, verbatim, _ := parts(t.Text)
	if verbatim {
		return nil
	}
	for i := strings.IndexByte(inside, '\\'); i >= 0; {
		_, n := escaped(inside[i:])
		if n == 0 {
			r, _ := utf8.DecodeRuneInString(inside[i+1:])
			return errorAt(t.Line, `\%c in a string: write \\%c, or @ before the string, which makes \ ordinary`, r, r)
		}
		next := strings.IndexByte(inside[i+n:], '\\')
		if next < 0 {
			break
		}
		i += n + next
	}
	return nil
}

// escaped is the character that s, which begins with \, stands for, and the length of the
// escape; 0: none.
func escaped(s string) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`\'"abfnrtv`, s[1]); i >= 0 {
		return rune("\\'\"\a\b\f\n\r\t\v"[i]), 2
	}
	base, n, most := 16, 0, 0
	switch s[1] {
	case 'x':
		most = 2
	case 'u':
		most = 4
	case 'U':
		most = 8
	default:
		return octal(s)
	}
	if n = hex(s[2:min(len(s), 2+most)]); n < most {
		return 0, 0
	}
	code, err := strconv.ParseUint(s[2:2+n], base, 32)
	if err != nil {
		return 0, 0
	}
	return rune(code), 2 + n
}

// octal is escaped of \101.
func octal(s string) (rune, int) {
	n, code := 1, rune(0)
	for n < len(s) && n < 4 && s[n] >= '0' && s[n] <= '7' {
		code = code*8 + rune(s[n]-'0')
		n++
	}
	if n == 1 {
		return 0, 0
	}
	return code, n
}

// unquote is the value of a string literal.
func unquote(text string) string {
	inside, verbatim, fenced := parts(text)
	if fenced {
		return inside
	}
	if verbatim {
		quote := text[len(text)-1:]
		return strings.ReplaceAll(inside, quote+quote, quote)
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(inside, '\\')
		if i < 0 {
			b.WriteString(inside)
			return b.String()
		}
		r, n := escaped(inside[i:])
		b.WriteString(inside[:i])
		b.WriteRune(r)
		inside = inside[i+max(n, 1):]
	}
}

// timespan is the value of what stands in timespan(…), or of a timespan by itself. Not ok: null, or
// nothing that Go can hold.
func timespan(text string) (d time.Duration, ok bool) {
	text = strings.TrimSpace(text)
	text, negative := strings.CutPrefix(text, "-")
	const most = 60 // beyond what holds a duration
	if len(text) > most {
		return 0, false
	}
	defer func() {
		if negative {
			d = -d
		}
	}()
	if strings.Contains(text, ":") {
		return clock(text)
	}
	n := digits(text)
	if strings.HasPrefix(text[n:], ".") {
		n += 1 + digits(text[n+1:])
	}
	unit, known := units[strings.TrimSpace(text[n:])]
	if n == len(text) {
		unit, known = 24*time.Hour, true // a number is of days
	}
	if n == 0 || !known {
		return 0, false
	}
	return times(text[:n], unit)
}

// times is a decimal number of units.
func times(decimal string, unit time.Duration) (time.Duration, bool) {
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(int64(unit)))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() {
		return 0, false
	}
	return time.Duration(n.Int64()), true
}

// clock is the value of [days.]hours:minutes[:seconds[.fraction]].
func clock(text string) (sum time.Duration, ok bool) {
	fields := strings.Split(text, ":")
	if days, hours, found := strings.Cut(fields[0], "."); found {
		fields = append([]string{days, hours}, fields[1:]...)
	} else {
		fields = append([]string{"0"}, fields...)
	}
	if len(fields) > 4 {
		return 0, false
	}
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second}[:len(fields)] {
		d, ok := times(fields[i], unit)
		if !ok || sum+d < sum {
			return 0, false
		}
		sum += d
	}
	return sum, true
}

// The forms of datetime(…) that Microsoft documents, and what comes near.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05.999999999", "2006-01-02 15:04Z07:00", "2006-01-02 15:04", "2006-01-02", "2006-01", "2006",
	"2006-1-2", "2006-1-2 15:04:05", "2006-1-2 15:04", "2006/1/2", "2006/1/2 15:04:05", "2006/1/2 15:04", "20060102",
	"1/2/2006", "1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM",
	"2 Jan 2006 15:04:05", "2 Jan 06 15:04:05", "2 Jan 06 15:04", "2 Jan 2006 15:04", "2 Jan 2006", "Mon, 2 Jan 2006 15:04:05",
	"Mon, 2 Jan 06 15:04:05", "Mon, 2 Jan 2006 15:04:05 MST", "Monday, 02-Jan-06 15:04:05", "Monday, 02-Jan-06 15:04:05 MST",
}

// datetime is the value of what stands in datetime(…). Not ok: null, or a form that is not
// known here.
func datetime(text string) (time.Time, bool) {
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(tick), true
		}
	}
	return time.Time{}, false
}
