package quota

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limit is a number of calls in any stretch of a length.
type Limit struct {
	Calls int
	Per   time.Duration
}

var (
	limitText = regexp.MustCompile(`(\d{1,9}) per (\d{1,3}):(\d{2}):(\d{2})`)
	unitText  = regexp.MustCompile(`(\d{1,9})(?:\.\d+)? ?(seconds?|secs?|minutes?|mins?|hours?)\b`)
	clockText = regexp.MustCompile(`\b(?:(\d{1,3})\.)?(\d{1,3}):(\d{2}):(\d{2})\b`)
)

// Limits finds the limits that a 429 names, such as "45 per 00:01:00".
func Limits(text string) []Limit {
	var all []Limit
	for _, m := range limitText.FindAllStringSubmatch(text, -1) {
		l := Limit{Calls: number(m[1]), Per: clock("", m[2], m[3], m[4])}
		if l.Calls > 0 && l.Per > 0 {
			all = append(all, l)
		}
	}
	return all
}

// Stated is the wait that an answer asks for, or 0: from the header, from "in 8
// seconds", from hh:mm:ss, and at last from the length of the limit that it names.
func Stated(header, text string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if s, err := strconv.ParseFloat(header, 64); err == nil && s > 0 {
		return seconds(s)
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	rest := limitText.ReplaceAllString(text, "")
	var sum time.Duration
	for _, m := range unitText.FindAllStringSubmatch(rest, -1) {
		unit := time.Second
		switch m[2][0] {
		case 'm':
			unit = time.Minute
		case 'h':
			unit = time.Hour
		}
		sum += time.Duration(number(m[1])) * unit
	}
	if sum > 0 {
		return sum
	}
	if m := clockText.FindStringSubmatch(rest); m != nil {
		return clock(m[1], m[2], m[3], m[4])
	}
	for _, l := range Limits(text) {
		sum = max(sum, min(l.Per, LongestBackoff))
	}
	return sum
}

func seconds(s float64) time.Duration {
	if s > 1e6 {
		s = 1e6
	}
	return time.Duration(s * float64(time.Second))
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // digits only, at most nine
	return n
}

func clock(d, h, m, s string) time.Duration {
	return time.Duration(number(d))*24*time.Hour + time.Duration(number(h))*time.Hour +
		time.Duration(number(m))*time.Minute + time.Duration(number(s))*time.Second
}
