package report

import (
	"slices"
	"strings"
)

// InLine is text in one line, as that of errors.Join is not; what it repeats is left out.
func InLine(text string) string {
	if !strings.ContainsAny(text, "\n\r\t") {
		return text
	}
	var lines []string
	for l := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if l = strings.TrimSpace(strings.ReplaceAll(l, "\t", " ")); !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "; ")
}
