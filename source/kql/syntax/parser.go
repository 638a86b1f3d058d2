package syntax

// Parse takes a query apart into its tree, or says why it is none. It reads what Microsoft's own parser
// reads, with the same keywords; a name that means nothing is no fault here. What is written
// around a query may be missing: semicolons at its end, or a query after its lets.
func Parse(text string) (*Query, error) {
	tokens, err := tokens(text)
	if err == nil {
		err = balanced(tokens)
	}
	if err != nil {
		return nil, err
	}
	lexemes, err := lexemes(text, tokens)
	if err != nil {
		return nil, err
	}
	p := parser{text: text, all: lexemes}
	q := &Query{Statements: p.statements()}
	if l := p.peek(); p.err == nil && l.sort != end {
		if l.sort == name && p.at > 0 && l.line > p.all[p.at-1].line {
			p.fail(l.line, "a second query begins here, or | or ; is missing before %s: put each query into a file of its own", excerpt(l.text))
		}
		p.unexpected("the end of the query, or ;")
	}
	if p.err != nil {
		return nil, p.err
	}
	q.Joined = p.joined
	return q, nil
}

// parser reads lexemes by recursive descent. Brackets bound its depth, see balanced; what needs no
// bracket to repeat is read in loops, or counted by deeper.
type parser struct {
	text   string
	all    []lexeme // the last is the end
	at     int
	err    *Error // once set, all that is left is the end
	depth  int
	joined []int
}

func (p *parser) peek() lexeme { return p.ahead(0) }

// ahead is the lexeme n further on.
func (p *parser) ahead(n int) lexeme { return p.all[min(p.at+n, len(p.all)-1)] }

func (p *parser) line() Line { return Line(p.peek().line) }

// next takes one lexeme.
func (p *parser) next() lexeme {
	l := p.peek()
	if l.sort != end {
		p.at++
	}
	return l
}

// is reports whether the next lexeme is one of some.
func (p *parser) is(words ...string) bool {
	l := p.peek()
	for _, w := range words {
		if l.is(w) {
			return true
		}
	}
	return false
}

// take takes the next lexeme if it is word.
func (p *parser) take(word string) bool {
	if !p.is(word) {
		return false
	}
	p.at++
	return true
}

// want takes word, or fails.
func (p *parser) want(word string) {
	if !p.take(word) {
		p.unexpected(word)
	}
}

func (p *parser) fail(line int, format string, args ...any) {
	if p.err == nil {
		p.err = errorAt(line, format, args...)
		p.at = len(p.all) - 1
	}
}

// unexpected fails at the next lexeme.
func (p *parser) unexpected(want string) {
	l := p.peek()
	switch {
	case p.err != nil:
	case l.sort == end:
		p.fail(l.line, "the query ends where %s is missing", want)
	case l.sort == name && reserved[l.text] && p.namePosition():
		p.fail(l.line, "%s is a keyword of KQL: as a name write ['%s']", l.text, l.text)
	case l.is("=") && p.at > 0 && p.all[p.at-1].sort == name:
		p.fail(l.line, "= gives a name: to compare write ==; expected %s", want)
	case l.is(".") && p.at == 0:
		p.fail(l.line, "a command of management begins with a point, not a query")
	case want == "a value" && l.sort == name && operators[l.text] != nil:
		p.fail(l.line, "%s is an operator: a table and | must stand before it", l.text)
	case l.is("{"):
		p.fail(l.line, "expected %s, found {: put a value for a placeholder", want)
	default:
		p.fail(l.line, "expected %s, found %s", want, excerpt(l.text))
	}
}

// namePosition reports whether a keyword stands where a name is more likely to be meant.
func (p *parser) namePosition() bool {
	n := p.ahead(1)
	return n.is(")") || n.is("]") || n.is("}") || n.is(",") || n.is("|") || n.is(".") || n.sort == end ||
		n.is("==") || n.is("!=") || n.is(">") || n.is("<") || n.is(">=") || n.is("<=") ||
		n.sort == name && (stringOperators[n.text] || listOperators[n.text] || n.text == "and" || n.text == "or")
}

// maxNested bounds what stands in itself without brackets, as in facet by a with facet by b with …. It is
// more than what brackets alone need, some times maxDepth.
const maxNested = 1000

// deeper counts how deep the parser stands, until leave.
func (p *parser) deeper() {
	if p.depth++; p.depth > maxNested {
		p.fail(p.peek().line, "nested more than %d deep", maxNested)
	}
}

func (p *parser) leave() { p.depth-- }

// skip goes to the next | , ; or closing bracket that belongs to what stands around, and says
// whether there was anything. Commas do not end it.
func (p *parser) skip() bool {
	from, open := p.at, 0
	for l := p.peek(); l.sort != end; l = p.peek() {
		switch {
		case l.is("(") || l.is("[") || l.is("{"):
			open++
		case open == 0 && (l.is("|") || l.is(";") || l.is(")") || l.is("]") || l.is("}")):
			return p.at > from
		case l.is(")") || l.is("]") || l.is("}"):
			open--
		}
		p.at++
	}
	return p.at > from
}

// brackets skips what stands in the brackets that begin here.
func (p *parser) brackets(open string) {
	p.want(open)
	for depth := 1; depth > 0 && p.peek().sort != end; {
		switch l := p.next(); {
		case l.is("(") || l.is("[") || l.is("{"):
			depth++
		case l.is(")") || l.is("]") || l.is("}"):
			depth--
		}
	}
}

// comma reads what commas part, one at least.
func (p *parser) comma(one func()) {
	for one(); p.take(","); {
		one()
	}
}

// ends reports whether a list has come to its end.
func (p *parser) ends() bool {
	return p.peek().sort == end || p.is(")", "]", "}", "|", ";")
}
