package kusto

import (
	"cmp"
	"math"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// axis is the steps of a series; each begins at from and a whole number of steps.
type axis struct {
	x          *expr
	from, step int64
	n          int
}

func (e *env) axis(rel *Relation, s syntax.Operator) (*axis, error) {
	x, err := e.expr(s.Order[0].X, rel)
	if err != nil {
		return nil, err
	}
	var at [3]int64
	for i, b := range s.Bounds {
		c, err := e.expr(b, nil)
		if err != nil {
			return nil, err
		}
		want := x.kind
		if want == data.KindDatetime && i == 2 {
			want = data.KindTimespan
		}
		if want == data.KindInt {
			want = data.KindLong
		}
		if c.konst == nil || c.kind != want || want != data.KindLong && want != data.KindDatetime && want != data.KindTimespan {
			return nil, semanticError("make-series operator: an axis of type long, datetime or timespan is expected, and from, to and step to be constants that go with it")
		}
		at[i] = c.konst.Int
	}
	from, to, step := at[0], at[1], at[2]
	if step <= 0 || to < from || to-from < 0 || (to-from)/step >= maxElements {
		return nil, semanticError("make-series operator: from, to and step must give at most %d steps", maxElements)
	}
	return &axis{x: x, from: from, step: step, n: int(math.Ceil(float64(to-from) / float64(step)))}, nil
}

// place is the step that a row is of; false where that is none.
func (a *axis) place(r *Row) (int, bool) {
	v := a.x.eval(r)
	if v.Kind == data.KindNull || v.Int < a.from {
		return 0, false
	}
	at := (v.Int - a.from) / a.step
	return int(at), at < int64(a.n)
}

// values is the beginnings of the steps.
func (a *axis) values() data.Value {
	k := a.x.kind
	return a.list(func(i int) data.Value { return data.Value{Kind: k, Int: a.from + int64(i)*a.step} })
}

func (a *axis) list(at func(i int) data.Value) data.Value {
	b := []byte{'['}
	for i := range a.n {
		if i > 0 {
			b = append(b, ',')
		}
		b = data.AppendElement(b, at(i))
	}
	return data.Dynamic(string(append(b, ']')))
}

// series is what an aggregate is over the steps of a group.
type series struct {
	of        agg
	otherwise data.Value
}

func (e *env) makeSeries(rel *Relation, s syntax.Operator) (*Relation, error) {
	var names naming
	by, err := e.grouping(&names, rel, s.By)
	if err != nil {
		return nil, err
	}
	for i := range by {
		names.out[i].expr = keptCell(by[i].expr.kind, i)
	}
	along, err := e.axis(rel, s)
	if err != nil {
		return nil, err
	}
	var all []series
	for i, c := range s.Cols {
		one, err := e.series(rel, c, s.Values[i])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if err := names.column(c, nil, keptCell(data.KindDynamic, len(names.out))); err != nil {
			return nil, err
		}
	}
	if err := names.add(cmp.Or(s.Names[0], autoName(s.Order[0].X)), givenName, keptCell(data.KindDynamic, len(names.out))); err != nil {
		return nil, err
	}
	return &Relation{columns: names.out, scan: func(yield func(*Row) bool) {
		steps := along.values()
		for _, g := range along.groups(rel, by, all) {
			r := Row{vals: g.keys}
			for i, s := range all {
				r.vals = append(r.vals, along.list(func(at int) data.Value {
					if sum := g.steps[at]; sum != nil {
						return sum[i].results(nil)[0]
					}
					return s.otherwise
				}))
			}
			r.vals = append(r.vals, steps)
			if !yield(&r) {
				return
			}
		}
	}}, nil
}

func (e *env) series(rel *Relation, c syntax.Named, otherwise syntax.Node) (series, error) {
	call, ok := c.X.(syntax.Call)
	if !ok || !isAggregate(call.Name) {
		return series{}, semanticError("make-series operator: an aggregate function is expected")
	}
	of, err := e.agg(rel, call, nil)
	if err != nil {
		return series{}, err
	}
	k := of.columns[0].expr.kind
	if len(of.columns) > 1 || len(c.More) > 0 || !k.Numeric() {
		return series{}, semanticError("make-series operator: %s() does not answer one number", call.Name)
	}
	out := series{of: of, otherwise: data.Convert(data.Long(0), k)}
	if otherwise == nil {
		return out, nil
	}
	x, err := e.expr(otherwise, nil)
	if err == nil && (x.konst == nil || !x.kind.Numeric() || x.kind > k) {
		err = semanticError("make-series operator: a default of type %s is expected", k)
	}
	if err == nil {
		out.otherwise = data.Convert(*x.konst, k)
	}
	return out, err
}

// stepped is the rows of a group by step.
type stepped struct {
	keys  []data.Value
	steps map[int][]accumulator
}

// groups sums the rows of the axis up; a group has one at least.
func (a *axis) groups(rel *Relation, by []relColumn, all []series) []*stepped {
	index := map[string]*stepped{}
	var order []*stepped
	rel.scan(func(r *Row) bool {
		at, ok := a.place(r)
		if !ok {
			return true
		}
		var key []byte
		keys := make([]data.Value, len(by))
		for i := range by {
			keys[i] = by[i].expr.eval(r)
			key = appendKey(key, keys[i])
		}
		g := index[string(key)]
		if g == nil {
			g = &stepped{keys: keys, steps: map[int][]accumulator{}}
			index[string(key)] = g
			order = append(order, g)
		}
		if g.steps[at] == nil {
			for _, s := range all {
				g.steps[at] = append(g.steps[at], s.of.start())
			}
		}
		for _, sum := range g.steps[at] {
			sum.add(r)
		}
		return true
	})
	return order
}

// window is the rows around the row at hand, in their order: where row_number(),
// prev() and their like look. Each row holds its place in id, and what it was in inner.
type window struct {
	rel   *Relation
	rows  []*Row
	scans int
}

var rowFunctions = map[string]bool{"row_number": true, "prev": true, "next": true, "row_cumsum": true}

// windowFor makes the window of an operator that looks around, nil for any other.
func (r *Relation) windowFor(s syntax.Operator) *window {
	looks := calls(s.Cond)
	for _, c := range s.Cols {
		looks = looks || calls(c.X)
	}
	if !looks || !r.serialized && s.Name != "serialize" || s.Name == "invoke" {
		return nil
	}
	w := &window{}
	w.rel = r.over(func(yield func(*Row) bool) {
		w.rows = nil
		w.scans++
		r.scan(func(in *Row) bool {
			w.rows = append(w.rows, &Row{inner: in.keep(), id: len(w.rows)})
			return true
		})
		for _, at := range w.rows {
			if !yield(at) {
				return
			}
		}
	})
	w.rel.columns = nil
	for _, c := range r.columns {
		of := c.expr
		w.rel.columns = append(w.rel.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *Row) data.Value { return of.eval(r.inner) }}})
	}
	w.rel.inside(r)
	w.rel.serialized = true
	return w
}

