package tenant

import "strings"

// maxDepth bounds nesting, so that no query exhausts the stack.
const maxDepth = 200

type parser struct {
	q     string
	toks  []token
	i     int
	depth int
}

// parse reads a query; the error is the API's text.
func parse(q string) (*query, error) {
	toks, err := tokens(q)
	if err != nil {
		return nil, err
	}
	p := &parser{q: q, toks: toks}
	out := &query{text: q}
	for p.accept(";") {
	}
	for p.isName("let") {
		let, err := p.let()
		if err != nil {
			return nil, err
		}
		out.lets = append(out.lets, let)
		if !p.accept(";") {
			return nil, p.unexpected("';'")
		}
	}
	if out.main, err = p.pipeline(); err != nil {
		return nil, err
	}
	for p.accept(";") {
	}
	if p.cur().kind != tEnd {
		return nil, p.unexpected("the end of the query")
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

func (p *parser) let() (letStatement, error) {
	p.i++
	name, err := p.name()
	if err != nil {
		return letStatement{}, err
	}
	if err := p.expect("="); err != nil {
		return letStatement{}, err
	}
	out := letStatement{name: name}
	if p.tabular() {
		out.table, err = p.pipeline()
	} else {
		out.x, err = p.expr()
	}
	return out, err
}

// tabular guesses whether a let binds rows: a name before "|" or ";", a union, or
// a parenthesis holding such.
func (p *parser) tabular() bool {
	at := p.i
	for p.toks[at].kind == tPunct && p.toks[at].text == "(" {
		at++
	}
	t, after := p.toks[at], p.toks[min(at+1, len(p.toks)-1)]
	if t.kind != tName {
		return false
	}
	if t.text == "union" || t.text == "print" {
		return true
	}
	return after.kind == tPunct && (after.text == "|" || after.text == ";" && at == p.i)
}

func (p *parser) pipeline() (*pipeline, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	out := &pipeline{pos: p.cur().pos}
	if err := p.source(out); err != nil {
		return nil, err
	}
	for p.accept("|") {
		step, err := p.step()
		if err != nil {
			return nil, err
		}
		out.steps = append(out.steps, step)
		out.isName = false
	}
	return out, nil
}

func (p *parser) source(out *pipeline) error {
	var err error
	switch {
	case p.accept("("):
		if out.inner, err = p.pipeline(); err != nil {
			return err
		}
		return p.expect(")")
	case p.isName("union"):
		step, err := p.step()
		out.union = &step
		return err
	case p.acceptName("print"):
		out.print, err = p.columns()
		return err
	default:
		out.table, err = p.name()
		out.isName = true
		return err
	}
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

func (p *parser) step() (operator, error) {
	out := operator{pos: p.cur().pos}
	name, err := p.stepName()
	if err != nil {
		return out, err
	}
	out.name = name
	switch name {
	case "where", "filter":
		out.name = "where"
		out.cond, err = p.expr()
	case "take", "limit":
		out.name = "take"
		out.cond, err = p.expr()
	case "extend", "project", "project-rename":
		out.cols, err = p.columns()
	case "project-away", "project-keep", "project-reorder":
		out.names, err = p.patterns()
	case "distinct":
		if p.accept("*") {
			out.names = []string{"*"}
			return out, nil
		}
		out.by, err = p.columns()
	case "count", "getschema", "serialize":
	case "summarize":
		return p.summarize(out)
	case "sort", "order":
		out.name = "sort"
		if !p.acceptName("by") {
			return out, p.unexpected("'by'")
		}
		out.order, err = p.orderings()
	case "top":
		return p.top(out)
	case "union":
		return p.union(out)
	default:
		return out, syntaxError(p.q, out.pos, "The operator '%s' is not one that this tenant knows", name)
	}
	return out, err
}

func (p *parser) patterns() ([]string, error) {
	var out []string
	for {
		var b strings.Builder
		for p.cur().kind == tName || p.is("*") {
			if b.Len() > 0 && p.cur().pos != p.toks[p.i-1].end {
				break
			}
			b.WriteString(p.cur().text)
			p.i++
		}
		if b.Len() == 0 {
			return nil, p.unexpected("a column")
		}
		out = append(out, b.String())
		if !p.accept(",") {
			return out, nil
		}
	}
}
