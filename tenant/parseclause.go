package tenant

func (p *parser) summarize(out *operator) (err error) {
	p.options(out)
	if !p.isName("by") {
		if out.cols, err = p.columns(); err != nil {
			return err
		}
	}
	if p.acceptName("by") {
		out.by, err = p.columns()
	}
	return err
}

func (p *parser) top(out *operator) (err error) {
	if out.cond, err = p.expr(); err != nil {
		return err
	}
	if !p.acceptName("by") {
		return p.unexpected("'by'")
	}
	if out.order, err = p.orderings(); err == nil && len(out.order) > 1 {
		err = syntaxError(p.q, out.pos, "The operator 'top' takes one expression to sort by")
	}
	return err
}

// columns reads "A, N = expr, (M, N) = expr, …".
func (p *parser) columns() ([]named, error) {
	var out []named
	for {
		c, err := p.column()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		if !p.accept(",") {
			return out, nil
		}
	}
}

func (p *parser) column() (named, error) {
	c := named{}
	if p.cur().kind == tName && p.peek().kind == tPunct && p.peek().text == "=" {
		c.name = p.cur().text
		p.i += 2
	} else if names, ok := p.tuple(); ok {
		c.name, c.more = names[0], names[1:]
	}
	var err error
	c.x, err = p.expr()
	return c, err
}

// tuple reads "(A, B) =", or nothing.
func (p *parser) tuple() ([]string, bool) {
	if !p.is("(") {
		return nil, false
	}
	var names []string
	for at := p.i + 1; at+2 < len(p.toks) && p.toks[at].kind == tName; at += 2 {
		names = append(names, p.toks[at].text)
		if p.toks[at+1].text == ")" && p.toks[at+2].kind == tPunct && p.toks[at+2].text == "=" {
			p.i = at + 3
			return names, true
		}
		if p.toks[at+1].text != "," {
			break
		}
	}
	return nil, false
}

func (p *parser) orderings() ([]ordering, error) {
	var out []ordering
	for {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		o := ordering{x: x, asc: p.acceptName("asc")}
		if !o.asc {
			p.acceptName("desc")
		}
		o.nullsFirst = o.asc
		if p.acceptName("nulls") {
			o.nullsFirst = p.acceptName("first")
			if !o.nullsFirst && !p.acceptName("last") {
				return nil, p.unexpected("'first' or 'last'")
			}
		}
		out = append(out, o)
		if !p.accept(",") {
			return out, nil
		}
	}
}
