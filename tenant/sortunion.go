package tenant

import (
	"maps"
	"slices"
)

// sort orders by keys; what is equal stays in the order it came, which is none.
func (e *env) sort(rel *relation, s operator) (*relation, error) {
	by := s.order
	keys := make([]*expr, len(by))
	for i, o := range by {
		x, err := e.expr(o.x, rel)
		if err != nil {
			return nil, err
		}
		if keys[i] = x; x.kind == kDynamic && s.name != "top" {
			return nil, semanticError("sort operator: the key is of a 'dynamic' type. Please use an explicit cast")
		}
	}
	type keyed struct {
		r    *row
		keys []value
	}
	inner := rel.scan
	out := rel.over(func(yield func(*row) bool) {
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
	})
	out.serialized = true
	return out, nil
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
	legs, names, err := e.legs(first, s)
	if err != nil {
		return nil, err
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
	if source := either(s.options["withsource"], s.options["with_source"]); source != "" {
		out.columns = append(out.columns, relColumn{
			name: source,
			expr: &expr{kind: kString, eval: func(r *row) value { return vString(names[r.leg]) }},
		})
	}
	common, err := unionColumns(legs, s.options["kind"])
	out.columns = append(out.columns, common...)
	return out, err
}

// legs compiles the legs of a union and tells what withsource calls them.
func (e *env) legs(first *relation, s operator) (legs []*relation, names []string, err error) {
	if first != nil {
		legs, names = append(legs, first), append(names, "union_arg0")
	}
	add := func(x node) error {
		rel, err := e.rowsOf(e.thing(x))
		if err != nil {
			if _, table := x.(refNode); table && s.options["isfuzzy"] == "true" {
				return nil // a table that is not there is no leg
			}
			return err
		}
		name := "union_arg" + vLong(int64(len(legs))).text()
		if ref, ok := x.(refNode); ok {
			name = ref.name
		}
		legs, names = append(legs, rel), append(names, name)
		return nil
	}
	for _, leg := range s.legs {
		all := []node{leg}
		if wild, ok := leg.(wildNode); ok {
			all = e.tenant.like(wild)
		}
		for _, x := range all {
			if err := add(x); err != nil {
				return nil, nil, err
			}
		}
	}
	if len(legs) == 0 {
		return nil, nil, semanticError("union operator: none of its tables could be resolved")
	}
	return legs, names, nil
}

// like is the tables that fit a pattern, by name.
func (t *Tenant) like(n wildNode) []node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out []node
	for _, name := range slices.Sorted(maps.Keys(t.tables)) {
		if like(n.pattern, name) {
			out = append(out, refNode{pos: n.pos, name: name})
		}
	}
	return out
}

// unionColumns is the columns of any leg, or with kind inner those of every leg.
func unionColumns(legs []*relation, which string) ([]relColumn, error) {
	if which != "" && which != "outer" && which != "inner" {
		return nil, semanticError("union operator: '%s' is not a kind; inner and outer are", which)
	}
	types, in := map[string][]kind{}, map[string]int{}
	var order []string
	for _, leg := range legs {
		for _, c := range leg.columns {
			in[c.name]++
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
		if which == "inner" && in[name] < len(legs) {
			continue
		}
		if which == "inner" && len(types[name]) > 1 {
			return nil, semanticError("union operator: with kind=inner the column '%s' has several types", name)
		}
		for _, k := range types[name] {
			exposed := name
			if len(types[name]) > 1 {
				exposed = name + "_" + kinds[k].kusto
			}
			out = append(out, relColumn{name: exposed, expr: unionExpr(legs, name, k)})
		}
	}
	return out, nil
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
