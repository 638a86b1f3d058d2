package kql

import (
	_ "embed"
	"regexp"
	"strings"
	"testing"

	"hunting-exporter/source/kql/syntax"
)

// texts are queries that use all of KQL, one a line.
//
//go:embed testdata/syntax.kql
var texts string

var (
	// skimmed is what the parser only skips, and so reads more of than there is.
	skimmed = regexp.MustCompile(`make-graph|declare pattern`)
	// hollow is what Microsoft's grammar lets pass, though its binder would not: a literal such as long(…) up to
	// the next parenthesis, an index of nothing, an operator of no rows.
	hollow = regexp.MustCompile(`(bool|long|int|real|time|timespan|datetime)\([^()]*\(|= \[|^ *where`)
)

// The parser and Microsoft's own read the same: all texts, and the same of those that come of leaving
// out one word of them.
func TestParserAgrees(t *testing.T) {
	whole := strings.Split(strings.TrimSpace(texts), "\n")
	all := whole
	for _, text := range whole {
		tokens, err := syntax.Tokens(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range tokens {
			all = append(all, text[:token.From]+text[token.End:])
		}
	}
	for i, v := range askService(t, all, false) {
		_, err := syntax.Parse(all[i])
		ours, theirs := err == nil, len(v.Diagnostics) == 0
		switch {
		case i < len(whole):
			if !ours || !theirs {
				t.Errorf("%s\nours: %v\ntheirs: %q", all[i], err, v.Diagnostics)
			}
		case ours && !theirs && !skimmed.MatchString(all[i]), theirs && !ours && !hollow.MatchString(all[i]):
			t.Errorf("%s\nours: %v\ntheirs: %q", all[i], err, v.Diagnostics)
		}
	}
}
