package syntax

// unread skips an operator whose syntax the tree does not hold.
func (p *parser) unread(op *Operator) {
	op.Unread = true
	p.skip()
}

// topNested checks a top-nested. Nothing of it is kept.
func (p *parser) topNested(op *Operator) {
	op.Unread = true
	p.at--
	p.comma(func() {
		p.want("top-nested")
		if !p.is("of") {
			p.column()
		}
		p.want("of")
		p.column()
		if p.take("with") {
			p.want("others")
			p.want("=")
			p.scalar()
		}
		p.want("by")
		p.ordered()
	})
}

// scan checks a scan. Nothing of it is kept.
func (p *parser) scan(op *Operator) {
	op.Unread = true
	p.options(op)
	if p.take("order") {
		p.want("by")
		p.comma(func() { p.ordered() })
	}
	if p.take("partition") {
		p.want("by")
		p.comma(func() { p.scalar() })
	}
	if p.take("declare") {
		p.params()
	}
	p.want("with")
	p.want("(")
	for p.is("step") {
		p.step()
	}
	p.want(")")
}

// step reads step name: condition => column = value;.
func (p *parser) step() {
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
	p.scalar()
	if p.take("=>") {
		p.comma(func() {
			p.given()
			p.want("=")
			p.scalar()
		})
	}
	p.want(";")
}
