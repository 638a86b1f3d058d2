package syntax

import "slices"

// expr reads an expression that may have operators behind |.
func (p *parser) expr() Expr {
	p.deeper()
	defer p.leave()
	line, bracketed := p.line(), p.is("(")
	var source Expr
	if p.isSource() {
		source = p.operator()
	} else {
		source = p.scalar()
	}
	pipe, is := source.(*Pipe)
	_, operator := source.(*Operator)
	switch {
	case is && !bracketed: // datatable
	case operator || p.is("|"):
		pipe = &Pipe{Line: line, Source: source}
	default:
		return source
	}
	p.ops(pipe)
	return pipe
}

// ops reads what follows | each time.
func (p *parser) ops(pipe *Pipe) {
	for p.take("|") {
		pipe.Ops = append(pipe.Ops, p.operator())
	}
}

// sub reads operators on rows that come from around.
func (p *parser) sub() *Pipe {
	p.deeper()
	defer p.leave()
	pipe := &Pipe{Line: p.line(), Ops: []*Operator{p.operator()}}
	p.ops(pipe)
	return pipe
}

// isSource reports whether an operator that makes rows by itself begins here.
func (p *parser) isSource() bool {
	switch next := p.ahead(1); p.peek().text {
	case "union", "print", "search", "find", "macro-expand":
		return p.peek().sort == name
	case "evaluate":
		return p.isName(1, nil) > 0 || hints[next.text]
	case "range":
		n := p.isName(1, nil)
		return n > 0 && p.ahead(1+n).is("from")
	case "inline_external_table":
		return next.is("(") || next.is("kind")
	}
	return false
}

// operators reads each operator by its name.
var operators map[string]func(*parser, *Operator)

func init() {
	operators = map[string]func(*parser, *Operator){
		"where": (*parser).where, "filter": (*parser).where,
		"extend": (*parser).projection, "print": (*parser).projection,
		"project": (*parser).optional, "project-rename": (*parser).optional, "project-by-names": (*parser).optional, "serialize": (*parser).optional,
		"project-away": (*parser).patterns, "project-keep": (*parser).patterns, "project-reorder": (*parser).patterns,
		"summarize": (*parser).summarize, "distinct": (*parser).distinct, "count": (*parser).count, "reduce": (*parser).reduce,
		"sort": (*parser).order, "order": (*parser).order, "top": (*parser).top, "top-hitters": (*parser).topHitters,
		"take": (*parser).take1, "limit": (*parser).take1, "sample": (*parser).take1, "sample-distinct": (*parser).sampleDistinct,
		"join": (*parser).join, "lookup": (*parser).join, "union": (*parser).union, "as": (*parser).as,
		"mv-expand": (*parser).mvExpand, "mvexpand": (*parser).mvExpand, "mv-apply": (*parser).mvApply, "mvapply": (*parser).mvApply,
		"parse": (*parser).parse, "parse-where": (*parser).parse, "parse-kv": (*parser).parseKV,
		"make-series": (*parser).makeSeries, "partition": (*parser).partition, "range": (*parser).rangeFrom,
		"invoke": (*parser).invoke, "evaluate": (*parser).evaluate, "render": (*parser).render,
		"fork": (*parser).fork, "facet": (*parser).facet, "search": (*parser).search, "find": (*parser).find,
		"getschema": (*parser).plain, "consume": (*parser).plain, "__executeAndCache": (*parser).plain,
		"assert-schema": (*parser).assert, "scan": (*parser).scan, "top-nested": (*parser).topNested,
	}
	for unread := range set(`macro-expand make-graph graph-match graph-shortest-paths graph-to-table
		graph-mark-components graph-where-nodes graph-where-edges inline_external_table __partitionby`) {
		operators[unread] = (*parser).unread
	}
}

// operator reads one operator.
func (p *parser) operator() *Operator {
	p.deeper()
	defer p.leave()
	l := p.peek()
	op := &Operator{Line: p.line(), Name: l.text}
	read := operators[l.text]
	if l.sort != name || read == nil {
		p.unexpected("an operator")
		return op
	}
	p.at++
	read(p, op)
	return op
}

// options reads the name=value that stand behind an operator's name.
func (p *parser) options(op *Operator, more ...string) {
	for p.option(op, more...) {
	}
}

// option reads one name=value, if there is one.
func (p *parser) option(op *Operator, more ...string) bool {
	l := p.peek()
	known := parameters[l.text] || hints[l.text] || slices.Contains(more, l.text)
	if l.sort != name || !known || !p.ahead(1).is("=") {
		return false
	}
	p.at += 2
	op.Params = append(op.Params, Arg{l.text, p.word()})
	return true
}

// word reads the value of a parameter: a literal, or a word of any kind.
func (p *parser) word() Expr {
	line := p.line()
	if n := p.isName(0, reserved); n > 0 && !p.is("dynamic") {
		return &Name{line, p.takeName(n)}
	}
	return p.literal()
}

func (p *parser) plain(op *Operator) { p.options(op) }

func (p *parser) where(op *Operator) {
	p.options(op)
	c := p.column()
	if op.Cond = c.Value; c.Names != nil {
		op.Columns = []Column{c}
	}
}

func (p *parser) projection(op *Operator) { op.Columns = p.columns() }

func (p *parser) optional(op *Operator) {
	if p.options(op); !p.ends() {
		op.Columns = p.columns()
	}
}

func (p *parser) patterns(op *Operator) {
	if p.ends() {
		return
	}
	p.comma(func() {
		c := p.pattern()
		if op.Name == "project-reorder" {
			c.Desc = p.direction(false)
		}
		op.Columns = append(op.Columns, c)
	})
}

func (p *parser) summarize(op *Operator) {
	if p.options(op); !p.is("by") && !p.ends() {
		op.Columns = p.columns()
	}
	if !p.take("by") {
		return
	}
	op.By = p.columns()
	if p.is("bin") && p.ahead(1).is("=") { // as it was written long ago
		op.By = append(op.By, p.column())
	}
}

func (p *parser) distinct(op *Operator) {
	p.options(op)
	p.comma(func() {
		if line := p.line(); p.take("*") {
			op.Columns = append(op.Columns, Column{Line: line, Value: &Star{line}})
			return
		}
		op.Columns = append(op.Columns, p.column())
	})
}

func (p *parser) count(op *Operator) {
	if line := p.line(); p.take("as") {
		op.Columns = []Column{{Line: line, Names: []string{p.declared()}}}
	}
}

func (p *parser) reduce(op *Operator) {
	p.options(op, "threshold", "characters")
	p.want("by")
	op.By = []Column{p.column()}
	if p.take("with") {
		p.comma(func() {
			if !p.option(op, "threshold", "characters") {
				p.unexpected("a parameter of reduce")
			}
		})
	}
}
