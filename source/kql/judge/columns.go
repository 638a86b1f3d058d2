package judge

import (
	"slices"
	"strings"

	"hunting-exporter/source/kql/syntax"
)

// define is a column of a list: its value, and the ident that it has in the leg.
func (j *judge) define(c syntax.Column, at scope) column {
	v := j.eval(c.Value, at)
	out := column{id: ident(v.key)}
	if v.key == "" {
		out.id = j.fresh()
	}
	if v.border || len(v.holds) > 0 || v.sum != nil && v.sum.plus != out.id || v.number != nil {
		out.made = &v
	}
	return out
}

// border is what a column is made of where a border is part of it, though in a way that is
// not followed; else nothing.
func (c column) border() *value {
	if c.made == nil || !c.made.border {
		return nil
	}
	v := mixed("", *c.made)
	return &v
}

func (j *judge) extend(l *leg, list []syntax.Column, at scope) {
	made := make([]column, len(list))
	for i, c := range list {
		made[i] = j.define(c, at)
	}
	for i, c := range list {
		for _, name := range namesOf(c) {
			l.set(name, made[i])
		}
	}
}

func (j *judge) project(l *leg, list []syntax.Column, at scope) {
	columns := map[string]column{}
	for _, c := range list {
		if _, ok := c.Value.(*syntax.Star); ok {
			return // project * keeps all
		}
		made := j.define(c, at)
		for _, name := range namesOf(c) {
			columns[name] = made
		}
	}
	l.columns, l.others = columns, all
}

// namesOf is how a column of a list is called: what it says, else by its expression.
func namesOf(c syntax.Column) []string {
	if len(c.Names) > 0 {
		return c.Names
	}
	if name := autoName(c.Value); name != "" {
		return []string{name}
	}
	return nil
}

// Functions whose answer is called as their first argument is.
var keepsName = []string{
	"bin", "bin_at", "floor", "tostring", "todatetime", "toint", "tolong", "todouble", "toreal", "tobool", "todynamic", "parse_json",
	"totimespan", "toguid", "todecimal", "take_any", "any", "arg_max", "arg_min", "argmax", "argmin",
}

// autoName is the name that Kusto gives to an expression, as far as that is a column's.
func autoName(x syntax.Expr) string {
	switch x := x.(type) {
	case *syntax.Name:
		return x.Name
	case *syntax.Path:
		if x.Name == "" {
			return ""
		}
		return strings.Trim(autoName(x.X)+"_"+x.Name, "_")
	case *syntax.Call:
		if slices.Contains(keepsName, x.Func) && len(x.Args) > 0 {
			return autoName(x.Args[0].Value)
		}
	}
	return ""
}

func (j *judge) rename(l *leg, op *syntax.Operator, _ scope) {
	for _, c := range op.Columns {
		old, ok := c.Value.(*syntax.Name)
		if !ok || len(c.Names) != 1 {
			continue
		}
		if was, ok := l.column(old.Name, j); ok {
			delete(l.columns, old.Name)
			l.gone = append(l.gone, old.Name)
			l.set(c.Names[0], was)
		}
	}
}

func (j *judge) away(l *leg, op *syntax.Operator, _ scope) {
	for _, c := range op.Columns {
		n, ok := c.Value.(*syntax.Name)
		if !ok {
			continue
		}
		for name := range l.columns {
			if matches(n.Name, name) {
				delete(l.columns, name)
			}
		}
		l.gone = append(l.gone, n.Name)
	}
}

func (j *judge) keep(l *leg, op *syntax.Operator, _ scope) {
	columns := map[string]column{}
	for _, c := range op.Columns {
		n, ok := c.Value.(*syntax.Name)
		if !ok {
			continue
		}
		if c, ok := l.column(n.Name, j); ok && !strings.Contains(n.Name, "*") {
			columns[n.Name] = c
		}
		for name, c := range l.columns {
			if matches(n.Name, name) {
				columns[name] = c
			}
		}
	}
	l.columns, l.others = columns, all
}

// overwrite gives columns values that nothing is known of.
func (j *judge) overwrite(l *leg, list []syntax.Column) {
	for _, c := range list {
		for _, name := range namesOf(c) {
			l.set(name, column{id: j.fresh()})
		}
	}
}

// expand makes rows of the elements of one row's array.
func (j *judge) expand(l *leg, op *syntax.Operator, at scope) {
	for _, c := range op.Columns {
		j.bordered(j.eval(c.Value, at))
	}
	j.overwrite(l, op.Columns)
	for _, p := range op.Params {
		if n, ok := p.Value.(*syntax.Name); ok && p.Name == "with_itemindex" {
			l.set(n.Name, column{id: j.fresh()})
		}
	}
}

// parse fills columns from a text.
func (j *judge) parse(l *leg, op *syntax.Operator, at scope) {
	for _, c := range op.Columns {
		j.bordered(j.eval(c.Value, at))
		for _, name := range c.Names {
			l.set(name, column{id: j.fresh()})
		}
	}
}

// apply runs operators on the elements of one row's array. Whatever they do, the row
// alone decides; but they cut nothing.
func (j *judge) apply(l *leg, op *syntax.Operator, at scope) {
	j.expand(l, op, at)
	if op.Sub == nil || op.Unread {
		return
	}
	inner := l.clone()
	inner.single, inner.bounds, inner.flaw = true, nil, nil
	for _, after := range j.pipe(&relation{legs: []*leg{inner}}, op.Sub.Ops, at.names).legs {
		if after.windowed() {
			j.refuse(op.Pos(), "within mv-apply a border cuts elements and not rows: compare it outside")
		}
		for name, c := range after.columns {
			if was, ok := l.columns[name]; ok && was.id == c.id {
				continue
			}
			l.set(name, column{j.fresh(), c.border()})
		}
	}
}
