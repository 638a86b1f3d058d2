package kusto

import (
	"encoding/binary"
	"fmt"
	"slices"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

type group struct {
	keys []data.Value
	sums []accumulator
}

// summary is the aggregates of a summarize, and the columns made of what they answer,
// over rows of the keys and then the cells of the aggregates.
type summary struct {
	env   *env
	rel   *Relation
	by    []syntax.Named
	keys  int
	aggs  []agg
	cells []relColumn // of the aggregates, under names that no query can write
}

func (e *env) summarize(rel *Relation, s syntax.Operator) (*Relation, error) {
	var names naming
	by, err := e.grouping(&names, rel, s.By)
	if err != nil {
		return nil, err
	}
	sum := &summary{env: e, rel: rel, by: s.By, keys: len(by)}
	for _, c := range s.Cols {
		if err := sum.add(&names, c); err != nil {
			return nil, err
		}
	}
	for i := range by {
		names.out[i].expr = keptCell(by[i].expr.kind, i)
	}
	return &Relation{columns: names.out, scan: func(yield func(*Row) bool) {
		groups := collect
		if countable(rel, by, sum.aggs) {
			groups = count
		}
		var r Row
		for _, g := range groups(rel, by, sum.aggs) {
			r.vals = append([]data.Value(nil), g.keys...)
			for _, s := range g.sums {
				r.vals = s.results(r.vals)
			}
			if !yield(&r) {
				return
			}
		}
	}}, nil
}

// grouping compiles what rows are grouped by.
func (e *env) grouping(names *naming, rel *Relation, by []syntax.Named) ([]relColumn, error) {
	if err := e.name(names, rel, by); err != nil {
		return nil, err
	}
	out := append([]relColumn(nil), names.out...)
	for _, c := range out {
		if c.expr.kind == data.KindDynamic {
			return nil, semanticError("Summarize group key '%s' is of a 'dynamic' type. Please use an explicit cast, as grouping by a 'dynamic' type is not supported", c.name)
		}
	}
	return out, nil
}

// add makes the columns of an aggregate, or of an expression over aggregates.
func (s *summary) add(names *naming, c syntax.Named) error {
	given := append([]string{c.Name}, c.More...)
	if call, ok := c.X.(syntax.Call); ok && isAggregate(call.Name) {
		cells, err := s.place(call)
		if err != nil {
			return err
		}
		if len(given) > len(cells) {
			return semanticError("summarize operator: %s() has no column for '%s'", call.Name, given[len(cells)])
		}
		for i, cell := range cells {
			name, how := s.aggs[len(s.aggs)-1].columns[i].name, derivedName
			if i < len(given) && given[i] != "" {
				name, how = given[i], givenName
			}
			if err := names.add(name, how, cell); err != nil {
				return err
			}
		}
		return nil
	}
	if len(given) > 1 {
		return semanticError("summarize operator: the expression of '%s' has one value", c.Name)
	}
	over, err := s.replaced(c.X)
	if err != nil {
		return err
	}
	x, err := s.env.expr(over, &Relation{columns: s.cells})
	if err != nil {
		return err
	}
	return names.column(c, nil, x)
}

// place compiles an aggregate and gives its cells their place.
func (s *summary) place(call syntax.Call) ([]*expr, error) {
	a, err := s.env.agg(s.rel, call, s.by)
	if err != nil {
		return nil, err
	}
	s.aggs = append(s.aggs, a)
	var out []*expr
	for _, c := range a.columns {
		x := keptCell(c.expr.kind, s.keys+len(s.cells))
		out = append(out, x)
		s.cells = append(s.cells, relColumn{name: fmt.Sprintf("\x00%d", len(s.cells)), expr: x})
	}
	return out, nil
}

// keptCell reads a cell of a row.
func keptCell(k data.Kind, i int) *expr {
	return &expr{kind: k, eval: func(r *Row) data.Value { return r.vals[i] }}
}

// replaced puts the cells of aggregates in the place of their calls.
func (s *summary) replaced(x syntax.Node) (syntax.Node, error) {
	all := func(list []syntax.Node) ([]syntax.Node, error) {
		out := make([]syntax.Node, len(list))
		for i, x := range list {
			var err error
			if out[i], err = s.replaced(x); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	var err error
	switch n := x.(type) {
	case syntax.Call:
		if isAggregate(n.Name) {
			cells, err := s.place(n)
			if err == nil && len(cells) > 1 {
				err = semanticError("summarize operator: %s() has more than one value", n.Name)
			}
			return syntax.Ref{Pos: n.Pos, Name: s.cells[max(0, len(s.cells)-1)].name}, err
		}
		n.Args, err = all(n.Args)
		return n, err
	case syntax.Op:
		if n.Args, err = all(n.Args); err == nil {
			n.Left, err = s.replaced(n.Left)
		}
		return n, err
	case syntax.Path:
		if n.Index != nil {
			n.Index, err = s.replaced(n.Index)
		}
		if err == nil {
			n.X, err = s.replaced(n.X)
		}
		return n, err
	}
	return x, nil
}

// collect groups the rows; without keys there is one group, even of no rows.
func collect(rel *Relation, by []relColumn, aggs []agg) []*group {
	index := map[string]*group{}
	var order []*group
	open := func(key []byte, keys []data.Value) *group {
		g := newGroup(append([]data.Value(nil), keys...), aggs)
		index[string(key)] = g
		order = append(order, g)
		return g
	}
	keys, buf := make([]data.Value, len(by)), []byte(nil)
	if len(by) == 0 {
		open(nil, nil)
	}
	rel.scan(func(r *Row) bool {
		buf = buf[:0]
		for i := range by {
			keys[i] = by[i].expr.eval(r)
			buf = appendKey(buf, keys[i])
		}
		g, ok := index[string(buf)]
		if !ok {
			g = open(buf, keys)
		}
		for _, s := range g.sums {
			s.add(r)
		}
		return true
	})
	return order
}

func newGroup(keys []data.Value, aggs []agg) *group {
	g := &group{keys: keys, sums: make([]accumulator, len(aggs))}
	for i := range aggs {
		g.sums[i] = aggs[i].start()
	}
	return g
}

// appendKey writes a value so that no two different ones are alike.
func appendKey(b []byte, v data.Value) []byte {
	b = append(b, byte(v.Kind))
	b = binary.LittleEndian.AppendUint64(b, uint64(v.Int))
	b = binary.AppendUvarint(b, uint64(len(v.Text)))
	return append(b, v.Text...)
}

// agg is a call of an aggregate function: the columns that it answers, and what begins
// the sum of a group.
type agg struct {
	name    string
	columns []relColumn
	start   func() accumulator
}

// agg compiles a call; by are the expressions that rows are grouped by.
func (e *env) agg(rel *Relation, call syntax.Call, by []syntax.Named) (agg, error) {
	if chooses(call.Name) {
		return e.chosen(rel, call, by)
	}
	fn := aggregates[call.Name]
	args := 0
	for _, has := range []bool{fn.valued, fn.when} {
		if has {
			args++
		}
	}
	if n := len(call.Args); n != args && (n != args+1 || !fn.limited) {
		return agg{}, semanticError("%s(): %d argument(s) expected, not %d", call.Name, args, n)
	}
	var of, when *expr
	var err error
	if fn.valued {
		if of, err = e.expr(call.Args[0], rel); err != nil {
			return agg{}, err
		}
	}
	if fn.when {
		if when, err = e.condition(call.Name, call.Args[args-1], rel); err != nil {
			return agg{}, err
		}
	}
	limit := maxElements
	if len(call.Args) > args {
		if limit, err = e.number(call.Args[args]); err != nil {
			return agg{}, err
		}
	}
	k := data.KindLong
	if of != nil {
		k = of.kind
	}
	out, ok := fn.kind(k)
	if !ok {
		return agg{}, semanticError("%s(): it does not take %s", call.Name, k)
	}
	return agg{
		name: call.Name, columns: []relColumn{{name: autoName(call), expr: &expr{kind: out}}},
		start: func() accumulator { return &folding{of: of, when: when, kind: out, fold: fn.fold(out, limit)} },
	}, nil
}

// maxElements is how many a list has at most.
const maxElements = 1 << 20

func (e *env) condition(of string, x syntax.Node, rel *Relation) (*expr, error) {
	c, err := e.expr(x, rel)
	if err == nil && c.kind != data.KindBool {
		err = semanticError("%s(): a bool is expected, not %s", of, c.kind)
	}
	return c, err
}

// chooses says whether a function answers cells of one row of a group.
func chooses(name string) bool {
	return slices.Contains([]string{"arg_max", "arg_min", "take_any", "any", "take_anyif"}, name)
}

func isAggregate(name string) bool {
	_, ok := aggregates[name]
	return ok || chooses(name)
}

// chosen compiles arg_max, arg_min and take_any: their columns keep their own names, and *
// is those that are not named beside it, neither here nor behind by.
func (e *env) chosen(rel *Relation, call syntax.Call, by []syntax.Named) (agg, error) {
	sign := map[string]int{"arg_max": 1, "arg_min": -1}[call.Name]
	args, when, err := call.Args, (*expr)(nil), error(nil)
	if call.Name == "take_anyif" && len(args) == 2 {
		if when, err = e.condition(call.Name, args[1], rel); err != nil {
			return agg{}, err
		}
		args = args[:1]
	} else if call.Name == "take_anyif" || len(args) == 0 {
		return agg{}, semanticError("%s(): %d arguments are not what it takes", call.Name, len(args))
	}
	out := agg{name: call.Name}
	if out.columns, err = e.chosenColumns(rel, call.Name, sign, args, by); err != nil {
		return agg{}, err
	}
	if k := out.columns[0].expr.kind; sign != 0 {
		if _, ok := orderable(k); !ok {
			return agg{}, semanticError("%s(): it does not take %s", call.Name, k)
		}
	}
	of := out.columns
	out.start = func() accumulator { return &choice{sign: sign, of: of} }
	if sign == 0 && len(args) == 1 && !isStar(args[0]) {
		one := of[0].expr
		out.start = func() accumulator { return &folding{of: one, when: when, kind: one.kind, fold: &anyFold{}} }
	}
	return out, nil
}

func (e *env) chosenColumns(rel *Relation, fn string, sign int, args []syntax.Node, by []syntax.Named) ([]relColumn, error) {
	star, done := slices.ContainsFunc(args, isStar), map[string]bool{}
	for _, b := range by {
		done[columnOf(b.X, rel)] = true
	}
	var out []relColumn
	for i, a := range args {
		if isStar(a) {
			for _, c := range rel.columns {
				if !done[c.name] {
					out = append(out, relColumn{name: chosenName(fn, sign, c.name, args, i), expr: c.expr})
				}
				done[c.name] = true
			}
			continue
		}
		given, isArg := a.(syntax.Arg)
		if isArg {
			a = given.X
		}
		of := columnOf(a, rel)
		if star && of != "" && done[of] && (i > 0 || sign == 0) {
			continue
		}
		done[of] = true
		x, err := e.expr(a, rel)
		if err != nil {
			return nil, err
		}
		name := given.Name
		if !isArg {
			name = chosenName(fn, sign, autoName(a), args, i)
		}
		out = append(out, relColumn{name: name, expr: x})
	}
	if len(out) == 0 {
		return nil, semanticError("%s(): there is no column that it could answer", fn)
	}
	return out, nil
}

// chosenName is the name of the column of the i-th argument, which by itself has that of it.
func chosenName(fn string, sign int, own string, args []syntax.Node, i int) string {
	prefix := map[int]string{1: "max_", -1: "min_"}[sign]
	switch {
	case fn == "any" && own == "" && len(args) > 1:
		return fmt.Sprintf("any_arg%d", i)
	case fn == "any":
		return "any_" + own
	case own != "":
		return own
	case sign == 0:
		return fmt.Sprintf("any_arg%d", i)
	case i == 0:
		return prefix
	default:
		return fmt.Sprintf("%s%s_arg%d", prefix, autoName(args[0]), i)
	}
}

func isStar(x syntax.Node) bool {
	ref, ok := x.(syntax.Ref)
	return ok && ref.Name == "*"
}

// columnOf is the column that an expression is, itself or converted to what it is; "" for none.
func columnOf(x syntax.Node, rel *Relation) string {
	kind := data.KindNull
	if call, ok := x.(syntax.Call); ok && len(call.Args) == 1 && slices.Contains(conversions, call.Name) {
		kind, _ = functions[call.Name].kind(nil)
		x = call.Args[0]
	}
	ref, ok := x.(syntax.Ref)
	if !ok {
		return ""
	}
	c, ok := rel.find(ref.Name)
	if !ok || kind != data.KindNull && kind != c.kind {
		return ""
	}
	return ref.Name
}
