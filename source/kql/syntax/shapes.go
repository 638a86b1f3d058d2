package syntax

// toType skips to typeof(…).
func (p *parser) toType() {
	if p.take("to") {
		p.want("typeof")
		p.brackets("(")
	}
}

func (p *parser) mvExpand(op *Operator) {
	p.options(op)
	p.comma(func() {
		op.Columns = append(op.Columns, p.column())
		p.toType()
	})
	if p.take("limit") {
		op.Count = p.scalar()
	}
}

func (p *parser) mvApply(op *Operator) {
	p.options(op)
	if p.is("to") {
		p.toType()
	} else {
		p.comma(func() {
			op.Columns = append(op.Columns, p.column())
			p.toType()
		})
	}
	if p.take("limit") {
		op.Count = p.scalar()
	}
	if p.take("id") {
		p.scalar()
	}
	p.want("on")
	p.want("(")
	op.Sub = p.sub()
	p.want(")")
}

func (p *parser) parse(op *Operator) {
	p.options(op, "flags")
	op.Columns = []Column{{Line: p.line(), Value: p.scalar()}}
	p.want("with")
	for p.err == nil {
		line := p.line()
		n := p.isName(0, given)
		switch {
		case p.take("*"):
		case p.peek().sort == str:
			p.strings()
		case n > 0:
			op.Columns = append(op.Columns, Column{Line: line, Names: []string{p.takeName(n)}})
			if p.take(":") {
				p.typeName()
			}
		default:
			return
		}
	}
}

func (p *parser) parseKV(op *Operator) {
	op.Columns = []Column{{Line: p.line(), Value: p.scalar()}}
	p.want("as")
	op.Columns = append(op.Columns, p.schema(",")...)
	if !p.take("with") {
		return
	}
	p.want("(")
	if !p.is(")") {
		p.comma(func() {
			if !p.option(op, "pair_delimiter", "kv_delimiter", "regex", "quote", "escape", "greedy") {
				p.unexpected("a parameter of parse-kv")
			}
		})
	}
	p.want(")")
}

func (p *parser) makeSeries(op *Operator) {
	p.options(op)
	p.comma(func() {
		op.Columns = append(op.Columns, p.column())
		if p.take("default") {
			p.want("=")
			p.column()
		}
	})
	p.want("on")
	op.On = []Expr{p.column().Value}
	switch {
	case p.take("in"):
		p.want("range")
		p.want("(")
		op.From = p.scalar()
		p.want(",")
		op.To = p.scalar()
		p.want(",")
		op.Step = p.scalar()
		p.want(")")
	default:
		if p.take("from") {
			op.From = p.scalar()
		}
		if p.take("to") {
			op.To = p.scalar()
		}
		p.want("step")
		op.Step = p.scalar()
	}
	if p.take("by") {
		op.By = p.columns()
	}
}

func (p *parser) partition(op *Operator) {
	p.options(op)
	p.want("by")
	by := Column{Line: p.line()}
	n := p.isName(0, looked)
	if n == 0 {
		p.unexpected("a column")
		return
	}
	by.Value = &Name{by.Line, p.takeName(n)}
	for p.err == nil && p.is(".", "[") {
		step := &Path{Line: p.line(), X: by.Value}
		if by.Value = step; p.take(".") {
			p.selected(step)
			continue
		}
		p.at++
		step.Index = p.scalar()
		p.want("]")
	}
	op.By = []Column{by}
	if p.take("in") {
		p.scalar()
	}
	if p.take("{") {
		op.Legs = []Expr{p.expr()}
		p.want("}")
		return
	}
	p.want("(")
	op.Sub = p.sub()
	p.want(")")
}

func (p *parser) invoke(op *Operator) { op.Cond = p.callPath() }

// callPath reads f(…), or database("x").f(…).
func (p *parser) callPath() Expr {
	line := p.line()
	if n := p.isName(0, nil); n == 0 || !p.ahead(n).is("(") {
		p.unexpected("a function and its arguments")
	}
	x := p.path()
	switch call := x.(type) {
	case *Call:
		return x
	case *Path:
		if call.Method {
			return x
		}
	}
	p.fail(int(line), "a function is called here, f(…)")
	return x
}

func (p *parser) evaluate(op *Operator) {
	p.options(op)
	line, n := p.line(), p.isName(0, nil)
	if n == 0 {
		p.unexpected("a plugin")
		return
	}
	op.Cond = &Call{line, p.takeName(n), p.arguments()}
	if p.take(":") {
		op.Columns = p.schema(",*")
	}
}

// render changes no row, so that nothing of it is kept.
func (p *parser) render(*Operator) {
	if l := p.next(); l.sort != name {
		p.fail(l.line, "expected a kind of chart behind render")
	}
	for p.is("kind", "title", "accumulate") && p.ahead(1).is("=") {
		p.at += 2
		p.path()
	}
	if p.is("with") && p.ahead(1).sort == str {
		p.at++
		p.strings()
	}
	if p.take("by") {
		p.comma(func() { p.given() })
	}
	if p.take("with") {
		p.properties(true)
	}
}

// properties skips (name=value, …). The value of some of a chart's is names with commas.
func (p *parser) properties(chart bool) {
	p.want("(")
	p.take(",")
	for list := false; !p.is(")") && p.err == nil; {
		l, n := p.peek(), p.isName(0, reserved)
		if n == 0 {
			p.unexpected("a property")
		}
		if named := p.ahead(n).is("="); named || !list {
			p.at += n
			p.want("=")
			p.word()
			list = chart && columnLists[l.text]
		} else {
			p.at += n
		}
		if !p.is(")") {
			p.want(",")
		}
	}
	p.want(")")
}

func (p *parser) fork(op *Operator) {
	for p.err == nil {
		if n := p.isName(0, nil); n > 0 && p.ahead(n).is("=") {
			p.takeName(n)
			p.want("=")
		} else if !p.is("(") {
			break
		}
		p.want("(")
		if operators[p.peek().text] != nil {
			op.Legs = append(op.Legs, p.sub())
		} else {
			op.Legs = append(op.Legs, p.expr())
		}
		p.want(")")
	}
	if len(op.Legs) == 0 {
		p.unexpected("(")
	}
}

func (p *parser) facet(op *Operator) {
	p.want("by")
	op.By = p.columns()
	if !p.take("with") {
		return
	}
	if p.take("(") {
		op.Legs = []Expr{p.sub()}
		p.want(")")
		return
	}
	line := p.line()
	op.Legs = []Expr{&Pipe{Line: line, Ops: []*Operator{p.operator()}}}
}
