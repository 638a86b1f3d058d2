package judge

import (
	"strings"

	"hunting-exporter/schema"
	"hunting-exporter/source/kql/syntax"
)

// rows follows a tabular expression.
func (j *judge) rows(x syntax.Expr, in *names) *relation {
	none := &relation{}
	if x == nil {
		return none
	}
	defer j.leave()
	if !j.enter(x.Pos()) {
		return none
	}
	switch x := x.(type) {
	case *syntax.Pipe:
		if x.Source == nil {
			j.refuse(x.Pos(), "the operators here have no rows to work on")
			return none
		}
		return j.pipe(j.rows(x.Source, in), x.Ops, in)
	case *syntax.Operator:
		return j.source(x, in)
	case *syntax.Name:
		return j.table(x.Pos(), x.Name, in)
	case *syntax.Path: // database("…").Table
		return j.table(x.Pos(), x.Name, nil)
	case *syntax.Call:
		return j.callRows(x, in)
	}
	j.refuse(x.Pos(), "no table or query stands here")
	return none
}

// table is the rows that a name stands for: those of a let, else of a table.
func (j *judge) table(line int, name string, in *names) *relation {
	b := in.find(name)
	if b == nil && j.as[name] != nil {
		return j.again(j.as[name])
	}
	if b == nil {
		return &relation{legs: []*leg{j.stored(line, name)}}
	}
	if b.value != nil {
		return &relation{legs: []*leg{{line: line, what: name, others: little}}}
	}
	if f, ok := b.x.(*syntax.Function); ok && b.rows == nil {
		body, inner := j.body(f, j.call(f, b.in, nil, scope{names: in}, nil))
		b.rows = j.rows(body, inner)
	}
	if b.rows == nil {
		b.rows = j.rows(b.x, b.in)
	}
	return j.again(b.rows)
}

// stored is the rows of a table that the API has.
func (j *judge) stored(line int, name string) *leg {
	l := &leg{line: line, what: name, columns: map[string]column{}, others: little}
	if t, ok := schema.Lookup(name); ok {
		l.others = catalogue
		for _, c := range t.Columns {
			l.columns[c.Name] = column{id: j.fresh()}
		}
	}
	return l
}

// Functions of tables that answer no more than so many rows, whatever they were asked.
var limited = map[string]string{
	"FileProfile": "looks up 1,000 files an answer at most and leaves the others empty",
}

// callRows follows a function that answers rows.
func (j *judge) callRows(x *syntax.Call, in *names) *relation {
	if f, from := j.function(x.Func, in); f != nil {
		body, inner := j.body(f, j.call(f, from, x.Args, scope{names: in}, nil))
		return j.rows(body, inner)
	}
	switch x.Func {
	case "materialize", "view":
		if len(x.Args) == 1 {
			return j.rows(x.Args[0].Value, in)
		}
	case "table":
		if len(x.Args) > 0 {
			if name, ok := x.Args[0].Value.(*syntax.Literal); ok && name.Kind == syntax.String {
				return j.table(x.Pos(), name.Text, nil)
			}
		}
	}
	return &relation{legs: []*leg{j.unknown(x, in)}}
}

// unknown is the rows of a function that the query does not define.
func (j *judge) unknown(x *syntax.Call, in *names) *leg {
	j.volatile(x)
	if why, ok := limited[x.Func]; ok {
		j.refuse(x.Pos(), "%s %s: remove it, and look files up where the rows are read", x.Func, why)
	}
	l := &leg{line: x.Pos(), what: x.Func + "()", others: little}
	for _, a := range x.Args {
		if v := j.eval(a.Value, scope{names: in}); v.border {
			l.flaw = &Reason{x.Pos(), x.Func + "() takes a border, and what it does with it is not known: cut its rows by where"}
		}
	}
	return l
}

// source follows an operator that makes rows by itself.
func (j *judge) source(op *syntax.Operator, in *names) *relation {
	made := &leg{line: op.Pos(), what: op.Name}
	out := &relation{legs: []*leg{made}}
	at := scope{names: in, row: made}
	switch op.Name {
	case "union":
		return j.union(op, &relation{}, in)
	case "print":
		j.extend(made, op.Columns, scope{names: in})
	case "datatable", "externaldata", "external_data":
		for _, c := range op.Columns {
			for _, n := range c.Names {
				made.set(n, column{id: j.fresh()})
			}
		}
		if len(op.Columns) == 0 {
			made.others = little
		}
	case "range":
		for _, x := range []syntax.Expr{op.From, op.To, op.Step} {
			if j.eval(x, at).border {
				made.flaw = &Reason{op.Pos(), "range makes its rows from the borders, so that they depend on how time is cut: remove it"}
			}
		}
		for _, c := range op.Columns {
			for _, n := range c.Names {
				made.set(n, column{id: j.fresh()})
			}
			if n, ok := c.Value.(*syntax.Name); ok {
				made.set(n.Name, column{id: j.fresh()})
			}
		}
	case "search":
		out = j.union(op, &relation{}, in)
		if len(op.Legs) == 0 {
			out = &relation{legs: []*leg{{line: op.Pos(), what: "search", others: little}}}
		}
		return out.each(func(l *leg) { j.where(l, j.eval(op.Cond, scope{in, l}), op.Pos()) })
	default:
		j.unfollowed(op, "read tables, or a union of them")
	}
	return out
}

// union is rows and those of the operator's legs.
func (j *judge) union(op *syntax.Operator, r *relation, in *names) *relation {
	out := &relation{legs: r.legs}
	for _, x := range op.Legs {
		for _, l := range j.rows(x, in).legs {
			l = l.clone()
			l.line = x.Pos()
			out.legs = append(out.legs, l)
		}
	}
	if len(out.legs) > maxLegs {
		j.refuse(op.Pos(), "the query has too many legs to be followed: make it simpler")
		out.legs = out.legs[:1]
	}
	for _, p := range op.Params {
		name, _ := p.Value.(*syntax.Name)
		switch strings.ToLower(p.Name) {
		case "withsource", "with_source":
			if name != nil {
				out = out.each(func(l *leg) { l.set(name.Name, column{id: j.fresh()}) })
			}
		case "isfuzzy":
			if lit, ok := p.Value.(*syntax.Literal); ok && lit.Text == "true" {
				j.warn(op.Pos(), "isfuzzy=true leaves a table that cannot be read out without a word")
			}
		}
	}
	return out
}
