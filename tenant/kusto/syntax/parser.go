package syntax

import (
	"strings"
)

// maxDepth bounds nesting, so that no query exhausts the stack.
const maxDepth = 200

type parser struct {
	q     string
	toks  []token
	i     int
	depth int
}

// Parse reads a query; the error is the API's text.
func Parse(q string) (*Block, error) {
	toks, err := tokens(q)
	if err != nil {
		return nil, err
	}
	p := &parser{q: q, toks: toks}
	out, err := p.block()
	if err != nil {
		return nil, err
	}
	if p.cur().kind != tEnd {
		return nil, p.unexpected("the end of the query")
	}
	return out, nil
}

// block reads lets and what they are for.
func (p *parser) block() (*Block, error) {
	out := &Block{}
	for p.accept(";") {
	}
	for p.isName("let") {
		let, err := p.let()
		if err != nil {
			return nil, err
		}
		out.Lets = append(out.Lets, let)
		if !p.accept(";") {
			return nil, p.unexpected("';'")
		}
		for p.accept(";") {
		}
	}
	var err error
	if out.Main, err = p.value(); err != nil {
		return nil, err
	}
	for p.accept(";") {
	}
	return out, nil
}

func (p *parser) cur() token { return p.toks[p.i] }

func (p *parser) peek() token { return p.toks[min(p.i+1, len(p.toks)-1)] }

func (p *parser) is(punct string) bool { return p.cur().kind == tPunct && p.cur().text == punct }

func (p *parser) isName(name string) bool { return p.cur().kind == tName && p.cur().text == name }

func (p *parser) accept(punct string) bool {
	if !p.is(punct) {
		return false
	}
	p.i++
	return true
}

func (p *parser) acceptName(name string) bool {
	if !p.isName(name) {
		return false
	}
	p.i++
	return true
}

func (p *parser) expect(punct string) error {
	if !p.accept(punct) {
		return p.unexpected("'" + punct + "'")
	}
	return nil
}

func (p *parser) unexpected(wanted string) error {
	t := p.cur()
	if t.kind == tEnd {
		return syntaxError(p.q, t.pos, "Query ends where %s is expected", wanted)
	}
	return syntaxError(p.q, t.pos, "'%s' could not be parsed: expected %s", p.q[t.pos:t.end], wanted)
}

func (p *parser) name() (string, error) {
	if p.cur().kind != tName {
		return "", p.unexpected("a name")
	}
	p.i++
	return p.toks[p.i-1].text, nil
}

func (p *parser) deeper() error {
	p.depth++
	if p.depth > maxDepth {
		return syntaxError(p.q, p.cur().pos, "The query is nested too deeply")
	}
	return nil
}

func (p *parser) let() (Let, error) {
	p.i++
	name, err := p.name()
	if err != nil {
		return Let{}, err
	}
	if err := p.expect("="); err != nil {
		return Let{}, err
	}
	out := Let{Name: name}
	if p.isName("view") && p.peek().text == "(" {
		p.i++
	}
	if p.lambdaBegins() {
		out.X, err = p.lambda()
	} else {
		out.X, err = p.value()
	}
	return out, err
}

// value reads what a let binds or parentheses hold: an expression, or rows.
func (p *parser) value() (Node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	pos := p.cur().pos
	var x Node
	var err error
	if p.makerBegins() {
		var op Operator
		op, err = p.maker()
		x = Rows{pos: pos, Rows: &Pipeline{pos: pos, Source: Maker{op}}}
	} else {
		x, err = p.expr()
	}
	if err != nil || !p.is("|") {
		return x, err
	}
	rows, err := p.steps(&Pipeline{pos: pos, Source: x})
	return Rows{pos: pos, Rows: rows}, err
}

func (p *parser) steps(out *Pipeline) (*Pipeline, error) {
	for p.accept("|") {
		step, err := p.step()
		if err != nil {
			return nil, err
		}
		out.Steps = append(out.Steps, step)
	}
	return out, nil
}

// around reads ( where … | … ), whose rows come from around.
func (p *parser) around() (*Pipeline, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if err := p.expect("("); err != nil {
		return nil, err
	}
	out := &Pipeline{pos: p.cur().pos}
	step, err := p.step()
	if err != nil {
		return nil, err
	}
	out.Steps = append(out.Steps, step)
	if out, err = p.steps(out); err != nil {
		return nil, err
	}
	return out, p.expect(")")
}

// stepName reads an operator's name; those of several words are joined by "-".
func (p *parser) stepName() (string, error) {
	name, err := p.name()
	if err != nil {
		return "", err
	}
	for p.is("-") && p.cur().pos == p.toks[p.i-1].end && p.peek().kind == tName && p.peek().pos == p.cur().end {
		name += "-" + p.peek().text
		p.i += 2
	}
	return name, nil
}

func (p *parser) patterns() ([]string, error) {
	var out []string
	for {
		one, err := p.pattern()
		if err != nil {
			return nil, err
		}
		out = append(out, one)
		if !p.accept(",") {
			return out, nil
		}
	}
}

// pattern reads a name in which * may stand.
func (p *parser) pattern() (string, error) {
	var b strings.Builder
	for p.cur().kind == tName || p.is("*") {
		if b.Len() > 0 && p.cur().pos != p.toks[p.i-1].end {
			break
		}
		b.WriteString(p.cur().text)
		p.i++
	}
	if b.Len() == 0 {
		return "", p.unexpected("a column")
	}
	return b.String(), nil
}

// lambdaBegins tells (a: long) { … } and () { … } from an expression in parentheses.
func (p *parser) lambdaBegins() bool {
	if !p.is("(") || p.i+2 >= len(p.toks) {
		return false
	}
	second, third := p.toks[p.i+1], p.toks[p.i+2]
	return second.text == ")" && third.text == "{" || second.kind == tName && third.kind == tPunct && third.text == ":"
}

func (p *parser) lambda() (Node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	out := Lambda{pos: p.cur().pos}
	p.i++
	for !p.accept(")") {
		one, err := p.param()
		if err != nil {
			return nil, err
		}
		out.Params = append(out.Params, one)
		if !p.accept(",") && !p.is(")") {
			return nil, p.unexpected("')'")
		}
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var err error
	if out.Body, err = p.block(); err != nil {
		return nil, err
	}
	return out, p.expect("}")
}

func (p *parser) param() (Param, error) {
	name, err := p.name()
	if err != nil {
		return Param{}, err
	}
	out := Param{Name: name}
	if err := p.expect(":"); err != nil {
		return out, err
	}
	switch {
	case p.is("(") && p.peek().text == "*":
		p.i += 2
		out.Tabular = true
		return out, p.expect(")")
	case p.is("("):
		out.Tabular = true
		out.Columns, err = p.fields()
		return out, err
	}
	if out.Kind, err = p.typeName(); err != nil {
		return out, err
	}
	if p.accept("=") {
		out.Value, err = p.expr()
	}
	return out, err
}
