package syntax

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a token is.
type Kind int

// The kinds of tokens.
const (
	Word Kind = iota // a name, a keyword or a number
	Text             // a string literal of any form
	Mark             // one operator or bracket
)

// Token is a piece of a query that is neither space nor comment.
type Token struct {
	Kind Kind
	Text string
	// From and End are the offsets of its first byte and of what follows.
	From, End int
	Line      int // from 1
}

// Is reports whether the token is s, and no string literal.
func (t Token) Is(s string) bool { return t.Kind != Text && t.Text == s }

// Error is what keeps a text from being a query.
type Error struct {
	Line int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

func errorAt(line int, format string, args ...any) *Error {
	return &Error{Line: line, Text: fmt.Sprintf(format, args...)}
}

// Tokens takes a query apart. The error names the line of a string that is not closed.
func Tokens(query string) ([]Token, error) {
	all, err := tokens(query)
	if err != nil {
		return nil, err
	}
	return all, nil
}

func tokens(query string) ([]Token, *Error) {
	s := scanner{query: query, line: 1}
	var all []Token
	for s.space() {
		t := Token{From: s.at, Line: s.line}
		var err *Error
		if t.Kind, err = s.next(); err != nil {
			return nil, err
		}
		t.Text, t.End = query[t.From:s.at], s.at
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
	for end := s.at + n; s.at < end; s.at++ {
		switch s.query[s.at] {
		case '\n':
			s.line++
		case '\r':
			if !strings.HasPrefix(s.query[s.at+1:], "\n") {
				s.line++
			}
		case "\u2028"[0]:
			if strings.HasPrefix(s.rest(), "\u2028") || strings.HasPrefix(s.rest(), "\u2029") {
				s.line++
			}
		}
	}
}

// The characters that KQL takes for space beyond those of unicode.IsSpace, and what
// ends a line.
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
func (s *scanner) next() (Kind, *Error) {
	if prefix := stringPrefix(s.rest()); prefix >= 0 {
		return Text, s.literal(prefix)
	}
	if n := wordLength(s.rest()); n > 0 {
		s.skip(n)
		return Word, nil
	}
	for _, m := range marks {
		if strings.HasPrefix(s.rest(), m) {
			s.skip(len(m))
			return Mark, nil
		}
	}
	_, size := utf8.DecodeRuneInString(s.rest())
	s.skip(size)
	return Mark, nil
}

// stringPrefix is how many bytes stand before the quotes of a string literal, or -1
// where none begins: @ makes \ ordinary. The h that hides a string from the service's
// logs is left as a word of its own.
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
func (s *scanner) literal(prefix int) *Error {
	verbatim, line := strings.HasSuffix(s.rest()[:prefix], "@"), s.line
	s.skip(prefix)
	for _, fence := range fences {
		if strings.HasPrefix(s.rest(), fence) {
			end := strings.Index(s.rest()[len(fence):], fence)
			if end < 0 {
				return errorAt(line, "the text that begins with %s is not closed", fence)
			}
			s.skip(end + 2*len(fence))
			return nil
		}
	}
	quote := s.query[s.at]
	for i := s.at + 1; i < len(s.query); i++ {
		switch c := s.query[i]; {
		case c == '\n' || c == '\r':
			return errorAt(line, "the string that begins with %c is not closed", quote)
		case c == '\\' && !verbatim && i+1 < len(s.query) && s.query[i+1] != '\n' && s.query[i+1] != '\r':
			i++
		case c == quote && verbatim && i+1 < len(s.query) && s.query[i+1] == quote:
			i++
		case c == quote:
			s.skip(i + 1 - s.at)
			return nil
		}
	}
	return errorAt(line, "the string that begins with %c is not closed", quote)
}

// fences are the quotes of strings over many lines.
var fences = []string{"```", "~~~"}

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

// Balanced refuses brackets that do not pair: they would reach into what the exporter
// writes around the query.
func Balanced(all []Token) error {
	if err := balanced(all); err != nil {
		return err
	}
	return nil
}

func balanced(all []Token) *Error {
	var open []Token
	for _, t := range all {
		if t.Kind != Mark {
			continue
		}
		switch t.Text {
		case "(", "[", "{":
			if open = append(open, t); len(open) > maxDepth {
				return errorAt(t.Line, "brackets are nested more than %d deep", maxDepth)
			}
		case ")", "]", "}":
			if len(open) == 0 || closing[open[len(open)-1].Text] != t.Text {
				return errorAt(t.Line, "%s closes nothing", t.Text)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		return errorAt(last.Line, "%s is not closed", last.Text)
	}
	return nil
}
