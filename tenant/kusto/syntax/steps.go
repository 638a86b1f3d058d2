package syntax

import (
	"cmp"
	"slices"

	"hunting-exporter/tenant/data"
)

// readers read what follows the name of an operator.
var readers map[string]func(*parser, *Operator) error

func init() {
	cond := func(p *parser, out *Operator) (err error) {
		out.Cond, err = p.expr()
		return err
	}
	cols := func(p *parser, out *Operator) (err error) {
		out.Cols, err = p.columns()
		return err
	}
	names := func(p *parser, out *Operator) (err error) {
		out.Names, err = p.patterns()
		return err
	}
	nothing := func(*parser, *Operator) error { return nil }
	readers = map[string]func(*parser, *Operator) error{
		"where": cond, "take": cond, "sample": cond, "invoke": cond,
		"extend": cols, "project": cols, "project-rename": cols, "print": cols,
		"project-away": names, "project-keep": names, "project-reorder": names,
		"count": (*parser).counted, "getschema": nothing, "render": (*parser).drawn,
		"serialize": func(p *parser, out *Operator) error {
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

func (p *parser) step() (Operator, error) {
	out := Operator{pos: p.cur().pos}
	name, err := p.stepName()
	if err != nil {
		return out, err
	}
	out.Name = cmp.Or(synonyms[name], name)
	read := readers[out.Name]
	if read == nil || out.Name != "union" && slices.Contains(makers, out.Name) {
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

func (p *parser) maker() (Operator, error) {
	out := Operator{pos: p.cur().pos, Name: p.cur().text}
	p.i++
	return out, readers[out.Name](p, &out)
}

// options reads name=value for the names given; hints may always stand there, and
// change no answer.
func (p *parser) options(out *Operator, known ...string) {
	out.Options = map[string]string{}
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
			out.Options[p.cur().text] = cmp.Or(value.text, value.val.String())
		}
		p.i = min(at+2, len(p.toks)-1)
	}
}

func (p *parser) counted(out *Operator) error {
	out.Names = []string{"Count"}
	if !p.acceptName("as") {
		return nil
	}
	name, err := p.name()
	out.Names[0] = name
	return err
}

// drawn leaves out what render says: the API answers the rows alone.
func (p *parser) drawn(*Operator) error {
	for p.cur().kind != tEnd && !p.is("|") && !p.is(";") && !p.is("}") {
		p.i++
	}
	return nil
}

func (p *parser) distinct(out *Operator) (err error) {
	if p.accept("*") {
		out.Names = []string{"*"}
		return nil
	}
	out.By, err = p.columns()
	return err
}

func (p *parser) sorted(out *Operator) (err error) {
	if !p.acceptName("by") {
		return p.unexpected("'by'")
	}
	out.Order, err = p.orderings()
	return err
}

func (p *parser) sampleDistinct(out *Operator) (err error) {
	if out.Cond, err = p.expr(); err != nil {
		return err
	}
	if !p.acceptName("of") {
		return p.unexpected("'of'")
	}
	out.By, err = p.columns()
	return err
}

func (p *parser) as(out *Operator) (err error) {
	p.options(out)
	name, err := p.name()
	out.Names = []string{name}
	return err
}

// union reads "union [kind=…] [withsource=N] [isfuzzy=true] A, (B | …)".
func (p *parser) union(out *Operator) error {
	p.options(out, "kind", "isfuzzy", "withsource", "with_source")
	for {
		leg, err := p.leg()
		if err != nil {
			return err
		}
		out.Legs = append(out.Legs, leg)
		if !p.accept(",") {
			return nil
		}
	}
}

// leg reads a table, a call, a pattern of tables, or rows in parentheses.
func (p *parser) leg() (Node, error) {
	t := p.cur()
	if t.kind == tName && p.peek().text == "*" && p.peek().pos == t.end || p.is("*") {
		names, err := p.pattern()
		return Wild{Pos: t.pos, Pattern: names}, err
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

func (p *parser) join(out *Operator) (err error) {
	p.options(out, "kind")
	right, err := p.leg()
	if err != nil {
		return err
	}
	out.Legs = []Node{right}
	if !p.acceptName("on") {
		return p.unexpected("'on'")
	}
	for {
		x, err := p.expr()
		if err != nil {
			return err
		}
		out.On = append(out.On, x)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) partition(out *Operator) (err error) {
	p.options(out)
	if !p.acceptName("by") {
		return p.unexpected("'by'")
	}
	pos := p.cur().pos
	name, err := p.name()
	if err != nil {
		return err
	}
	out.By = []Named{{X: Ref{Pos: pos, Name: name}}}
	out.Sub, err = p.around()
	return err
}

// expand reads mv-expand and mv-apply: [options] [N =] x [to typeof(T)], … [limit n] [on ( … )].
func (p *parser) expand(out *Operator) (err error) {
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
			if c.Kind, err = p.typeName(); err != nil {
				return err
			}
			if err := p.expect(")"); err != nil {
				return err
			}
		}
		out.Cols = append(out.Cols, c)
		if !p.accept(",") {
			break
		}
	}
	if p.acceptName("limit") {
		if out.Cond, err = p.expr(); err != nil {
			return err
		}
	}
	if out.Name == "mv-expand" {
		return nil
	}
	if !p.acceptName("on") {
		return p.unexpected("'on'")
	}
	out.Sub, err = p.around()
	return err
}

func (p *parser) typeName() (data.Kind, error) {
	pos := p.cur().pos
	name, err := p.name()
	if err != nil {
		return data.KindNull, err
	}
	if k, ok := typedLiterals[name]; ok {
		return k, nil
	}
	switch name {
	case "string":
		return data.KindString, nil
	case "date":
		return data.KindDatetime, nil
	}
	return data.KindNull, syntaxError(p.q, pos, "'%s' is not a type", name)
}

// parse reads [kind=…] [flags=…] x with [*] "text" Column[:type] ….
func (p *parser) parse(out *Operator) (err error) {
	p.options(out, "kind", "flags")
	if out.Cond, err = p.expr(); err != nil {
		return err
	}
	if !p.acceptName("with") {
		return p.unexpected("'with'")
	}
	for {
		t := p.cur()
		switch {
		case p.accept("*"):
			out.Pattern = append(out.Pattern, Part{Star: true})
		case t.kind == tValue && t.typ == data.KindString:
			p.i++
			out.Pattern = append(out.Pattern, Part{Text: t.val.Text})
		case t.kind == tName:
			p.i++
			c := &data.Column{Name: t.text, Kind: data.KindString}
			if p.accept(":") {
				if c.Kind, err = p.typeName(); err != nil {
					return err
				}
			}
			out.Pattern = append(out.Pattern, Part{Col: c})
		case len(out.Pattern) == 0:
			return p.unexpected("a pattern")
		default:
			return nil
		}
	}
}

// stretch reads "range x from a to b step c".
func (p *parser) stretch(out *Operator) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	out.Names = []string{name}
	return p.bounds(out)
}

func (p *parser) bounds(out *Operator) (err error) {
	for i, word := range []string{"from", "to", "step"} {
		if !p.acceptName(word) {
			return p.unexpected("'" + word + "'")
		}
		if out.Bounds[i], err = p.expr(); err != nil {
			return err
		}
	}
	return nil
}

// datatable reads "datatable(A:string, B:long) [ 'a', 1, … ]".
func (p *parser) datatable(out *Operator) (err error) {
	if out.Columns, err = p.fields(); err != nil {
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
		out.Values = append(out.Values, x)
		if !p.accept(",") {
			return p.expect("]")
		}
	}
	return nil
}

// fields reads (A:string, B:long).
func (p *parser) fields() ([]data.Column, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var out []data.Column
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
		out = append(out, data.Column{Name: name, Kind: k})
		if !p.accept(",") {
			return out, p.expect(")")
		}
	}
}

// series reads "make-series [N =] f() [default = d], … on T from a to b step s [by …]".
func (p *parser) series(out *Operator) (err error) {
	p.options(out)
	for {
		c, err := p.column()
		if err != nil {
			return err
		}
		var otherwise Node
		if p.acceptName("default") {
			if err := p.expect("="); err != nil {
				return err
			}
			if otherwise, err = p.expr(); err != nil {
				return err
			}
		}
		out.Cols, out.Values = append(out.Cols, c), append(out.Values, otherwise)
		if !p.accept(",") {
			break
		}
	}
	if !p.acceptName("on") {
		return p.unexpected("'on'")
	}
	axis, err := p.column()
	if err != nil {
		return err
	}
	out.Order = []Ordering{{X: axis.X}}
	out.Names = []string{axis.Name}
	if err := p.bounds(out); err != nil {
		return err
	}
	if p.acceptName("by") {
		out.By, err = p.columns()
	}
	return err
}
