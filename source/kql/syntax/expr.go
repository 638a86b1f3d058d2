package syntax

// The operators by how close they bind, the loosest first. Those of chained repeat; the others stand once.

// scalar reads an expression without | of its own.
func (p *parser) scalar() Expr {
	p.deeper()
	defer p.leave()
	return p.chain(func() Expr { return p.chain(p.equality, "and") }, "or")
}

// chain reads what some operators join, from left to right.
func (p *parser) chain(one func() Expr, operators ...string) Expr {
	x := one()
	for p.is(operators...) {
		op := p.next()
		x = &Binary{Line(op.line), op.text, x, one()}
	}
	return x
}

func (p *parser) equality() Expr {
	x := p.relation()
	op := p.peek()
	switch {
	case op.is("==") || op.is("!=") || op.is("<>"):
		p.at++
		return &Binary{Line(op.line), op.text, x, p.relation()}
	case op.is("in") && p.ahead(1).is("range"): // of make-series
	case op.sort == name && listOperators[op.text]:
		p.at++
		return &Binary{Line(op.line), op.text, x, p.list()}
	case op.is("between") || op.is("!between"):
		p.at++
		r := &Range{Line: p.line()}
		p.want("(")
		r.From = p.scalar()
		p.want("..")
		r.To = p.scalar()
		p.want(")")
		return &Binary{Line(op.line), op.text, x, r}
	}
	return x
}

// list reads what stands behind in.
func (p *parser) list() *List {
	l := &List{Line: p.line()}
	p.want("(")
	if l.Items = []Expr{p.expr()}; p.is(",") {
		p.at++
		p.comma(func() { l.Items = append(l.Items, p.scalar()) })
	}
	p.want(")")
	return l
}

func (p *parser) relation() Expr {
	x := p.sum()
	if op := p.peek(); p.is("<", "<=", ">", ">=") {
		p.at++
		return &Binary{Line(op.line), op.text, x, p.sum()}
	}
	return x
}

func (p *parser) sum() Expr {
	return p.chain(func() Expr { return p.chain(p.stringOperation, "*", "/", "%") }, "+", "-")
}

func isStringOperator(l lexeme) bool {
	return (l.sort == mark || l.sort == name) && (stringOperators[l.text] || l.text == regex)
}

func (p *parser) stringOperation() Expr {
	var x Expr
	if next := p.ahead(1); p.is("*") && (isStringOperator(next) || next.is("==")) {
		x = &Star{p.line()}
		p.at++
	} else {
		x = p.unary()
	}
	if op := p.peek(); isStringOperator(op) {
		p.at++
		return &Binary{Line(op.line), op.text, x, p.unary()}
	}
	return x
}

func (p *parser) unary() Expr {
	if op := p.peek(); p.is("-", "+") {
		p.at++
		return &Unary{Line(op.line), op.text, p.path()}
	}
	return p.path()
}

// path reads a value and what is taken out of it: a.b[0].c, database("x").T.
func (p *parser) path() Expr {
	x := p.primary()
	for p.err == nil {
		line := p.line()
		switch {
		case p.take("."):
			x = p.selected(&Path{Line: line, X: x})
		case p.take("["):
			x = &Path{Line: line, X: x, Index: p.scalar()}
			p.want("]")
		default:
			return x
		}
	}
	return x
}

// selected reads what stands behind the point of a path.
func (p *parser) selected(x *Path) Expr {
	n := p.isName(0, looked)
	switch {
	case n > 0:
		x.Name = p.takeName(n)
		if p.is("(") {
			x.Method, x.Args = true, p.arguments()
		}
	case p.take("["):
		x.Index = p.scalar()
		p.want("]")
	default:
		p.unexpected("a name")
	}
	return x
}

// primary reads a literal, a name, a call, or what stands in parentheses.
func (p *parser) primary() Expr {
	line := p.line()
	switch l := p.peek(); {
	case l.sort == str, l.sort == number, l.sort == span, l.sort == boolean, l.sort == typedAs, l.is("dynamic"):
		return p.literal()
	case l.sort == guid:
		p.fail(l.line, "a GUID by itself: write it \"%s\" or guid(%s)", l.text, l.text)
	case l.is("datatable"), l.is("externaldata"), l.is("external_data"):
		return &Pipe{Line: line, Source: p.made()}
	case l.is("("):
		p.at++
		x := p.expr()
		p.want(")")
		return x
	case l.is("toscalar"), l.is("totable"), l.is("materialize"):
		return p.tabularCall()
	case l.is("typeof") && p.ahead(1).is("("):
		return p.literal()
	}
	n := p.isName(0, looked)
	if n == 0 {
		p.unexpected("a value")
		return nil
	}
	text := p.takeName(n)
	if p.is("(") {
		return &Call{line, text, p.arguments()}
	}
	if p.take("datascope") {
		p.want("=")
		p.next()
	}
	return &Name{line, text}
}

// tabularCall reads toscalar(…) and its kin, which take rows.
func (p *parser) tabularCall() Expr {
	c := &Call{Line: p.line(), Func: p.next().text}
	if p.is("kind") && p.ahead(1).is("=") {
		p.at += 2
		c.Args = append(c.Args, Arg{"kind", &Name{p.line(), p.next().text}})
	}
	p.want("(")
	c.Args = append(c.Args, Arg{Value: p.expr()})
	p.want(")")
	return c
}

// arguments reads what stands in the parentheses of a call.
func (p *parser) arguments() (all []Arg) {
	p.want("(")
	if !p.is(")") {
		p.comma(func() { all = append(all, p.argument()) })
	}
	p.want(")")
	return all
}

func (p *parser) argument() Arg {
	if next := p.ahead(1); p.is("*") && (next.is(")") || next.is(",")) {
		p.at++
		return Arg{Value: &Star{Line(p.all[p.at-1].line)}}
	}
	var a Arg
	if n := p.isName(0, given); n > 0 && p.ahead(n).is("=") {
		a.Name = p.takeName(n)
		p.want("=")
	}
	a.Value = p.scalar()
	return a
}
