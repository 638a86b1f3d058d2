package kql

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is, as far as judging a query needs it.
type kind int

const (
	word kind = iota // a name, a keyword or a number
	text             // a string literal of any form
	mark             // one operator or bracket
)

// token is a piece of a query that is neither space nor comment.
type token struct {
	kind kind
	text string
	end  int // offset in the query of what follows
	line int // from 1
}

func (t token) is(s string) bool { return t.kind != text && t.text == s }

// tokens takes a query apart. The error names the line of a string that is not closed.
func tokens(query string) ([]token, error) {
	s := scanner{query: query, line: 1}
	var all []token
	for s.space() {
		t, from := token{line: s.line}, s.at
		var err error
		if t.kind, err = s.next(); err != nil {
			return nil, fmt.Errorf("line %d: %w", t.line, err)
		}
		t.text, t.end = query[from:s.at], s.at
		all = append(all, t)
	}
	return all, nil
}

// scanner walks over the bytes of a query.
type scanner struct {
	query string
	at    int
	line  int
}

func (s *scanner) rest() string { return s.query[s.at:] }

// skip goes n bytes on and counts the lines.
func (s *scanner) skip(n int) {
	s.line += strings.Count(s.query[s.at:s.at+n], "\n")
	s.at += n
}

// The characters that KQL takes for space beyond those of unicode.IsSpace, and what
// ends a comment.
const (
	moreSpaces = "\u180e\u200b\ufeff"
	lineEnds   = "\r\n\u2028\u2029"
)

// space skips spaces and comments and says whether anything is left.
func (s *scanner) space() bool {
	for s.at < len(s.query) {
		r, size := utf8.DecodeRuneInString(s.rest())
		switch {
		case strings.HasPrefix(s.rest(), "//"):
			end := strings.IndexAny(s.rest(), lineEnds)
			if end < 0 {
				end = len(s.rest())
			}
			s.skip(end)
		case unicode.IsSpace(r) || strings.ContainsRune(moreSpaces, r):
			s.skip(size)
		default:
			return true
		}
	}
	return false
}

// marks of more than one byte, of which one must not be taken for two.
var marks = []string{"..", "<|", "<=", ">=", "==", "!=", "<>", "=~", "!~", "=>"}

// next takes one token.
func (s *scanner) next() (kind, error) {
	if prefix := stringPrefix(s.rest()); prefix >= 0 {
		return text, s.literal(prefix)
	}
	if n := wordLength(s.rest()); n > 0 {
		s.skip(n)
		return word, nil
	}
	for _, m := range marks {
		if strings.HasPrefix(s.rest(), m) {
			s.skip(len(m))
			return mark, nil
		}
	}
	_, size := utf8.DecodeRuneInString(s.rest())
	s.skip(size)
	return mark, nil
}

// stringPrefix is how many bytes stand before the quotes of a string literal, or -1
// where none begins: @ makes \ ordinary. The h that hides a string from the service's
// logs is left as a word of its own, which means nothing to the judge.
func stringPrefix(rest string) int {
	trimmed := strings.TrimPrefix(rest, "@")
	for _, quote := range []string{`"`, `'`, "```", "~~~"} {
		if strings.HasPrefix(trimmed, quote) {
			return len(rest) - len(trimmed)
		}
	}
	return -1
}

// literal takes a string literal whose quotes begin after prefix bytes.
func (s *scanner) literal(prefix int) error {
	verbatim := strings.HasSuffix(s.rest()[:prefix], "@")
	s.skip(prefix)
	for _, fence := range []string{"```", "~~~"} {
		if strings.HasPrefix(s.rest(), fence) {
			end := strings.Index(s.rest()[len(fence):], fence)
			if end < 0 {
				return fmt.Errorf("the text that begins with %s is not closed", fence)
			}
			s.skip(end + 2*len(fence))
			return nil
		}
	}
	quote := s.query[s.at]
	for i := s.at + 1; i < len(s.query); i++ {
		switch c := s.query[i]; {
		case c == '\n' || c == '\r':
			return fmt.Errorf("the string that begins with %c is not closed", quote)
		case c == '\\' && !verbatim && i+1 < len(s.query) && s.query[i+1] != '\n' && s.query[i+1] != '\r':
			i++
		case c == quote && verbatim && i+1 < len(s.query) && s.query[i+1] == quote:
			i++
		case c == quote:
			s.skip(i + 1 - s.at)
			return nil
		}
	}
	return fmt.Errorf("the string that begins with %c is not closed", quote)
}

// wordLength is the length of the name or number that rest begins with.
func wordLength(rest string) int {
	for i, r := range rest {
		if r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
	}
	return len(rest)
}

var closing = map[string]string{"(": ")", "[": "]", "{": "}"}

// maxDepth is far beyond what a person writes.
const maxDepth = 100

// balanced refuses brackets that do not pair: they would reach into what the
// exporter writes around the query.
func balanced(all []token) error {
	var open []token
	for _, t := range all {
		if t.kind != mark {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			if open = append(open, t); len(open) > maxDepth {
				return fmt.Errorf("line %d: brackets are nested more than %d deep", t.line, maxDepth)
			}
		case ")", "]", "}":
			if len(open) == 0 || closing[open[len(open)-1].text] != t.text {
				return fmt.Errorf("line %d: %s closes nothing", t.line, t.text)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		return fmt.Errorf("line %d: %s is not closed", last.line, last.text)
	}
	return nil
}

// parse takes a query apart and refuses one that is not whole.
func parse(query string) ([]token, error) {
	all, err := tokens(query)
	if err != nil {
		return nil, err
	}
	return all, balanced(all)
}

// Fingerprint tells custom queries apart by what they say: spaces, line ends and comments
// do not count. State documents keep it, so a query's must stay as it is.
func Fingerprint(query string) string {
	h := sha256.New()
	all, err := tokens(query)
	if err != nil { // Check refuses it
		all = []token{{text: query}}
	}
	for len(all) > 0 && all[len(all)-1].is(";") {
		all = all[:len(all)-1]
	}
	for _, t := range all {
		_, _ = io.WriteString(h, t.text+"\x00")
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// body is a custom query that further operators can follow: without the comments
// and semicolons at its end.
func body(query string) string {
	all, err := tokens(query)
	if err != nil {
		return query // Check refuses it
	}
	for len(all) > 0 && all[len(all)-1].is(";") {
		all = all[:len(all)-1]
	}
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(query[:all[len(all)-1].end])
}
