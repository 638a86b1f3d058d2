package syntax

import "strings"

// statements reads statements up to the end of the text or of the function around them.
func (p *parser) statements() (all []Statement) {
	for p.err == nil {
		for p.take(";") {
		}
		if p.ends() {
			return all
		}
		all = append(all, p.statement())
		if !p.is(";") {
			return all
		}
	}
	return all
}

func (p *parser) statement() Statement {
	s := Statement{Line: int(p.line())}
	next := p.ahead(1)
	switch {
	case p.is("let") && p.isName(1, nil) > 0:
		p.keyword(&s)
		s.Name = p.declared()
		p.want("=")
		s.Value = p.value()
	case p.is("set"):
		p.keyword(&s)
		s.Name = p.declared()
		if p.take("=") {
			s.Value = p.scalar()
		}
	case p.is("declare") && next.is("query_parameters"):
		p.keyword(&s)
		p.at++
		s.Params = p.params()
	case p.is("declare") && next.is("pattern"):
		p.keyword(&s)
		s.Keyword = p.next().text
		s.Name = p.declared()
		p.skip()
	case p.is("alias") && next.is("database"):
		p.keyword(&s)
		p.at++
		s.Name = p.declared()
		p.want("=")
		p.scalar()
	case p.is("restrict") && next.is("access"):
		p.keyword(&s)
		p.at++
		p.want("to")
		p.want("(")
		p.comma(func() { p.table() })
		p.want(")")
		if p.take("with") {
			p.properties(false)
		}
	default:
		x := p.expr()
		pipe, is := x.(*Pipe)
		if !is {
			pipe = &Pipe{Line: Line(s.Line), Source: x}
		}
		s.Value = pipe
	}
	return s
}

func (p *parser) keyword(s *Statement) { s.Keyword = p.next().text }

// value reads what a let defines.
func (p *parser) value() Expr {
	at := 0
	if p.is("view") {
		at++
	}
	if open, next := p.ahead(at), p.ahead(at+1); open.is("(") {
		n := p.isName(at+1, given)
		if next.is(")") || n > 0 && p.ahead(at+1+n).is(":") {
			return p.function(at)
		}
	}
	if p.is("entity_group") && p.ahead(1).is("[") {
		c := &Call{Line: p.line(), Func: p.next().text}
		p.want("[")
		p.comma(func() { c.Args = append(c.Args, Arg{Value: p.scalar()}) })
		p.want("]")
		return c
	}
	return p.expr()
}

// function reads parameters and body, behind as many words as skip says.
func (p *parser) function(skip int) *Function {
	p.at += skip
	f := &Function{Line: p.line(), Params: p.params()}
	p.deeper()
	defer p.leave()
	p.want("{")
	f.Body = p.statements()
	p.want("}")
	return f
}

// params reads (a: long = 1, T: (x: string, *)).
func (p *parser) params() (all []Param) {
	p.want("(")
	if !p.is(")") {
		p.comma(func() { all = append(all, p.param()) })
	}
	p.want(")")
	return all
}

func (p *parser) param() Param {
	x := Param{Name: p.given()}
	p.want(":")
	if x.Tabular = p.is("("); x.Tabular {
		p.schema("*)")
	} else {
		p.typeName()
	}
	if p.take("=") {
		if l := p.peek(); l.sort == name && !l.is("dynamic") {
			x.Default = &Name{p.line(), p.next().text}
		} else {
			x.Default = p.literal()
		}
	}
	return x
}

// typeName takes the type of a column or a parameter.
func (p *parser) typeName() {
	if l := p.peek(); l.sort != name || !types[l.text] {
		p.unexpected("a type")
	}
	p.next()
}

// schema reads (a: long, b: string), which may end with a comma, and what else its place allows: a comma
// or * at the beginning, *) all by itself.
func (p *parser) schema(more string) (all []Column) {
	p.want("(")
	if strings.Contains(more, ",") {
		p.take(",")
	}
	if line := p.line(); strings.Contains(more, "*") && p.take("*") {
		all = append(all, Column{Line: line, Value: &Star{line}})
		if more == "*)" {
			p.want(")")
			return all
		}
		p.take(",")
	}
	for !p.is(")") && p.err == nil {
		all = append(all, p.typedName())
		if !p.take(",") {
			break
		}
	}
	p.want(")")
	return all
}

// typedName reads name: type.
func (p *parser) typedName() Column {
	c := Column{Line: p.line(), Names: []string{p.given()}}
	p.want(":")
	p.typeName()
	return c
}
