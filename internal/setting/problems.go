package setting

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problems collects what is wrong with several settings.
type Problems []Problem

// Add notes a problem.
func (l *Problems) Add(variable, value, reason, fix string) {
	*l = append(*l, Problem{Variable: variable, Value: value, Reason: reason, Fix: fix})
}

// OneOf wants one of the values allowed.
func (l *Problems) OneOf(variable, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		l.Add(variable, value, "is not one of the values there are", "set "+strings.Join(allowed, " or "))
	}
}

// Duration wants a duration within bounds.
func (l *Problems) Duration(variable string, value, least, most time.Duration) {
	if value < least || value > most {
		l.Add(variable, value.String(), "out of range", fmt.Sprintf("set a duration from %s to %s", Short(least), Short(most)))
	}
}

// Number wants a number within bounds.
func (l *Problems) Number(variable string, value, least, most int64) {
	if value < least || value > most {
		l.Add(variable, strconv.FormatInt(value, 10), "out of range", fmt.Sprintf("set a number from %d to %d", least, most))
	}
}

// Short gives a duration without zero units: 1m, not 1m0s.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Redact keeps a URL's credentials, if somebody put any there, out of messages.
func Redact(url string) string {
	if strings.ContainsAny(url, "@?") {
		return "***"
	}
	return url
}
