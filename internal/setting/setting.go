// Package setting holds what every package's configuration shares: secrets that
// never print, and problems reported all at once.
package setting

import (
	"fmt"
	"log/slog"
	"strings"
)

const hidden = "***"

// Secret is a value that prints as *** in every form.
type Secret string

// String hides the value.
func (Secret) String() string { return hidden }

// GoString hides the value.
func (Secret) GoString() string { return hidden }

// Format hides the value from every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText hides the value from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the value from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// Problem is one setting that cannot be used.
type Problem struct {
	Variable string // e.g. SOURCE_API
	Value    string // as given; never a secret
	Reason   string // what is wrong with it
	Fix      string // what to set instead
}

// String says all four on one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s=%q: %s; %s", p.Variable, p.Value, p.Reason, p.Fix)
}

// Error carries every problem of a configuration. It ends a run with exit code 2.
type Error struct{ Problems []Problem }

// Error lists the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, fmt.Sprintf("configuration: %d problem(s)", len(e.Problems)))
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}
