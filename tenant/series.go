package tenant

import "math"

// series reads "make-series [N =] f() [default = d], … on T from a to b step s [by …]".
func (p *parser) series(out *operator) (err error) {
	p.options(out)
	for {
		c, err := p.column()
		if err != nil {
			return err
		}
		var otherwise node
		if p.acceptName("default") {
			if err := p.expect("="); err != nil {
				return err
			}
			if otherwise, err = p.expr(); err != nil {
				return err
			}
		}
		out.cols, out.values = append(out.cols, c), append(out.values, otherwise)
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
	out.order = []ordering{{x: axis.x}}
	out.names = []string{either(axis.name, autoName(axis.x))}
	if err := p.bounds(out); err != nil {
		return err
	}
	if p.acceptName("by") {
		out.by, err = p.columns()
	}
	return err
}

// axis is the steps of a series; each begins at from and a whole number of steps.
type axis struct {
	x          *expr
	from, step int64
	n          int
}

func (e *env) axis(rel *relation, s operator) (*axis, error) {
	x, err := e.expr(s.order[0].x, rel)
	if err != nil {
		return nil, err
	}
	var at [3]int64
	for i, b := range s.bounds {
		c, err := e.expr(b, nil)
		if err != nil {
			return nil, err
		}
		want := x.kind
		if want == kDatetime && i == 2 {
			want = kTimespan
		}
		if want == kInt {
			want = kLong
		}
		if c.konst == nil || c.kind != want || want != kLong && want != kDatetime && want != kTimespan {
			return nil, semanticError("make-series operator: an axis of type long, datetime or timespan is expected, and from, to and step to be constants that go with it")
		}
		at[i] = c.konst.n
	}
	from, to, step := at[0], at[1], at[2]
	if step <= 0 || to < from || to-from < 0 || (to-from)/step >= maxElements {
		return nil, semanticError("make-series operator: from, to and step must give at most %d steps", maxElements)
	}
	return &axis{x: x, from: from, step: step, n: int(math.Ceil(float64(to-from) / float64(step)))}, nil
}

// place is the step that a row is of; false where that is none.
func (a *axis) place(r *row) (int, bool) {
	v := a.x.eval(r)
	if v.k == kNull || v.n < a.from {
		return 0, false
	}
	at := (v.n - a.from) / a.step
	return int(at), at < int64(a.n)
}

// values is the beginnings of the steps.
func (a *axis) values() value {
	k := a.x.kind
	return a.list(func(i int) value { return value{k: k, n: a.from + int64(i)*a.step} })
}

func (a *axis) list(at func(i int) value) value {
	b := []byte{'['}
	for i := range a.n {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendElement(b, at(i))
	}
	return vJSON(string(append(b, ']')))
}

// series is what an aggregate is over the steps of a group.
type series struct {
	of        agg
	otherwise value
}

func (e *env) makeSeries(rel *relation, s operator) (*relation, error) {
	var names naming
	by, err := e.grouping(&names, rel, s.by)
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
	for i, c := range s.cols {
		one, err := e.series(rel, c, s.values[i])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if err := names.column(c, nil, keptCell(kDynamic, len(names.out))); err != nil {
			return nil, err
		}
	}
	if err := names.add(s.names[0], givenName, keptCell(kDynamic, len(names.out))); err != nil {
		return nil, err
	}
	return &relation{columns: names.out, scan: func(yield func(*row) bool) {
		steps := along.values()
		for _, g := range along.groups(rel, by, all) {
			r := row{vals: g.keys}
			for i, s := range all {
				r.vals = append(r.vals, along.list(func(at int) value {
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

func (e *env) series(rel *relation, c named, otherwise node) (series, error) {
	call, ok := c.x.(callNode)
	if !ok || !isAggregate(call.name) {
		return series{}, semanticError("make-series operator: an aggregate function is expected")
	}
	of, err := e.agg(rel, call, nil)
	if err != nil {
		return series{}, err
	}
	k := of.columns[0].expr.kind
	if len(of.columns) > 1 || len(c.more) > 0 || !k.numeric() {
		return series{}, semanticError("make-series operator: %s() does not answer one number", call.name)
	}
	out := series{of: of, otherwise: convert(vLong(0), k)}
	if otherwise == nil {
		return out, nil
	}
	x, err := e.expr(otherwise, nil)
	if err == nil && (x.konst == nil || !x.kind.numeric() || x.kind > k) {
		err = semanticError("make-series operator: a default of type %s is expected", kinds[k].kusto)
	}
	if err == nil {
		out.otherwise = convert(*x.konst, k)
	}
	return out, err
}

// stepped is the rows of a group by step.
type stepped struct {
	keys  []value
	steps map[int][]accumulator
}

// groups sums the rows of the axis up; a group has one at least.
func (a *axis) groups(rel *relation, by []relColumn, all []series) []*stepped {
	index := map[string]*stepped{}
	var order []*stepped
	rel.scan(func(r *row) bool {
		at, ok := a.place(r)
		if !ok {
			return true
		}
		var key []byte
		keys := make([]value, len(by))
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
