package setting

import (
	"strings"
	"time"
)

// Problems collects what is wrong with several settings.
type Problems []Problem

// Add notes a problem.
func (l *Problems) Add(variable, value, reason, fix string) {
	*l = append(*l, Problem{Variable: variable, Value: value, Reason: reason, Fix: fix})
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
