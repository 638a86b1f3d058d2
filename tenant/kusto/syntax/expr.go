package syntax

import (
	"slices"

	"hunting-exporter/tenant/data"
)

// Operators by how tightly they bind, loosest first; those of comparison do not chain.
func (p *parser) expr() (Node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	return p.chain([]string{"or"}, func() (Node, error) {
		return p.chain([]string{"and"}, p.comparison)
	})
}

// maxLinks bounds a chain of operators: it is as deep as it is long.
const maxLinks = 20_000

func (p *parser) chain(ops []string, operand func() (Node, error)) (Node, error) {
	l, err := operand()
	if err != nil {
		return nil, err
	}
	for links := 0; ; links++ {
		t := p.cur()
		if t.kind != tName && t.kind != tPunct || !slices.Contains(ops, t.text) {
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
		l = Op{pos: t.pos, Op: t.text, Left: l, Args: []Node{r}}
	}
}

var (
	signs     = []string{"==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~"}
	wordTests = []string{
		"contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs", "has", "has_cs",
		"hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs",
	}
	listTests = []string{"in", "in~", "has_any", "has_all"}
)

// IsWordTest says whether an operator looks for a text in another.
func IsWordTest(op string) bool { return slices.Contains(wordTests, op) }

// IsListTest says whether an operator has a list on its right.
func IsListTest(op string) bool { return slices.Contains(listTests, op) }

func (p *parser) sum() (Node, error) {
	return p.chain([]string{"+", "-"}, func() (Node, error) { return p.chain([]string{"*", "/", "%"}, p.unary) })
}

func (p *parser) comparison() (Node, error) {
	l, err := p.sum()
	if err != nil {
		return nil, err
	}
	t := p.cur()
	if t.kind == tPunct && slices.Contains(signs, t.text) {
		p.i++
		r, err := p.sum()
		if t.text == "<>" {
			t.text = "!="
		}
		return Op{pos: t.pos, Op: t.text, Left: l, Args: []Node{r}}, err
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
	case IsWordTest(word.text):
		p.i++
		r, err := p.sum()
		return Op{pos: t.pos, Op: not + word.text, Left: l, Args: []Node{r}}, err
	case IsListTest(word.text) && (not == "" || word.text[0] == 'i'): // there is no !has_any
		p.i++
		list, err := p.list(p.value)
		return Op{pos: t.pos, Op: not + word.text, Left: l, Args: list}, err
	case word.text == "matches" && p.peek().text == "regex":
		p.i += 2
		r, err := p.sum()
		return Op{pos: t.pos, Op: not + "matches regex", Left: l, Args: []Node{r}}, err
	case word.text == "between":
		p.i++
		return p.between(Op{pos: t.pos, Op: not + "between", Left: l})
	case not != "":
		return nil, p.unexpected("an operator")
	}
	return l, nil
}

func (p *parser) between(out Op) (Node, error) {
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
	out.Args = []Node{lo, hi}
	return out, p.expect(")")
}

// argument reads what a call gives a function: a value, or name = value.
func (p *parser) argument() (Node, error) {
	t := p.cur()
	if t.kind != tName || p.peek().kind != tPunct || p.peek().text != "=" {
		return p.value()
	}
	p.i += 2
	x, err := p.value()
	return Arg{pos: t.pos, Name: t.text, X: x}, err
}

func (p *parser) list(element func() (Node, error)) ([]Node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var out []Node
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

func (p *parser) unary() (Node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.cur()
	if p.accept("-") {
		x, err := p.unary()
		return Call{Pos: t.pos, Name: "-", Args: []Node{x}}, err
	}
	if p.accept("+") {
		return p.unary()
	}
	return p.postfix()
}

func (p *parser) postfix() (Node, error) {
	x, err := p.primary()
	for err == nil {
		t := p.cur()
		switch {
		case p.is(".") && p.peek().kind == tName:
			x = Path{pos: t.pos, X: x, Name: p.peek().text}
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

func (p *parser) index(x Node, pos int) (Node, error) {
	i, err := p.expr()
	if lit, ok := i.(Literal); ok && lit.Kind == data.KindString {
		return Path{pos: pos, X: x, Name: lit.Value.Text}, err
	}
	return Path{pos: pos, X: x, Index: i}, err
}

func (p *parser) primary() (Node, error) {
	t := p.cur()
	switch {
	case t.kind == tValue:
		p.i++
		return Literal{pos: t.pos, Value: t.val, Kind: t.typ}, nil
	case p.accept("("):
		x, err := p.value()
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	case p.is("*"): // of count(*) and arg_max(x, *)
		p.i++
		return Ref{Pos: t.pos, Name: "*"}, nil
	case t.kind == tName:
		p.i++
		if !p.is("(") {
			return Ref{Pos: t.pos, Name: t.text}, nil
		}
		args, err := p.list(p.argument)
		return Call{Pos: t.pos, Name: t.text, Args: args}, err
	default:
		return nil, p.unexpected("an expression")
	}
}

func (p *parser) summarize(out *Operator) (err error) {
	p.options(out)
	if !p.isName("by") {
		if out.Cols, err = p.columns(); err != nil {
			return err
		}
	}
	if p.acceptName("by") {
		out.By, err = p.columns()
	}
	return err
}

func (p *parser) top(out *Operator) (err error) {
	if out.Cond, err = p.expr(); err != nil {
		return err
	}
	if !p.acceptName("by") {
		return p.unexpected("'by'")
	}
	if out.Order, err = p.orderings(); err == nil && len(out.Order) > 1 {
		err = syntaxError(p.q, out.pos, "The operator 'top' takes one expression to sort by")
	}
	return err
}

// columns reads "A, N = expr, (M, N) = expr, …".
func (p *parser) columns() ([]Named, error) {
	var out []Named
	for {
		c, err := p.column()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		if !p.accept(",") {
			return out, nil
		}
	}
}

func (p *parser) column() (Named, error) {
	c := Named{}
	if p.cur().kind == tName && p.peek().kind == tPunct && p.peek().text == "=" {
		c.Name = p.cur().text
		p.i += 2
	} else if names, ok := p.tuple(); ok {
		c.Name, c.More = names[0], names[1:]
	}
	var err error
	c.X, err = p.expr()
	return c, err
}

// tuple reads "(A, B) =", or nothing.
func (p *parser) tuple() ([]string, bool) {
	if !p.is("(") {
		return nil, false
	}
	var names []string
	for at := p.i + 1; at+2 < len(p.toks) && p.toks[at].kind == tName; at += 2 {
		names = append(names, p.toks[at].text)
		if p.toks[at+1].text == ")" && p.toks[at+2].kind == tPunct && p.toks[at+2].text == "=" {
			p.i = at + 3
			return names, true
		}
		if p.toks[at+1].text != "," {
			break
		}
	}
	return nil, false
}

func (p *parser) orderings() ([]Ordering, error) {
	var out []Ordering
	for {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		o := Ordering{X: x, Asc: p.acceptName("asc")}
		if !o.Asc {
			p.acceptName("desc")
		}
		o.NullsFirst = o.Asc
		if p.acceptName("nulls") {
			o.NullsFirst = p.acceptName("first")
			if !o.NullsFirst && !p.acceptName("last") {
				return nil, p.unexpected("'first' or 'last'")
			}
		}
		out = append(out, o)
		if !p.accept(",") {
			return out, nil
		}
	}
}
