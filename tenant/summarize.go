package tenant

import (
	"encoding/binary"
	"fmt"
)

var aggregates = map[string]int{
	"count": 0, "countif": 1, "min": 1, "max": 1, "sum": 1, "avg": 1, "dcount": 1,
	"take_any": 1, "any": 1,
}

func aggregate(name string) bool {
	_, ok := aggregates[name]
	return ok
}

// agg is an aggregate function over one argument.
type agg struct {
	name string
	arg  *expr
	kind kind
}

// state is what an aggregate knows of a group so far.
type state struct {
	n    int64
	sum  float64
	isum int64
	best value
	seen map[string]struct{}
}

func (e *env) agg(rel *relation, x node) (agg, error) {
	call, ok := x.(callNode)
	want, known := aggregates[call.name]
	if !ok || !known {
		return agg{}, semanticError("summarize operator: an aggregate function is expected")
	}
	if len(call.args) != want {
		return agg{}, semanticError("%s(): %d argument(s) expected, not %d", call.name, want, len(call.args))
	}
	a := agg{name: call.name, kind: kLong}
	if want == 0 {
		return a, nil
	}
	var err error
	if a.arg, err = e.expr(call.args[0], rel); err != nil {
		return a, err
	}
	switch call.name {
	case "min", "max", "take_any", "any", "sum":
		a.kind = a.arg.kind
		if call.name == "sum" && a.kind == kInt {
			a.kind = kLong
		}
	case "avg":
		a.kind = kReal
	}
	return a, nil
}

func (a agg) add(s *state, r *row) {
	if a.arg == nil {
		s.n++
		return
	}
	v := a.arg.eval(r)
	if v.k == kNull || a.name == "countif" && !v.truth() {
		return
	}
	s.n++
	switch a.name {
	case "min", "max":
		if c, ok := compare(v, s.best); !ok || c < 0 == (a.name == "min") {
			s.best = v
		}
	case "take_any", "any":
		if s.n == 1 {
			s.best = v
		}
	case "sum", "avg":
		s.sum += v.real()
		s.isum += v.n
	case "dcount":
		if s.seen == nil {
			s.seen = map[string]struct{}{}
		}
		s.seen[v.text()] = struct{}{}
	}
}

func (a agg) result(s *state) value {
	switch a.name {
	case "min", "max", "take_any", "any":
		return convert(s.best, a.kind)
	case "sum":
		if a.kind == kReal {
			return vReal(s.sum)
		}
		return value{k: a.kind, n: s.isum}
	case "avg":
		if s.n == 0 {
			return vReal(nan)
		}
		return vReal(s.sum / float64(s.n))
	case "dcount":
		return vLong(int64(len(s.seen)))
	default:
		return vLong(s.n)
	}
}

type group struct {
	keys   []value
	states []state
}

func (e *env) summarize(rel *relation, s operator) (*relation, error) {
	by, err := e.columns(rel, s.by, "Column")
	if err != nil {
		return nil, err
	}
	var out []relColumn
	for i := range by {
		out = append(out, relColumn{name: unique(out, by[i].name), expr: by[i].expr})
	}
	var aggs []agg
	for i, c := range s.cols {
		a, err := e.agg(rel, c.x)
		if err != nil {
			return nil, err
		}
		aggs = append(aggs, a)
		name := c.name
		if name == "" {
			name = autoName(c.x)
		}
		if name == "" {
			name = fmt.Sprintf("Column%d", i+1)
		}
		out = append(out, relColumn{name: unique(out, name), expr: &expr{kind: a.kind}})
	}
	columns := make([]column, len(out))
	for i, c := range out {
		columns[i] = column{name: c.name, kind: c.expr.kind}
	}
	result := rowsRelation(columns, nil)
	groups := func() []*group { return collect(rel.scan, by, aggs) }
	if countable(rel, by, aggs) {
		groups = func() []*group { return count(rel.source, by, aggs) }
	}
	result.scan = func(yield func(*row) bool) {
		var r row
		for _, g := range groups() {
			r.vals = append([]value(nil), g.keys...)
			for i := range aggs {
				r.vals = append(r.vals, aggs[i].result(&g.states[i]))
			}
			if !yield(&r) {
				return
			}
		}
	}
	return result, nil
}

// collect groups the rows; without keys there is one group, even of no rows.
func collect(scan func(func(*row) bool), by []relColumn, aggs []agg) []*group {
	index := map[string]*group{}
	var order []*group
	open := func(key []byte, keys []value) *group {
		g := &group{keys: append([]value(nil), keys...), states: make([]state, len(aggs))}
		index[string(key)] = g
		order = append(order, g)
		return g
	}
	keys, buf := make([]value, len(by)), []byte(nil)
	if len(by) == 0 {
		open(nil, nil)
	}
	scan(func(r *row) bool {
		buf = buf[:0]
		for i := range by {
			keys[i] = by[i].expr.eval(r)
			buf = appendKey(buf, keys[i])
		}
		g, ok := index[string(buf)]
		if !ok {
			g = open(buf, keys)
		}
		for i := range aggs {
			aggs[i].add(&g.states[i], r)
		}
		return true
	})
	return order
}

// appendKey writes a value so that no two different ones are alike.
func appendKey(b []byte, v value) []byte {
	b = append(b, byte(v.k))
	b = binary.LittleEndian.AppendUint64(b, uint64(v.n))
	b = binary.AppendUvarint(b, uint64(len(v.s)))
	return append(b, v.s...)
}
