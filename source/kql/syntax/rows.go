package syntax

func (p *parser) order(op *Operator) {
	p.options(op)
	p.want("by")
	p.comma(func() { op.By = append(op.By, p.ordered()) })
}

func (p *parser) top(op *Operator) {
	p.options(op)
	op.Count = p.column().Value
	p.want("by")
	op.By = []Column{p.ordered()}
}

func (p *parser) topHitters(op *Operator) {
	op.Count = p.column().Value
	p.want("of")
	op.Columns = []Column{p.column()}
	if p.take("by") {
		op.By = []Column{p.column()}
	}
}

func (p *parser) take1(op *Operator) {
	p.options(op)
	op.Count = p.column().Value
}

func (p *parser) sampleDistinct(op *Operator) {
	p.take1(op)
	p.want("of")
	op.Columns = []Column{p.column()}
}

func (p *parser) join(op *Operator) {
	p.options(op)
	op.Legs = []Expr{p.scalar()}
	switch {
	case p.take("on"):
		p.comma(func() { op.On = append(op.On, p.scalar()) })
	case op.Name == "lookup":
		p.unexpected("on")
	case p.take("where"):
		op.Cond = p.scalar()
	}
}

func (p *parser) union(op *Operator) {
	p.options(op)
	p.comma(func() { op.Legs = append(op.Legs, p.leg()) })
}

// leg reads what union is of: a table, or what stands in parentheses.
func (p *parser) leg() Expr {
	if !p.take("(") {
		return p.table()
	}
	x := p.expr()
	p.want(")")
	return x
}

// table reads T, T* or database("x").T*.
func (p *parser) table() Expr {
	line := p.line()
	if n := p.wild(0); n > 0 {
		return p.takeWild(n)
	}
	n := p.isName(0, looked)
	if n == 0 {
		p.unexpected("a table")
		return nil
	}
	var x Expr
	if name := p.takeName(n); p.is("(") {
		x = &Call{line, name, p.arguments()}
	} else {
		x = &Name{line, name}
	}
	for p.err == nil && p.is(".", "[") {
		step := &Path{Line: p.line(), X: x}
		if x = step; p.take("[") {
			step.Index = p.scalar()
			p.want("]")
			continue
		}
		p.at++
		if n := p.wild(0); n > 0 {
			step.Name = p.text[p.peek().from:p.ahead(n-1).to]
			p.at += n
			return step
		}
		p.selected(step)
	}
	return x
}

func (p *parser) as(op *Operator) {
	p.options(op)
	op.As = p.declared()
}

// among reads in (T1, T2) of search and find.
func (p *parser) among(op *Operator) bool {
	if !p.take("in") {
		return false
	}
	p.want("(")
	p.comma(func() {
		leg := p.table()
		if line := p.line(); p.take("|") {
			as := p.operator()
			leg = &Pipe{Line: line, Source: leg, Ops: []*Operator{as}}
		}
		op.Legs = append(op.Legs, leg)
	})
	p.want(")")
	return true
}

func (p *parser) dataScope() {
	if p.take("datascope") {
		p.want("=")
		p.next()
	}
}

func (p *parser) search(op *Operator) {
	p.options(op)
	p.dataScope()
	p.among(op)
	line, next := p.line(), p.ahead(1)
	if p.is("*") && !isStringOperator(next) && !next.is("==") {
		p.at++
		op.Cond = &Star{line}
		if p.take("and") {
			op.Cond = &Binary{Line(next.line), "and", op.Cond, p.scalar()}
		}
		return
	}
	op.Cond = p.scalar()
}

func (p *parser) find(op *Operator) {
	p.dataScope()
	p.options(op)
	if p.among(op) || len(op.Params) > 0 {
		p.want("where")
	} else {
		p.take("where")
	}
	op.Cond = p.scalar()
	if !p.take("project-smart") && p.take("project") {
		p.comma(func() { op.Columns = append(op.Columns, p.found()) })
	}
	if p.take("__projectAway") {
		p.comma(func() { p.found() })
	}
}

// found reads a column of find's project: a name, a name and its type, or pack(*).
func (p *parser) found() Column {
	c := Column{Line: p.line()}
	switch {
	case p.take("*"):
		c.Value = &Star{c.Line}
		return c
	case p.is("pack"):
		p.at++
		p.want("(")
		c.Value = &Call{c.Line, "pack", []Arg{{Value: &Star{p.line()}}}}
		p.want("*")
		p.want(")")
		return c
	}
	c.Value = &Name{c.Line, p.declared()}
	if p.take(":") {
		p.typeName()
	}
	return c
}

func (p *parser) rangeFrom(op *Operator) {
	op.Columns = []Column{{Line: p.line(), Names: []string{p.declared()}}}
	p.want("from")
	op.From = p.scalar()
	p.want("to")
	op.To = p.scalar()
	p.want("step")
	op.Step = p.scalar()
}

// made reads datatable and externaldata.
func (p *parser) made() *Operator {
	op := &Operator{Line: p.line(), Name: p.next().text}
	p.options(op)
	op.Columns = p.schema(",")
	if p.want("["); op.Name == "datatable" {
		p.take(",")
	}
	for !p.is("]") && p.err == nil {
		if op.Name == "datatable" {
			p.literal()
		} else {
			p.expr()
		}
		if !p.take(",") {
			break
		}
	}
	p.want("]")
	if op.Name != "datatable" && p.take("with") {
		p.properties(false)
	}
	return op
}

func (p *parser) assert(op *Operator) { op.Columns = p.schema(",") }