// calls says whether an expression calls a row function.
func calls(x syntax.Node) bool {
	switch n := x.(type) {
	case syntax.Call:
		for _, a := range n.Args {
			if calls(a) {
				return true
			}
		}
		return rowFunctions[n.Name]
	case syntax.Arg:
		return calls(n.X)
	case syntax.Op:
		for _, a := range n.Args {
			if calls(a) {
				return true
			}
		}
		return calls(n.Left)
	case syntax.Path:
		return calls(n.X)
	}
	return false
}

func (e *env) rowFunction(n syntax.Call, rel *Relation) (*expr, error) {
	w := e.window
	if w == nil {
		return nil, semanticError("Function '%s' cannot be invoked in current context: the row set must be serialized", n.Name)
	}
	var args []*expr
	for _, a := range n.Args {
		x, err := e.expr(a, rel)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	switch {
	case (n.Name == "prev" || n.Name == "next") && len(args) >= 1 && len(args) <= 3:
		return neighbour(w, n.Name, args)
	case n.Name == "row_number" && len(args) <= 2:
		start := constant(data.KindLong, data.Long(1))
		if len(args) > 0 {
			start = args[0]
		}
		return w.running(data.KindLong, func(sum data.Value, restart bool, r *Row) data.Value {
			if restart || sum.Kind == data.KindNull {
				return start.eval(r)
			}
			return data.Long(sum.Int + 1)
		}, args[min(1, len(args)):]), nil
	case n.Name == "row_cumsum" && len(args) >= 1 && len(args) <= 2:
		k := args[0].kind
		return w.running(k, func(sum data.Value, restart bool, r *Row) data.Value {
			v := args[0].eval(r)
			switch {
			case v.Kind == data.KindNull && !restart:
				return sum
			case restart || sum.Kind == data.KindNull:
				return v
			}
			return compute("+", k, sum, v)
		}, args[1:]), nil
	}
	return nil, semanticError("%s(): %d arguments are not what it takes", n.Name, len(args))
}

func neighbour(w *window, name string, args []*expr) (*expr, error) {
	off := int64(1)
	if len(args) > 1 {
		if args[1].konst == nil {
			return nil, semanticError("%s(): the offset must be a constant", name)
		}
		off = args[1].konst.Int
	}
	if name == "prev" {
		off = -off
	}
	k := args[0].kind
	none := constant(k, data.Convert(data.Value{}, k))
	if len(args) > 2 {
		none = args[2]
	}
	return &expr{kind: k, eval: func(r *Row) data.Value {
		if i := int64(r.id) + off; i >= 0 && i < int64(len(w.rows)) {
			return args[0].eval(w.rows[i])
		}
		return none.eval(r)
	}}, nil
}

// running is a value that each row makes of that of the row before.
func (w *window) running(k data.Kind, next func(sum data.Value, restart bool, r *Row) data.Value, restart []*expr) *expr {
	var sums []data.Value
	scan := -1
	return &expr{kind: k, eval: func(r *Row) data.Value {
		if scan != w.scans {
			scan, sums = w.scans, make([]data.Value, len(w.rows))
			sum := data.Value{}
			for i, at := range w.rows {
				sum = next(sum, len(restart) > 0 && restart[0].eval(at).Truth(), at)
				sums[i] = sum
			}
		}
		return sums[r.id]
	}}
}

func (e *env) serialize(rel *Relation, s syntax.Operator) (*Relation, error) {
	out, err := e.extend(rel, s)
	if err != nil {
		return nil, err
	}
	out.serialized = true
	return out, nil
}
