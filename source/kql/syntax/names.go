package syntax

// isName is the number of lexemes of the name that begins n further on: 0, or 3 and more of ['a b'].
func (p *parser) isName(n int, more map[string]bool) int {
	l := p.ahead(n)
	if l.sort == name && (!reserved[l.text] || more[l.text]) && !isHyphenated(l.text) && !isOperator(l.text) {
		return 1
	}
	if !l.is("[") {
		return 0
	}
	k := 1
	for p.ahead(n+k).sort == str {
		k++
	}
	if k > 1 && p.ahead(n+k).is("]") {
		return k + 1
	}
	return 0
}

func isHyphenated(text string) bool {
	for i := range len(text) {
		if text[i] == '-' || text[i] == '.' {
			return true
		}
	}
	return false
}

func isOperator(text string) bool { return text[0] == '!' || text == "in~" || text == regex }

// takeName takes the name at hand, which isName has seen.
func (p *parser) takeName(length int) string {
	if length == 1 {
		return p.next().text
	}
	p.at++
	text, _ := p.strings()
	p.want("]")
	return text
}

// strings takes the string literals that stand side by side, and how many.
func (p *parser) strings() (value string, n int) {
	var first string
	var more []byte
	for ; p.peek().sort == str; n++ {
		l := p.next()
		if n == 0 {
			first = unquote(l.text)
			continue
		}
		if more == nil {
			more = []byte(first)
		}
		more = append(more, unquote(l.text)...)
		p.joined = append(p.joined, l.line)
	}
	if n > 1 {
		return string(more), n
	}
	return first, n
}

// given takes a name that is given here, or fails.
func (p *parser) given() string {
	if n := p.isName(0, given); n > 0 {
		return p.takeName(n)
	}
	p.unexpected("a name")
	return ""
}

// declared takes a name of a let or of as, or fails.
func (p *parser) declared() string {
	if n := p.isName(0, nil); n > 0 {
		return p.takeName(n)
	}
	p.unexpected("a name")
	return ""
}

// wild is the length in lexemes of a name with * in it, or 0. Its parts touch.
func (p *parser) wild(n int) int {
	l, k := p.ahead(n), 1
	if !l.is("*") {
		if l.sort != name || reserved[l.text] && !given[l.text] || !p.ahead(n+1).is("*") || p.ahead(n+1).from != l.to {
			return 0
		}
		k = 2
	}
	for ; p.ahead(n+k).from == p.ahead(n+k-1).to; k++ {
		if m := p.ahead(n + k); !m.is("*") && m.sort != number && m.sort != name {
			break
		}
	}
	return k
}

// takeWild takes the pattern at hand, which wild has seen: a *Star if it is * alone.
func (p *parser) takeWild(length int) Expr {
	line, from := p.line(), p.peek().from
	p.at += length
	if text := p.text[from:p.all[p.at-1].to]; text != "*" {
		return &Name{line, text}
	}
	return &Star{line}
}

// columns reads a comma-separated list of columns.
func (p *parser) columns() (all []Column) {
	p.comma(func() { all = append(all, p.column()) })
	return all
}

// column reads a value that may be given a name, or several.
func (p *parser) column() Column {
	c := Column{Line: p.line()}
	if n := p.isName(0, given); n > 0 && p.ahead(n).is("=") {
		c.Names = []string{p.takeName(n)}
		p.want("=")
	} else if p.isNames() {
		p.want("(")
		p.comma(func() { c.Names = append(c.Names, p.given()) })
		p.want(")")
		p.want("=")
	}
	c.Value = p.scalar()
	return c
}

// isNames reports whether (A, B) = begins here.
func (p *parser) isNames() bool {
	if !p.is("(") {
		return false
	}
	for i := 1; ; i++ {
		n := p.isName(i, given)
		if n == 0 {
			return false
		}
		if i += n; !p.ahead(i).is(",") {
			return p.ahead(i).is(")") && p.ahead(i+1).is("=")
		}
	}
}

// ordered reads a column that may say how it is sorted. Descending is KQL's default.
func (p *parser) ordered() Column {
	c := p.column()
	c.Desc = p.direction(true)
	if p.take("nulls") && !p.take("first") {
		p.want("last")
	}
	return c
}

func (p *parser) direction(descending bool) bool {
	switch {
	case p.take("asc") || p.take("granny-asc"):
		return false
	case p.take("desc") || p.take("granny-desc"):
		return true
	}
	return descending
}

// pattern reads a column that project-away and its kin name, maybe with *.
func (p *parser) pattern() Column {
	c := Column{Line: p.line()}
	if n := p.wild(0); n > 0 {
		c.Value = p.takeWild(n)
		return c
	}
	c.Value = &Name{c.Line, p.declared()}
	return c
}
