package syntax

import (
	"strings"
	"unicode/utf8"
)

// sort is what a lexeme is.
type sort int

const (
	end     sort = iota // of the query
	name                // a name or a keyword
	str                 // a string literal
	number              // 1, 1.5e3
	span                // 7d
	boolean             // true
	typedAs             // datetime(…)
	guid                // a GUID as it is, which stands in dynamic alone
	mark
)

// lexeme is a piece of the grammar, of one token or of several that touch: !has, mv-expand, 1.5h, datetime(…).
type lexeme struct {
	sort
	text     string
	from, to int
	line     int
}

func (l lexeme) is(s string) bool { return (l.sort == mark || l.sort == name) && l.text == s }

// lexemes puts tokens together. Its time is linear: each lexeme looks at what it takes.
func lexemes(query string, tokens []Token) ([]lexeme, *Error) {
	tokens = split(tokens)
	all := make([]lexeme, 0, len(tokens)+1)
	line := 1
	for i := 0; i < len(tokens); {
		t := tokens[i]
		l := lexeme{from: t.From, to: t.End, line: t.Line}
		line = t.Line
		var err *Error
		if l.sort, l.to, err = piece(query, tokens, i); err != nil {
			return nil, err
		}
		for i < len(tokens) && tokens[i].From < l.to {
			i++
		}
		if tokens[i-1].End != l.to {
			return nil, errorAt(t.Line, "%s cannot be read", excerpt(query[l.from:tokens[i-1].End]))
		}
		l.text = query[l.from:l.to]
		all = append(all, l)
	}
	return append(all, lexeme{from: len(query), to: len(query), line: line}), nil
}

// split parts words before each $, as in on$left: it begins a name, and is in none.
func split(tokens []Token) (all []Token) {
	for i, t := range tokens {
		at := strings.LastIndexByte(t.Text, '$')
		if t.Kind != Word || at <= 0 {
			if all != nil {
				all = append(all, t)
			}
			continue
		}
		if all == nil {
			all = append(all, tokens[:i]...)
		}
		for len(t.Text) > 0 {
			n := len(t.Text)
			if at := strings.IndexByte(t.Text[1:], '$'); at >= 0 {
				n = at + 1
			}
			part := t
			part.Text, part.End = t.Text[:n], t.From+n
			all = append(all, part)
			t.Text, t.From = t.Text[n:], part.End
		}
	}
	if all == nil {
		return tokens
	}
	return all
}

// piece is what the lexeme at token i is, and where it ends.
func piece(query string, tokens []Token, i int) (sort, int, *Error) {
	t, next := tokens[i], Token{From: -1}
	if i+1 < len(tokens) && tokens[i+1].From == t.End {
		next = tokens[i+1]
	}
	switch {
	case t.Kind == Text:
		return str, t.End, escapes(t)
	case t.Kind == Word:
		return word(query, t, next)
	case t.Text == "!" && next.Kind == Word && banged[next.Text]:
		return name, caseless(query, next), nil
	case !strings.Contains("( ) [ ] { } | .. . + - * / % <= <| <> < >= > == => =~ = != !~ : ; , ? @", t.Text):
		return mark, t.End, errorAt(t.Line, "%s is no part of KQL%s", excerpt(t.Text), remedy(t.Text))
	}
	return mark, t.End, nil
}

func remedy(char string) string {
	switch char {
	case "“", "”", "‘", "’", "„":
		return `: write " or '`
	case "#":
		return ": a line that begins with it is an order to an editor, remove it"
	case "–", "—":
		return ": write -"
	}
	return ""
}

// caseless is where in or !in ends, with the ~ behind it.
func caseless(query string, t Token) int {
	if t.Text == "in" && strings.HasPrefix(query[t.End:], "~") {
		return t.End + 1
	}
	return t.End
}

// word is what begins with a word.
func word(query string, t, next Token) (sort, int, *Error) {
	rest := query[t.From:]
	if n := guidLength(rest); n > 0 {
		return guid, t.From + n, nil
	}
	if c := t.Text[0]; c >= '0' && c <= '9' {
		if kind, n := numberLength(rest); n > 0 {
			return kind, t.From + n, nil
		}
	}
	for _, r := range t.Text {
		if r >= utf8.RuneSelf {
			return name, t.End, errorAt(t.Line, "%c in the name %s: write ['%s']", r, t.Text, t.Text)
		}
	}
	switch {
	case (t.Text == "h" || t.Text == "H") && next.From >= 0 && next.Kind == Text:
		return str, next.End, escapes(next)
	case next.From >= 0 && next.Text == "(" && typed[t.Text]:
		n := strings.IndexAny(rest, ")"+lineEnds)
		if n < 0 || rest[n] != ')' {
			return typedAs, t.End, errorAt(t.Line, "%s( is not closed on its line", t.Text)
		}
		return typedAs, t.From + n + 1, nil
	case next.From >= 0 && next.Text == "-":
		for _, h := range hyphenated {
			if !strings.HasPrefix(rest, h) {
				continue
			}
			if wordLength(rest[len(h):]) > 0 {
				if !reserved[t.Text] {
					break
				}
				return name, t.End, errorAt(t.Line, "write a space behind %s", h)
			}
			return name, t.From + len(h), nil
		}
	case next.From >= 0 && next.Text == "." && t.Text == "hint":
		if n := len("hint.") + wordLength(rest[len("hint."):]); hints[rest[:n]] {
			return name, t.From + n, nil
		}
	case t.Text == "matches" && strings.HasPrefix(rest, regex) && wordLength(rest[len(regex):]) == 0:
		return name, t.From + len(regex), nil
	case strings.Contains(" true True TRUE false False FALSE ", " "+t.Text+" "):
		return boolean, t.End, nil
	}
	return name, caseless(query, t), nil
}

const regex = "matches regex"

// excerpt is the beginning of a text, for an error.
func excerpt(text string) string {
	const most = 40
	if line := strings.IndexAny(text, lineEnds); line >= 0 {
		text = text[:line]
	}
	if len(text) <= most {
		return text
	}
	cut := most
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
