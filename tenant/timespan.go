package tenant

import (
	"strconv"
	"strings"
	"time"

	"hunting-exporter/schema"
)

// timespanOf reads Graph's Timespan: a duration back from now, a start, or
// start/end, duration/end, start/duration.
func timespanOf(s string, now time.Time) (span, bool) {
	from, to, pair := strings.Cut(s, "/")
	d1, isD1 := isoDuration(from)
	t1, isT1 := parseTime(from)
	nowTicks := schema.ToTicks(now)
	if !pair {
		switch {
		case isD1:
			return span{nowTicks - d1, nowTicks}, true
		case isT1:
			return span{t1, always.to}, true
		}
		return always, false
	}
	d2, isD2 := isoDuration(to)
	t2, isT2 := parseTime(to)
	switch {
	case isT1 && isT2:
		return span{t1, t2}, true
	case isD1 && isT2:
		return span{t2 - d1, t2}, true
	case isT1 && isD2:
		return span{t1, t1 + d2}, true
	default:
		return always, false
	}
}

// isoDuration reads P30D, PT6H, P1DT12H30M and the like, in ticks.
func isoDuration(s string) (int64, bool) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return 0, false
	}
	date, clock, _ := strings.Cut(rest, "T")
	var total int64
	for _, part := range []struct {
		text  string
		units map[byte]int64
	}{
		{date, map[byte]int64{'D': tickDay, 'W': 7 * tickDay}},
		{clock, map[byte]int64{'H': tickHour, 'M': tickMinute, 'S': tickSecond}},
	} {
		for part.text != "" {
			i := strings.IndexFunc(part.text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
			if i < 1 {
				return 0, false
			}
			f, err := strconv.ParseFloat(part.text[:i], 64)
			unit, known := part.units[part.text[i]]
			if err != nil || !known || f > 1e6 {
				return 0, false
			}
			total += int64(f * float64(unit))
			part.text = part.text[i+1:]
		}
	}
	return total, true
}
