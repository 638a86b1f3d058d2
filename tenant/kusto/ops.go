package kusto

import (
	"cmp"
	"slices"
	"strings"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

func (e *env) where(rel *Relation, s syntax.Operator) (*Relation, error) {
	x := s.Cond
	cond, err := e.expr(x, rel)
	if err != nil {
		return nil, err
	}
	if cond.kind != data.KindBool {
		return nil, semanticError("where operator: a bool is expected, not %s", cond.kind)
	}
	if cond.konst != nil && cond.konst.Truth() {
		return rel, nil
	}
	if rel.source != nil {
		what, err := e.known(rel, x)
		if err != nil {
			return nil, err
		}
		return rel.narrowed(cond, what), nil
	}
	inner := rel.scan
	return rel.over(func(yield func(*Row) bool) {
		inner(func(r *Row) bool { return !cond.eval(r).Truth() || yield(r) })
	}), nil
}

func take(rel *Relation, n int) *Relation {
	inner := rel.scan
	return rel.over(func(yield func(*Row) bool) {
		left := n
		if left == 0 {
			return
		}
		inner(func(r *Row) bool {
			left--
			return yield(r) && left > 0
		})
	})
}

func (e *env) extend(rel *Relation, s syntax.Operator) (*Relation, error) {
	names := naming{reserved: rel.columns}
	if err := e.name(&names, rel, s.Cols); err != nil {
		return nil, err
	}
	return rel.with(extended(rel.columns, names.out)), nil
}

// extended is columns with others added, or put in the place of those of their name.
func extended(columns, added []relColumn) []relColumn {
	cols := slices.Clone(columns)
	for _, a := range added {
		i := slices.IndexFunc(cols, func(c relColumn) bool { return c.name == a.name })
		if i >= 0 {
			cols[i] = a
			continue
		}
		cols = append(cols, a)
	}
	return cols
}

func (e *env) rename(rel *Relation, s syntax.Operator) (*Relation, error) {
	cols := slices.Clone(rel.columns)
	for _, c := range s.Cols {
		old := columnOf(c.X, rel)
		i := slices.IndexFunc(rel.columns, func(c relColumn) bool { return c.name == old })
		if i < 0 || c.Name == "" {
			return nil, semanticError("project-rename: 'New = Old' is expected, and Old must be a column")
		}
		if hasColumn(cols, c.Name) {
			return nil, semanticError("A column with the name '%s' is already declared", c.Name)
		}
		cols[i].name = c.Name
	}
	return rel.with(cols), nil
}

// pick leaves the columns that fit patterns, in their order, or those that fit none; reorder
// puts the ones before the others, as the patterns stand.
func pick(rel *Relation, s syntax.Operator) (*Relation, error) {
	fits := func(pattern string) (out []relColumn) {
		for _, c := range rel.columns {
			if like(pattern, c.name) {
				out = append(out, c)
			}
		}
		return out
	}
	var picked []relColumn
	for _, pattern := range s.Names {
		found := fits(pattern)
		if len(found) == 0 && !strings.Contains(pattern, "*") {
			return nil, unresolved(pattern)
		}
		for _, c := range found {
			if !hasColumn(picked, c.name) {
				picked = append(picked, c)
			}
		}
	}
	var in, out []relColumn
	for _, c := range rel.columns {
		if hasColumn(picked, c.name) {
			in = append(in, c)
		} else {
			out = append(out, c)
		}
	}
	switch s.Name {
	case "project-away":
		return rel.with(out), nil
	case "project-keep":
		return rel.with(in), nil
	default:
		return rel.with(append(picked, out...)), nil
	}
}

// like matches a name with a pattern in which * stands for anything.
func like(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return true
}

func getschema(rel *Relation) *Relation {
	var rows [][]data.Value
	for i, c := range rel.columns {
		k := c.expr.kind
		rows = append(rows, []data.Value{data.String(c.name), data.Int(int64(i)), data.String(k.NET()), data.String(k.String())})
	}
	return rowsRelation([]data.Column{
		{Name: "ColumnName", Kind: data.KindString},
		{Name: "ColumnOrdinal", Kind: data.KindInt},
		{Name: "DataType", Kind: data.KindString},
		{Name: "ColumnType", Kind: data.KindString},
	}, rows)
}

// sort orders by keys; what is equal stays in the order it came, which is none.
func (e *env) sort(rel *Relation, s syntax.Operator) (*Relation, error) {
	by := s.Order
	keys := make([]*expr, len(by))
	for i, o := range by {
		x, err := e.expr(o.X, rel)
		if err != nil {
			return nil, err
		}
		if keys[i] = x; x.kind == data.KindDynamic && s.Name != "top" {
			return nil, semanticError("sort operator: the key is of a 'dynamic' type. Please use an explicit cast")
		}
	}
	type keyed struct {
		r    *Row
		keys []data.Value
	}
	inner := rel.scan
	out := rel.over(func(yield func(*Row) bool) {
		var all []keyed
		inner(func(r *Row) bool {
			k := keyed{r: r.keep(), keys: make([]data.Value, len(keys))}
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

func orderOf(a, b data.Value, o syntax.Ordering) int {
	if a.Kind == data.KindNull || b.Kind == data.KindNull {
		if a.Kind == b.Kind {
			return 0
		}
		if (a.Kind == data.KindNull) == o.NullsFirst {
			return -1
		}
		return 1
	}
	c, _ := data.Compare(a, b)
	if o.Asc {
		return c
	}
	return -c
}

// union puts legs below each other. A name that the legs give different types
// becomes a column for each, with the type behind the name.
func (e *env) union(first *Relation, s syntax.Operator) (*Relation, error) {
	legs, names, err := e.legs(first, s)
	if err != nil {
		return nil, err
	}
	out := &Relation{scan: func(yield func(*Row) bool) {
		var r Row
		for i, leg := range legs {
			r.leg = i
			going := true
			leg.scan(func(inner *Row) bool {
				r.inner = inner
				going = yield(&r)
				return going
			})
			if !going {
				return
			}
		}
	}}
	out.origin = func(r *Row) (*data.Table, int64) {
		if of := legs[r.leg].origin; of != nil {
			return of(r.inner)
		}
		return nil, 0
	}
	if source := cmp.Or(s.Options["withsource"], s.Options["with_source"]); source != "" {
		out.columns = append(out.columns, relColumn{
			name: source,
			expr: &expr{kind: data.KindString, eval: func(r *Row) data.Value { return data.String(names[r.leg]) }},
		})
	}
	common, err := unionColumns(legs, s.Options["kind"])
	out.columns = append(out.columns, common...)
	return out, err
}

// legs compiles the legs of a union and tells what withsource calls them.
func (e *env) legs(first *Relation, s syntax.Operator) (legs []*Relation, names []string, err error) {
	if first != nil {
		legs, names = append(legs, first), append(names, "union_arg0")
	}
	add := func(x syntax.Node) error {
		rel, err := e.rowsOf(e.thing(x))
		if err != nil {
			if _, table := x.(syntax.Ref); table && s.Options["isfuzzy"] == "true" {
				return nil // a table that is not there is no leg
			}
			return err
		}
		name := "union_arg" + data.Long(int64(len(legs))).String()
		if ref, ok := x.(syntax.Ref); ok {
			name = ref.Name
		}
		legs, names = append(legs, rel), append(names, name)
		return nil
	}
	for _, leg := range s.Legs {
		all := []syntax.Node{leg}
		if wild, ok := leg.(syntax.Wild); ok {
			all = e.like(wild)
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
func (e *env) like(n syntax.Wild) []syntax.Node {
	var out []syntax.Node
	for _, name := range e.tables.Names() {
		if like(n.Pattern, name) {
			out = append(out, syntax.Ref{Pos: n.Pos, Name: name})
		}
	}
	return out
}

// unionColumns is the columns of any leg, or with kind inner those of every leg.
func unionColumns(legs []*Relation, which string) ([]relColumn, error) {
	if which != "" && which != "outer" && which != "inner" {
		return nil, semanticError("union operator: '%s' is not a kind; inner and outer are", which)
	}
	types, in := map[string][]data.Kind{}, map[string]int{}
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
				exposed = name + "_" + k.String()
			}
			out = append(out, relColumn{name: exposed, expr: unionExpr(legs, name, k)})
		}
	}
	return out, nil
}

func unionExpr(legs []*Relation, name string, k data.Kind) *expr {
	missing := data.Convert(data.Value{}, k)
	from := make([]*expr, len(legs))
	for i, leg := range legs {
		if x, ok := leg.find(name); ok && x.kind == k {
			from[i] = x
		}
	}
	return &expr{kind: k, eval: func(r *Row) data.Value {
		if from[r.leg] == nil {
			return missing
		}
		return from[r.leg].eval(r.inner)
	}}
}
