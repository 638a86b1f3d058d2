package judge

import (
	"slices"

	"hunting-exporter/source/kql/syntax"
)

// pipe follows rows through operators.
func (j *judge) pipe(r *relation, ops []*syntax.Operator, in *names) *relation {
	for _, op := range ops {
		if !j.enter(op.Pos()) {
			j.leave()
			return r
		}
		r = j.operator(r, op, in)
		j.leave()
	}
	return r
}

// Operators that change neither which rows there are nor their columns.
var harmless = []string{"sort", "project-reorder"}

// Other names of operators.
var aliases = map[string]string{"filter": "where", "limit": "take", "order": "sort", "mvexpand": "mv-expand", "external_data": "externaldata"}

func (j *judge) operator(r *relation, op *syntax.Operator, in *names) *relation {
	if name, ok := aliases[op.Name]; ok {
		named := *op
		named.Name = name
		op = &named
	}
	if slices.Contains(harmless, op.Name) {
		j.evaluated(r, op, in)
		return r
	}
	if change := rowwise[op.Name]; change != nil {
		return r.each(func(l *leg) { change(j, l, op, scope{in, l}) })
	}
	switch op.Name {
	case "take", "sample", "sample-distinct":
		return j.dropping(r, op)
	case "top", "top-nested", "top-hitters":
		return j.top(r, op, in)
	case "getschema", "consume", "fork", "facet", "render":
		j.refuse(op.Pos(), "%s does not answer the rows themselves: remove it", op.Name)
		return r
	case "summarize", "distinct", "count":
		return j.summarize(r, op, in)
	case "join", "lookup":
		return j.join(r, op, in)
	case "union":
		return j.union(op, r, in)
	case "as":
		j.as[op.As] = r
		return r
	case "invoke":
		return j.invoke(r, op, in)
	case "partition":
		return j.partition(r, op, in)
	case "evaluate":
		return j.evaluate(r, op, in)
	case "scan":
		return r.each(func(l *leg) {
			for _, x := range op.On {
				j.bordered(j.eval(x, scope{in, l}))
			}
			j.ordered(op.Pos(), "scan", l)
			l.columns, l.others = nil, little
		})
	case "make-graph", "graph-match", "graph-to-table", "graph-shortest-paths", "graph-mark-components":
		if j.append() && !r.windowed() { // what it says of borders is not read
			j.unfollowed(op, "remove it")
			return r
		}
		return j.sums(r, op.Pos(), op.Name, nil, func(l *leg) { l.others = little })
	case "make-series", "reduce":
		j.evaluated(r, op, in)
		return j.sums(r, op.Pos(), op.Name, nil, func(l *leg) { l.others = little })
	}
	j.unfollowed(op, "remove it")
	return r
}

// rowwise are the operators that work on one row after the other.
var rowwise map[string]func(*judge, *leg, *syntax.Operator, scope)

func init() { // they refer to pipe, which refers to them
	rowwise = map[string]func(*judge, *leg, *syntax.Operator, scope){
		"where":          func(j *judge, l *leg, op *syntax.Operator, at scope) { j.where(l, j.eval(op.Cond, at), op.Pos()) },
		"search":         (*judge).search,
		"extend":         func(j *judge, l *leg, op *syntax.Operator, at scope) { j.extend(l, op.Columns, at) },
		"serialize":      func(j *judge, l *leg, op *syntax.Operator, at scope) { j.extend(l, op.Columns, at) },
		"project":        func(j *judge, l *leg, op *syntax.Operator, at scope) { j.project(l, op.Columns, at) },
		"project-rename": (*judge).rename,
		"project-away":   (*judge).away,
		"project-keep":   (*judge).keep,
		"mv-expand":      (*judge).expand,
		"mv-apply":       (*judge).apply,
		"parse":          (*judge).parse,
		"parse-where":    (*judge).parse,
		"parse-kv":       (*judge).parse,
	}
}

// search keeps the rows of which any column holds a text.
func (j *judge) search(l *leg, op *syntax.Operator, at scope) {
	j.bordered(j.ofRow(at))
	j.where(l, j.eval(op.Cond, at), op.Pos())
}

