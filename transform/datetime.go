package transform

// ticks reads YYYY-MM-DDThh:mm:ss[.f{1,7}][Z|+00:00] as 100 ns since 1970. Kusto drops
// trailing zeros of the fraction, so every length from none to seven digits occurs.
func ticks(b []byte) (int64, bool) {
	const shape = "0000-00-00T00:00:00"
	if len(b) < len(shape) {
		return 0, false
	}
	for i := range len(shape) {
		if digit := b[i]-'0' <= 9; digit != (shape[i] == '0') || !digit && b[i] != shape[i] {
			return 0, false
		}
	}
	below, rest, ok := fraction(b[len(shape):])
	if zone := string(rest); !ok || zone != "Z" && zone != "" && zone != "+00:00" {
		return 0, false
	}
	year, month, day := two(b)*100+two(b[2:]), two(b[5:]), two(b[8:])
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if year == 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	seconds := daysSince1970(year, month, day)*86_400 + hour*3_600 + minute*60 + second
	return seconds*10_000_000 + below, true
}

// fraction reads the optional fraction of a second in ticks.
func fraction(b []byte) (value int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	n := digitsLen(b[1:])
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

func two(b []byte) int64 { return int64(b[0]-'0')*10 + int64(b[1]-'0') }

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
