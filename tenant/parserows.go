package tenant

// expand reads mv-expand and mv-apply: [options] [N =] x [to typeof(T)], … [limit n] [on ( … )].
func (p *parser) expand(out *operator) (err error) {
	p.options(out, "kind", "bagexpansion", "with_itemindex")
	for {
		c, err := p.column()
		if err != nil {
			return err
		}
		if p.acceptName("to") {
			if !p.acceptName("typeof") {
				return p.unexpected("'typeof'")
			}
			if err := p.expect("("); err != nil {
				return err
			}
			if c.kind, err = p.typeName(); err != nil {
				return err
			}
			if err := p.expect(")"); err != nil {
				return err
			}
		}
		out.cols = append(out.cols, c)
		if !p.accept(",") {
			break
		}
	}
	if p.acceptName("limit") {
		if out.cond, err = p.expr(); err != nil {
			return err
		}
	}
	if out.name == "mv-expand" {
		return nil
	}
	if !p.acceptName("on") {
		return p.unexpected("'on'")
	}
	out.sub, err = p.around()
	return err
}

func (p *parser) typeName() (kind, error) {
	pos := p.cur().pos
	name, err := p.name()
	if err != nil {
		return kNull, err
	}
	if k, ok := typedLiterals[name]; ok {
		return k, nil
	}
	switch name {
	case "string":
		return kString, nil
	case "date":
		return kDatetime, nil
	}
	return kNull, syntaxError(p.q, pos, "'%s' is not a type", name)
}

// parse reads [kind=…] [flags=…] x with [*] "text" Column[:type] ….
func (p *parser) parse(out *operator) (err error) {
	p.options(out, "kind", "flags")
	if out.cond, err = p.expr(); err != nil {
		return err
	}
	if !p.acceptName("with") {
		return p.unexpected("'with'")
	}
	for {
		t := p.cur()
		switch {
		case p.accept("*"):
			out.pattern = append(out.pattern, part{star: true})
		case t.kind == tValue && t.typ == kString:
			p.i++
			out.pattern = append(out.pattern, part{text: t.val.s})
		case t.kind == tName:
			p.i++
			c := &column{name: t.text, kind: kString}
			if p.accept(":") {
				if c.kind, err = p.typeName(); err != nil {
					return err
				}
			}
			out.pattern = append(out.pattern, part{col: c})
		case len(out.pattern) == 0:
			return p.unexpected("a pattern")
		default:
			return nil
		}
	}
}

// stretch reads "range x from a to b step c".
func (p *parser) stretch(out *operator) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	out.names = []string{name}
	return p.bounds(out)
}

func (p *parser) bounds(out *operator) (err error) {
	for i, word := range []string{"from", "to", "step"} {
		if !p.acceptName(word) {
			return p.unexpected("'" + word + "'")
		}
		if out.bounds[i], err = p.expr(); err != nil {
			return err
		}
	}
	return nil
}

// datatable reads "datatable(A:string, B:long) [ 'a', 1, … ]".
func (p *parser) datatable(out *operator) (err error) {
	if out.columns, err = p.fields(); err != nil {
		return err
	}
	if err := p.expect("["); err != nil {
		return err
	}
	for !p.accept("]") {
		x, err := p.expr()
		if err != nil {
			return err
		}
		out.values = append(out.values, x)
		if !p.accept(",") {
			return p.expect("]")
		}
	}
	return nil
}

// fields reads (A:string, B:long).
func (p *parser) fields() ([]column, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var out []column
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		k, err := p.typeName()
		if err != nil {
			return nil, err
		}
		out = append(out, column{name: name, kind: k})
		if !p.accept(",") {
			return out, p.expect(")")
		}
	}
}

// lambdaBegins tells (a: long) { … } and () { … } from an expression in parentheses.
func (p *parser) lambdaBegins() bool {
	if !p.is("(") || p.i+2 >= len(p.toks) {
		return false
	}
	second, third := p.toks[p.i+1], p.toks[p.i+2]
	return second.text == ")" && third.text == "{" || second.kind == tName && third.kind == tPunct && third.text == ":"
}

func (p *parser) lambda() (node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	out := lambdaNode{pos: p.cur().pos}
	p.i++
	for !p.accept(")") {
		one, err := p.param()
		if err != nil {
			return nil, err
		}
		out.params = append(out.params, one)
		if !p.accept(",") && !p.is(")") {
			return nil, p.unexpected("')'")
		}
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var err error
	if out.body, err = p.block(); err != nil {
		return nil, err
	}
	return out, p.expect("}")
}

func (p *parser) param() (param, error) {
	name, err := p.name()
	if err != nil {
		return param{}, err
	}
	out := param{name: name}
	if err := p.expect(":"); err != nil {
		return out, err
	}
	switch {
	case p.is("(") && p.peek().text == "*":
		p.i += 2
		out.tabular = true
		return out, p.expect(")")
	case p.is("("):
		out.tabular = true
		out.columns, err = p.fields()
		return out, err
	}
	if out.kind, err = p.typeName(); err != nil {
		return out, err
	}
	if p.accept("=") {
		out.value, err = p.expr()
	}
	return out, err
}
