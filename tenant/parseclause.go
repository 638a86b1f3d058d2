package tenant

func (p *parser) summarize(out operator) (operator, error) {
	var err error
	if !p.isName("by") {
		if out.cols, err = p.columns(); err != nil {
			return out, err
		}
	}
	if p.acceptName("by") {
		out.by, err = p.columns()
	}
	return out, err
}

func (p *parser) top(out operator) (operator, error) {
	var err error
	if out.cond, err = p.expr(); err != nil {
		return out, err
	}
	if !p.acceptName("by") {
		return out, p.unexpected("'by'")
	}
	out.order, err = p.orderings()
	return out, err
}

// union reads "union [kind=…] [withsource=N] [isfuzzy=true] A, (B | …)".
func (p *parser) union(out operator) (operator, error) {
	for p.cur().kind == tName && p.peek().kind == tPunct && p.peek().text == "=" {
		option := p.cur().text
		p.i += 2
		switch option {
		case "kind", "isfuzzy":
		case "withsource", "with_source":
			out.names = []string{p.cur().text}
		default:
			return out, syntaxError(p.q, out.pos, "The union option '%s' is not one that this tenant knows", option)
		}
		p.i = min(p.i+1, len(p.toks)-1)
	}
	for {
		leg := &pipeline{pos: p.cur().pos}
		if p.isName("union") {
			return out, p.unexpected("a table")
		}
		if err := p.deeper(); err != nil {
			return out, err
		}
		err := p.source(leg)
		p.depth--
		if err != nil {
			return out, err
		}
		out.union = append(out.union, leg)
		if !p.accept(",") {
			return out, nil
		}
	}
}

// columns reads "A, N = expr, …".
func (p *parser) columns() ([]named, error) {
	var out []named
	for {
		c := named{}
		if p.cur().kind == tName && p.peek().kind == tPunct && p.peek().text == "=" {
			c.name = p.cur().text
			p.i += 2
		}
		var err error
		if c.x, err = p.expr(); err != nil {
			return nil, err
		}
		out = append(out, c)
		if !p.accept(",") {
			return out, nil
		}
	}
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