// evaluated follows the expressions of an operator for what must not be in them.
func (j *judge) evaluated(r *relation, op *syntax.Operator, in *names) {
	for _, l := range r.legs {
		at := scope{in, l}
		for _, c := range slices.Concat(op.Columns, op.By) {
			j.lookedUp(j.eval(c.Value, at), l)
		}
		for _, x := range append([]syntax.Expr{op.From, op.To, op.Step}, op.On...) {
			j.lookedUp(j.eval(x, at), l)
		}
	}
}

// lookedUp refuses a border in what is made of rows to look up in: they would be others in
// each window. What is made of the window's own rows is judged by itself.
func (j *judge) lookedUp(v value, l *leg) {
	if !l.windowed() {
		j.bordered(v)
	}
}

// bordered refuses a border where it decides which rows there are.
func (j *judge) bordered(v value) {
	if v.border && j.append() {
		j.refuse(v.line, otherWay, j.column, startTime, endTime)
	}
}

const otherWay = "a border is used in another way than to compare the time of a row with it, so that it cannot be shown which rows belong to a window: write %s >= %s and %[1]s < %[3]s"

// dropping refuses what keeps any rows and drops the others.
func (j *judge) dropping(r *relation, op *syntax.Operator) *relation {
	for _, l := range r.legs {
		if !l.single {
			j.refuse(op.Pos(), "%s keeps some rows and drops the others: remove it, or narrow the query with where", op.Name)
		}
	}
	return r
}

// top keeps the first rows of an order. Of rows that do not look at the window these are
// the same in every window.
func (j *judge) top(r *relation, op *syntax.Operator, in *names) *relation {
	j.evaluated(r, op, in)
	return r.each(func(l *leg) {
		switch {
		case l.single:
		case l.windowed() || j.snapshot():
			j.refuse(op.Pos(), "%s keeps some rows and drops the others: remove it, or narrow the query with where", op.Name)
		default:
			l.seal(together(op.Pos(), op.Name))
		}
		if op.Name != "top" {
			l.columns, l.others = nil, little
		}
	})
}

// invoke calls a function with the rows as its first argument.
func (j *judge) invoke(r *relation, op *syntax.Operator, in *names) *relation {
	call, ok := op.Cond.(*syntax.Call)
	if !ok {
		j.refuse(op.Pos(), "invoke names no function")
		return r
	}
	f, from := j.function(call.Func, in)
	if f == nil {
		why, ok := limited[call.Func]
		if !ok {
			why = "is no function of this query, and what it does with the rows is not known"
		}
		j.refuse(op.Pos(), "%s %s: remove it", call.Func, why)
		return r
	}
	body, inner := j.body(f, j.call(f, from, call.Args, scope{names: in}, r))
	return j.rows(body, inner)
}

// partition runs operators on the rows that share a value, which is as good as on all
// where they work on one row after the other.
func (j *judge) partition(r *relation, op *syntax.Operator, in *names) *relation {
	j.evaluated(r, op, in)
	if op.Sub == nil || op.Unread {
		j.refuse(op.Pos(), "what this partition runs cannot be followed: write its operators in parentheses")
		return r
	}
	if op.Sub.Source != nil {
		return j.rows(op.Sub, in)
	}
	return j.pipe(r, op.Sub.Ops, in)
}

// Plugins that work within one row.
var rowPlugins = []string{"bag_unpack", "ipv4_lookup", "ipv6_lookup"}

// evaluate runs a plugin.
func (j *judge) evaluate(r *relation, op *syntax.Operator, in *names) *relation {
	call, ok := op.Cond.(*syntax.Call)
	if !ok || !slices.Contains(rowPlugins, call.Func) {
		if ok {
			for _, l := range r.legs {
				for _, a := range call.Args {
					j.lookedUp(j.eval(a.Value, scope{in, l}), l)
				}
			}
		}
		return j.sums(r, op.Pos(), "evaluate", nil, func(l *leg) { l.others = little })
	}
	for i, a := range call.Args {
		if i == 0 && call.Func != "bag_unpack" {
			j.list(a.Value, scope{names: in})
			continue
		}
		for _, l := range r.legs {
			j.bordered(j.eval(a.Value, scope{in, l}))
		}
	}
	for _, a := range call.Args {
		if v := j.eval(a.Value, scope{names: in}); j.append() && v.text != nil && *v.text == "replace_source" {
			j.refuse(op.Pos(), "replace_source puts what a bag holds in place of a column, be it the time: use keep_source, or give the new columns a prefix")
		}
	}
	return r.each(func(l *leg) { l.others = max(l.others, little) })
}
