package tenant

import (
	"slices"
)

// sort orders by keys; what is equal stays in the order it came, which is none.
func (e *env) sort(rel *relation, by []ordering) (*relation, error) {
	keys := make([]*expr, len(by))
	for i, o := range by {
		x, err := e.expr(o.x, rel)
		if err != nil {
			return nil, err
		}
		keys[i] = x
	}
	type keyed struct {
		r    *row
		keys []value
	}
	inner := rel.scan
	return rel.over(func(yield func(*row) bool) {
		var all []keyed
		inner(func(r *row) bool {
			k := keyed{r: r.keep(), keys: make([]value, len(keys))}
			for i, x := range keys {
				k.keys[i] = x.eval(r)
			}
			all = append(all, k)
			return true
		})
		slices.SortStableFunc(all, func(a, b keyed) int {
			for i, o := range by {
				if c := orderOf(a.keys[i], b.keys[i], o); c != 0 {
					return c
				}
			}
			return 0
		})
		for _, k := range all {
			if !yield(k.r) {
				return
			}
		}
	}), nil
}

func orderOf(a, b value, o ordering) int {
	if a.k == kNull || b.k == kNull {
		if a.k == b.k {
			return 0
		}
		if (a.k == kNull) == o.nullsFirst {
			return -1
		}
		return 1
	}
	c, _ := compare(a, b)
	if o.asc {
		return c
	}
	return -c
}

// union puts legs below each other. A name that the legs give different types
// becomes a column for each, with the type behind the name.
func (e *env) union(first *relation, s operator) (*relation, error) {
	var legs []*relation
	var names []string
	if first != nil {
		legs, names = append(legs, first), append(names, "union_arg0")
	}
	for _, leg := range s.union {
		rel, err := e.pipeline(leg)
		if err != nil {
			return nil, err
		}
		name := leg.table
		if name == "" {
			name = "union_arg" + vLong(int64(len(legs))).text()
		}
		legs, names = append(legs, rel), append(names, name)
	}
	out := &relation{scan: func(yield func(*row) bool) {
		var r row
		for i, leg := range legs {
			r.leg = i
			going := true
			leg.scan(func(inner *row) bool {
				r.inner = inner
				going = yield(&r)
				return going
			})
			if !going {
				return
			}
		}
	}}
	out.origin = func(r *row) (*table, int64) {
		if of := legs[r.leg].origin; of != nil {
			return of(r.inner)
		}
		return nil, 0
	}
	if len(s.names) > 0 {
		out.columns = append(out.columns, relColumn{
			name: s.names[0],
			expr: &expr{kind: kString, eval: func(r *row) value { return vString(names[r.leg]) }},
		})
	}
	out.columns = append(out.columns, unionColumns(legs)...)
	return out, nil
}

func unionColumns(legs []*relation) []relColumn {
	types := map[string][]kind{}
	var order []string
	for _, leg := range legs {
		for _, c := range leg.columns {
			if _, ok := types[c.name]; !ok {
				order = append(order, c.name)
			}
			if !slices.Contains(types[c.name], c.expr.kind) {
				types[c.name] = append(types[c.name], c.expr.kind)
			}
		}
	}
	var out []relColumn
	for _, name := range order {
		for _, k := range types[name] {
			exposed := name
			if len(types[name]) > 1 {
				exposed = name + "_" + kinds[k].kusto
			}
			out = append(out, relColumn{name: exposed, expr: unionExpr(legs, name, k)})
		}
	}
	return out
}

func unionExpr(legs []*relation, name string, k kind) *expr {
	missing := convert(value{}, k)
	from := make([]*expr, len(legs))
	for i, leg := range legs {
		if x, ok := leg.find(name); ok && x.kind == k {
			from[i] = x
		}
	}
	return &expr{kind: k, eval: func(r *row) value {
		if from[r.leg] == nil {
			return missing
		}
		return from[r.leg].eval(r.inner)
	}}
}
