package syntax

// unread skips an operator whose syntax the tree does not hold.
func (p *parser) unread(op *Operator) {
	op.Unread = true
	p.skip()
}

// topNested checks a top-nested. What it looks at is kept.
func (p *parser) topNested(op *Operator) {
	op.Unread = true
	p.at--
	p.comma(func() {
		p.want("top-nested")
		if !p.is("of") {
			op.On = append(op.On, p.column().Value)
		}
		p.want("of")
		op.On = append(op.On, p.column().Value)
		if p.take("with") {
			p.want("others")
			p.want("=")
			op.On = append(op.On, p.scalar())
		}
		p.want("by")
		op.On = append(op.On, p.ordered().Value)
	})
}

// scan checks a scan. What it looks at is kept.
func (p *parser) scan(op *Operator) {
	op.Unread = true
	p.options(op)
	if p.take("order") {
		p.want("by")
		p.comma(func() { p.ordered() })
	}
	if p.take("partition") {
		p.want("by")
		p.comma(func() { op.On = append(op.On, p.scalar()) })
	}
	if p.take("declare") {
		p.params()
	}
	p.want("with")
	p.want("(")
	for p.is("step") {
		p.step(op)
	}
	p.want(")")
}

// step reads step name: condition => column = value;.
func (p *parser) step(op *Operator) {
	p.want("step")
	p.given()
	p.take("optional")
	if p.take("output") {
		p.want("=")
		if !p.is("all", "last", "none") {
			p.unexpected("all, last or none")
		}
		p.next()
	}
	p.want(":")
	op.On = append(op.On, p.scalar())
	if p.take("=>") {
		p.comma(func() {
			p.given()
			p.want("=")
			op.On = append(op.On, p.scalar())
		})
	}
	p.want(";")
}
