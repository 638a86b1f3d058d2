package tenant

import "slices"

// readers read what follows the name of an operator.
var readers map[string]func(*parser, *operator) error

func init() {
	cond := func(p *parser, out *operator) (err error) {
		out.cond, err = p.expr()
		return err
	}
	cols := func(p *parser, out *operator) (err error) {
		out.cols, err = p.columns()
		return err
	}
	names := func(p *parser, out *operator) (err error) {
		out.names, err = p.patterns()
		return err
	}
	nothing := func(*parser, *operator) error { return nil }
	readers = map[string]func(*parser, *operator) error{
		"where": cond, "take": cond, "sample": cond, "invoke": cond,
		"extend": cols, "project": cols, "project-rename": cols, "print": cols,
		"project-away": names, "project-keep": names, "project-reorder": names,
		"count": (*parser).counted, "getschema": nothing, "render": (*parser).drawn,
		"serialize": func(p *parser, out *operator) error {
			if p.cur().kind != tName {
				return nil
			}
			return cols(p, out)
		},
		"distinct": (*parser).distinct, "summarize": (*parser).summarize, "make-series": (*parser).series, "sort": (*parser).sorted,
		"top": (*parser).top, "union": (*parser).union, "join": (*parser).join, "lookup": (*parser).join,
		"as": (*parser).as, "mv-expand": (*parser).expand, "mv-apply": (*parser).expand,
		"partition": (*parser).partition, "parse": (*parser).parse, "parse-where": (*parser).parse,
		"sample-distinct": (*parser).sampleDistinct, "range": (*parser).stretch, "datatable": (*parser).datatable,
	}
}

var synonyms = map[string]string{"filter": "where", "limit": "take", "order": "sort"}

// makers are the operators that begin a pipeline, and only these do.
var makers = []string{"union", "print", "range", "datatable"}

func (p *parser) step() (operator, error) {
	out := operator{pos: p.cur().pos}
	name, err := p.stepName()
	if err != nil {
		return out, err
	}
	out.name = either(synonyms[name], name)
	read := readers[out.name]
	if read == nil || out.name != "union" && slices.Contains(makers, out.name) {
		return out, syntaxError(p.q, out.pos, "The operator '%s' is not one that this tenant knows", name)
	}
	return out, read(p, &out)
}

// makerBegins tells an operator that makes rows from a name or call.
func (p *parser) makerBegins() bool {
	if p.cur().kind != tName {
		return false
	}
	next := p.peek()
	switch p.cur().text {
	case "union", "print":
		return next.kind != tEnd && (next.kind != tPunct || next.text == "(" || next.text == "*" || next.text == "-")
	case "range":
		return next.kind == tName
	case "datatable":
		return next.text == "("
	default:
		return false
	}
}

func (p *parser) maker() (operator, error) {
	out := operator{pos: p.cur().pos, name: p.cur().text}
	p.i++
	return out, readers[out.name](p, &out)
}

// options reads name=value for the names given; hints may always stand there, and
// change no answer.
func (p *parser) options(out *operator, known ...string) {
	out.options = map[string]string{}
	for p.cur().kind == tName {
		at := p.i + 1
		hint := p.cur().text == "hint" && p.toks[at].text == "."
		if hint {
			at += 2
		}
		if at+1 >= len(p.toks) || p.toks[at].kind != tPunct || p.toks[at].text != "=" || !hint && !slices.Contains(known, p.cur().text) {
			return
		}
		value := p.toks[at+1]
		if !hint {
			out.options[p.cur().text] = either(value.text, value.val.text())
		}
		p.i = min(at+2, len(p.toks)-1)
	}
}

func (p *parser) counted(out *operator) error {
	out.names = []string{"Count"}
	if !p.acceptName("as") {
		return nil
	}
	name, err := p.name()
	out.names[0] = name
	return err
}

// drawn leaves out what render says: the API answers the rows alone.
func (p *parser) drawn(*operator) error {
	for p.cur().kind != tEnd && !p.is("|") && !p.is(";") && !p.is("}") {
		p.i++
	}
	return nil
}

func (p *parser) distinct(out *operator) (err error) {
	if p.accept("*") {
		out.names = []string{"*"}
		return nil
	}
	out.by, err = p.columns()
	return err
}

func (p *parser) sorted(out *operator) (err error) {
	if !p.acceptName("by") {
		return p.unexpected("'by'")
	}
	out.order, err = p.orderings()
	return err
}

func (p *parser) sampleDistinct(out *operator) (err error) {
	if out.cond, err = p.expr(); err != nil {
		return err
	}
	if !p.acceptName("of") {
		return p.unexpected("'of'")
	}
	out.by, err = p.columns()
	return err
}

func (p *parser) as(out *operator) (err error) {
	p.options(out)
	name, err := p.name()
	out.names = []string{name}
	return err
}

// union reads "union [kind=…] [withsource=N] [isfuzzy=true] A, (B | …)".
func (p *parser) union(out *operator) error {
	p.options(out, "kind", "isfuzzy", "withsource", "with_source")
	for {
		leg, err := p.leg()
		if err != nil {
			return err
		}
		out.legs = append(out.legs, leg)
		if !p.accept(",") {
			return nil
		}
	}
}

// leg reads a table, a call, a pattern of tables, or rows in parentheses.
func (p *parser) leg() (node, error) {
	t := p.cur()
	if t.kind == tName && p.peek().text == "*" && p.peek().pos == t.end || p.is("*") {
		names, err := p.pattern()
		return wildNode{pos: t.pos, pattern: names}, err
	}
	if t.kind != tName && !p.is("(") || p.isName("union") {
		return nil, p.unexpected("a table")
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	return p.primary()
}

func (p *parser) join(out *operator) (err error) {
	p.options(out, "kind")
	right, err := p.leg()
	if err != nil {
		return err
	}
	out.legs = []node{right}
	if !p.acceptName("on") {
		return p.unexpected("'on'")
	}
	for {
		x, err := p.expr()
		if err != nil {
			return err
		}
		out.on = append(out.on, x)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) partition(out *operator) (err error) {
	p.options(out)
	if !p.acceptName("by") {
		return p.unexpected("'by'")
	}
	pos := p.cur().pos
	name, err := p.name()
	if err != nil {
		return err
	}
	out.by = []named{{x: refNode{pos: pos, name: name}}}
	out.sub, err = p.around()
	return err
}
