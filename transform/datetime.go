package transform

import (
	"bytes"
	"encoding/binary"

	"hunting-exporter/transform/jsontext"
)

// quotedTicks reads the time in quotes at the start of b if it is as nearly all are, spelled
// without escapes; n is its length with the quotes, else 0.
func quotedTicks(b []byte) (v int64, n int) {
	const shortest, longest = len(`"0000-00-00T00:00:00"`), len(`"0000-00-00T00:00:00.0000000+00:00"`)
	if len(b) < longest || b[0] != '"' {
		return 0, 0
	}
	end := shortest - 1 + bytes.IndexByte(b[shortest-1:longest], '"')
	if v, ok := ticks(b[1:max(1, end)]); ok {
		return v, end + 1
	}
	return 0, 0
}

// ticks reads YYYY-MM-DDThh:mm:ss[.f{1,7}][Z|+00:00] as 100 ns since 1970. Kusto drops
// trailing zeros of the fraction, so every length from none to seven digits occurs.
func ticks(b []byte) (int64, bool) {
	const shape = "0000-00-00T00:00:00"
	if len(b) < len(shape) {
		return 0, false
	}
	below, rest, ok := fraction(b[len(shape):])
	if zone := string(rest); !ok || zone != "Z" && zone != "" && zone != "+00:00" {
		return 0, false
	}
	date, day, clock := dateForm.pairs(b), dayForm.pairs(b[8:]), clockForm.pairs(b[11:])
	if (date|day|clock)&jsontext.HighBits != 0 {
		return 0, false
	}
	at := func(pairs uint64, i int) int64 { return int64(pairs >> (8 * i) & 0xff) }
	year, month, dom := at(date, 0)*100+at(date, 2), at(date, 5), at(day, 0)
	hour, minute, second := at(clock, 0), at(clock, 3), at(clock, 6)
	if year == 0 || month < 1 || month > 12 || dom < 1 || dom > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	seconds := daysSince1970(year, month, dom)*86_400 + hour*3_600 + minute*60 + second
	return seconds*10_000_000 + below, true
}

// fraction reads the optional fraction of a second in ticks.
func fraction(b []byte) (value int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	n := jsontext.DigitsLen(b[1:])
	if n == 0 || n > 7 {
		return 0, b, false
	}
	for _, c := range b[1 : 1+n] {
		value = value*10 + int64(c-'0')
	}
	for range 7 - n {
		value *= 10
	}
	return value, b[1+n:], true
}

// form is eight bytes of a time: digits where shape has 0, its own bytes elsewhere.
type form struct {
	shape uint64 // little-endian
	slack uint64 // what the highest digit, or the byte itself, lacks of 0x7f
}

var (
	dateForm  = form{0x2d30302d30303030, 0x7f76767f76767676} // 0000-00-
	dayForm   = form{0x30303a3030543030, 0x76767f76767f7676} // 00T00:00
	clockForm = form{0x30303a30303a3030, 0x76767f76767f7676} // 00:00:00
)

// pairs gives for every two digits in a row, at the place of the first, their number. The
// highest bit of some byte is set if b has another form.
func (f form) pairs(b []byte) uint64 {
	x := binary.LittleEndian.Uint64(b) ^ f.shape
	if (x|(x+f.slack))&jsontext.HighBits != 0 {
		return jsontext.HighBits
	}
	return x*10 + x>>8
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts in years that begin in March, so that the leap day is the last.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719_469
}
