package setting

import (
	"errors"
	"strings"
)

// List is a comma list. Blanks around an item do not count, nor do commas too many.
type List []string

// UnmarshalText reads a list; of nothing: none. One that has commas or blanks alone is a
// mistake: a sink would be off without a word.
func (l *List) UnmarshalText(text []byte) error {
	*l = nil
	for item := range strings.SplitSeq(string(text), ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	if *l == nil && len(text) > 0 {
		return errors.New("the list has no item")
	}
	return nil
}
