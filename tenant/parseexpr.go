package tenant

// Operators by how tightly they bind, loosest first; those of comparison do not chain.
func (p *parser) expr() (node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	return p.chain([]string{"or"}, func() (node, error) {
		return p.chain([]string{"and"}, p.comparison)
	})
}

// maxLinks bounds a chain of operators: it is as deep as it is long.
const maxLinks = 20_000

func (p *parser) chain(ops []string, operand func() (node, error)) (node, error) {
	l, err := operand()
	if err != nil {
		return nil, err
	}
	for links := 0; ; links++ {
		t := p.cur()
		if t.kind != tName && t.kind != tPunct || !oneOf(t.text, ops) {
			return l, nil
		}
		if links > maxLinks {
			return nil, syntaxError(p.q, t.pos, "The query is too complex")
		}
		p.i++
		r, err := operand()
		if err != nil {
			return nil, err
		}
		l = opNode{pos: t.pos, op: t.text, l: l, args: []node{r}}
	}
}

func oneOf(s string, of []string) bool {
	for _, o := range of {
		if s == o {
			return true
		}
	}
	return false
}

var (
	signs     = []string{"==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~"}
	wordTests = []string{
		"contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs", "has", "has_cs",
		"hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs",
	}
	listTests = []string{"in", "in~", "has_any", "has_all"}
)

func (p *parser) sum() (node, error) {
	return p.chain([]string{"+", "-"}, func() (node, error) { return p.chain([]string{"*", "/", "%"}, p.unary) })
}

func (p *parser) comparison() (node, error) {
	l, err := p.sum()
	if err != nil {
		return nil, err
	}
	t := p.cur()
	if t.kind == tPunct && oneOf(t.text, signs) {
		p.i++
		r, err := p.sum()
		if t.text == "<>" {
			t.text = "!="
		}
		return opNode{pos: t.pos, op: t.text, l: l, args: []node{r}}, err
	}
	not := ""
	if p.is("!") && p.peek().kind == tName {
		not = "!"
		p.i++
	}
	word := p.cur()
	switch {
	case word.kind != tName:
		return l, nil
	case oneOf(word.text, wordTests):
		p.i++
		r, err := p.sum()
		return opNode{pos: t.pos, op: not + word.text, l: l, args: []node{r}}, err
	case oneOf(word.text, listTests) && (not == "" || word.text[0] == 'i'): // there is no !has_any
		p.i++
		list, err := p.list(p.value)
		return opNode{pos: t.pos, op: not + word.text, l: l, args: list}, err
	case word.text == "matches" && p.peek().text == "regex":
		p.i += 2
		r, err := p.sum()
		return opNode{pos: t.pos, op: not + "matches regex", l: l, args: []node{r}}, err
	case word.text == "between":
		p.i++
		return p.between(opNode{pos: t.pos, op: not + "between", l: l})
	case not != "":
		return nil, p.unexpected("an operator")
	}
	return l, nil
}

func (p *parser) between(out opNode) (node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	lo, err := p.expr()
	if err != nil {
		return nil, err
	}
	if err := p.expect(".."); err != nil {
		return nil, err
	}
	hi, err := p.expr()
	if err != nil {
		return nil, err
	}
	out.args = []node{lo, hi}
	return out, p.expect(")")
}

// argument reads what a call gives a function: a value, or name = value.
func (p *parser) argument() (node, error) {
	t := p.cur()
	if t.kind != tName || p.peek().kind != tPunct || p.peek().text != "=" {
		return p.value()
	}
	p.i += 2
	x, err := p.value()
	return argNode{pos: t.pos, name: t.text, x: x}, err
}

func (p *parser) list(element func() (node, error)) ([]node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var out []node
	if p.accept(")") {
		return out, nil
	}
	for {
		x, err := element()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		if !p.accept(",") {
			return out, p.expect(")")
		}
	}
}

func (p *parser) unary() (node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.cur()
	if p.accept("-") {
		x, err := p.unary()
		return callNode{pos: t.pos, name: "-", args: []node{x}}, err
	}
	if p.accept("+") {
		return p.unary()
	}
	return p.postfix()
}

func (p *parser) postfix() (node, error) {
	x, err := p.primary()
	for err == nil {
		t := p.cur()
		switch {
		case p.is(".") && p.peek().kind == tName:
			x = pathNode{pos: t.pos, x: x, name: p.peek().text}
			p.i += 2
		case p.accept("["):
			if x, err = p.index(x, t.pos); err == nil {
				err = p.expect("]")
			}
		default:
			return x, nil
		}
	}
	return nil, err
}

func (p *parser) index(x node, pos int) (node, error) {
	i, err := p.expr()
	if lit, ok := i.(litNode); ok && lit.typ == kString {
		return pathNode{pos: pos, x: x, name: lit.val.s}, err
	}
	return pathNode{pos: pos, x: x, index: i}, err
}

func (p *parser) primary() (node, error) {
	t := p.cur()
	switch {
	case t.kind == tValue:
		p.i++
		return litNode{pos: t.pos, val: t.val, typ: t.typ}, nil
	case p.accept("("):
		x, err := p.value()
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	case p.is("*"): // of count(*) and arg_max(x, *)
		p.i++
		return refNode{pos: t.pos, name: "*"}, nil
	case t.kind == tName:
		p.i++
		if !p.is("(") {
			return refNode{pos: t.pos, name: t.text}, nil
		}
		args, err := p.list(p.argument)
		return callNode{pos: t.pos, name: t.text, args: args}, err
	default:
		return nil, p.unexpected("an expression")
	}
}
