package tenant

import (
	"encoding/binary"
	"strings"
)

// joinKind says which rows a join answers.
type joinKind struct {
	pairs       bool // rows that match, beside each other
	left, right bool // rows without a match
	semi, anti  bool // the left side alone: where there is a match, where there is none
	swap        bool // of the right side instead
	unique      bool // one left row of each key
}

var joinKinds = map[string]joinKind{
	"": {pairs: true, unique: true}, "innerunique": {pairs: true, unique: true}, "inner": {pairs: true},
	"leftouter": {pairs: true, left: true}, "rightouter": {pairs: true, right: true}, "fullouter": {pairs: true, left: true, right: true},
	"leftsemi": {semi: true}, "rightsemi": {semi: true, swap: true},
	"leftanti": {anti: true}, "anti": {anti: true}, "leftantisemi": {anti: true},
	"rightanti": {anti: true, swap: true}, "rightantisemi": {anti: true, swap: true},
}

// side is one side of a join and its keys.
type side struct {
	rel  *relation
	keys []*expr
}

func (e *env) join(rel *relation, s operator) (*relation, error) {
	kind, ok := joinKinds[s.options["kind"]]
	if s.name == "lookup" {
		which := either(s.options["kind"], "leftouter")
		kind, ok = joinKinds[which], which == "leftouter" || which == "inner"
	}
	if !ok {
		return nil, semanticError("%s operator: '%s' is not a kind that it has", s.name, s.options["kind"])
	}
	other, err := e.rowsOf(e.outside().thing(s.legs[0]))
	if err != nil {
		return nil, err
	}
	left, right := side{rel: rel}, side{rel: other}
	used := map[string]bool{} // keys of the right side
	for _, x := range s.on {
		if err := matchOn(x, &left, &right, used); err != nil {
			return nil, err
		}
	}
	if kind.swap {
		left, right = right, left
	}
	if !kind.pairs {
		return filtered(left, right, kind), nil
	}
	out := paired(left, right, kind)
	out.columns = outerColumns(left.rel, kind)
	for i, c := range right.rel.columns {
		if s.name == "lookup" && used[c.name] {
			continue
		}
		missing := convert(value{}, c.expr.kind)
		out.columns = append(out.columns, relColumn{name: unique(out.columns, c.name), expr: &expr{
			kind: c.expr.kind,
			eval: func(r *row) value {
				if r.vals == nil {
					return missing
				}
				return r.vals[i]
			},
		}})
	}
	// A right column whose name gets a number must not take that of one to come.
	return renumbered(out, len(left.rel.columns), right.rel, s.name == "lookup", used), nil
}

// renumbered gives the right columns their names: their own where it is free.
func renumbered(out *relation, from int, right *relation, lookup bool, used map[string]bool) *relation {
	taken := map[string]bool{}
	for _, c := range out.columns[:from] {
		taken[c.name] = true
	}
	var names []string
	for _, c := range right.columns {
		if !lookup || !used[c.name] {
			names = append(names, c.name)
		}
	}
	free := map[string]bool{}
	for i, n := range names {
		if !taken[n] {
			free[n], taken[n] = true, true
			out.columns[from+i].name = n
		}
	}
	for i, n := range names {
		if free[n] {
			continue
		}
		for k := 1; ; k++ {
			if with := n + vLong(int64(k)).text(); !taken[with] {
				taken[with] = true
				out.columns[from+i].name = with
				break
			}
		}
	}
	return out
}

// matchOn reads "A", or "$left.A == $right.B", several of them with "and".
func matchOn(x node, left, right *side, used map[string]bool) error {
	var l, r string
	switch n := x.(type) {
	case refNode:
		l, r = n.name, n.name
	case opNode:
		if n.op == "and" {
			if err := matchOn(n.l, left, right, used); err != nil {
				return err
			}
			return matchOn(n.args[0], left, right, used)
		}
		if n.op == "==" {
			l, r = keyOf(n.l, "$left"), keyOf(n.args[0], "$right")
		}
	}
	if l == "" || r == "" {
		return semanticError("join operator: a column of both sides is expected, or $left.A == $right.B")
	}
	a, ok := left.rel.find(l)
	if !ok {
		return unresolved(l)
	}
	b, ok := right.rel.find(r)
	if !ok {
		return unresolved(r)
	}
	whole := func(k kind) bool { return k == kInt || k == kLong }
	if a.kind != b.kind && (!whole(a.kind) || !whole(b.kind)) {
		return semanticError("join operator: the keys '%s' and '%s' are %s and %s", l, r, kinds[a.kind].kusto, kinds[b.kind].kusto)
	}
	if a.kind == kDynamic {
		return semanticError("join operator: the key '%s' is dynamic. Try adding explicit casts", l)
	}
	left.keys, right.keys = append(left.keys, a), append(right.keys, b)
	used[r] = true
	return nil
}

func keyOf(x node, of string) string {
	if p, ok := x.(pathNode); ok {
		if ref, ok := p.x.(refNode); ok && ref.name == of {
			return p.name
		}
	}
	return ""
}

// key writes a row's keys; false where one is null, which matches nothing.
func (s side) key(b []byte, r *row) ([]byte, bool) {
	for _, k := range s.keys {
		v := k.eval(r)
		if v.k == kNull {
			return b, false
		}
		if v.k == kGuid {
			v.s = strings.ToLower(v.s)
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(v.n))
		b = append(binary.AppendUvarint(b, uint64(len(v.s))), v.s...)
	}
	return b, true
}

// filtered keeps the left rows that have a match, or those that have none.
func filtered(left, right side, kind joinKind) *relation {
	inner := left.rel.scan
	return left.rel.over(func(yield func(*row) bool) {
		have, buf, ok := map[string]struct{}{}, []byte(nil), false
		right.rel.scan(func(r *row) bool {
			if buf, ok = right.key(buf[:0], r); ok {
				have[string(buf)] = struct{}{}
			}
			return true
		})
		inner(func(r *row) bool {
			if buf, ok = left.key(buf[:0], r); ok {
				_, ok = have[string(buf)]
			}
			return ok != kind.semi || yield(r)
		})
	})
}

// outerColumns is the left columns over rows of a join, missing where only the right side is there.
func outerColumns(left *relation, kind joinKind) []relColumn {
	var out []relColumn
	for _, c := range left.columns {
		x, missing := c.expr, convert(value{}, c.expr.kind)
		out = append(out, relColumn{name: c.name, expr: &expr{kind: x.kind, eval: func(r *row) value {
			if r.inner == nil {
				return missing
			}
			return x.eval(r.inner)
		}}})
	}
	return out
}

// match is a right row: its cells, and whether a left row met it.
type match struct {
	cells []value
	met   bool
}

// paired puts left rows, as they come, beside the right ones, which it keeps.
func paired(left, right side, kind joinKind) *relation {
	out := &relation{scan: func(yield func(*row) bool) {
		index, all := right.index()
		done := map[string]bool{}
		var r row
		var buf []byte
		going := true
		left.rel.scan(func(l *row) bool {
			r.inner, r.vals = l, nil
			key, ok := left.key(buf[:0], l)
			buf = key
			if kind.unique && ok {
				if done[string(key)] {
					return true
				}
				done[string(key)] = true
			}
			var met []*match
			if ok {
				met = index[string(key)]
			}
			for _, m := range met {
				m.met, r.vals = true, m.cells
				if going = yield(&r); !going {
					return false
				}
			}
			if len(met) == 0 && kind.left {
				going = yield(&r)
			}
			return going
		})
		r.inner = nil
		for _, m := range all {
			r.vals = m.cells
			if !going || kind.right && !m.met && !yield(&r) {
				return
			}
		}
	}}
	if of := left.rel.origin; of != nil {
		out.origin = func(r *row) (*table, int64) {
			if r.inner == nil {
				return nil, 0
			}
			return of(r.inner)
		}
	}
	return out
}

func (s side) index() (map[string][]*match, []*match) {
	index, buf := map[string][]*match{}, []byte(nil)
	var all []*match
	s.rel.scan(func(r *row) bool {
		m := &match{cells: cellsOfRow(s.rel, r)}
		all = append(all, m)
		var ok bool
		if buf, ok = s.key(buf[:0], r); ok {
			index[string(buf)] = append(index[string(buf)], m)
		}
		return true
	})
	return index, all
}

// cellsOfRow is a row's cells, never nil.
func cellsOfRow(rel *relation, r *row) []value {
	out := make([]value, len(rel.columns))
	for i, c := range rel.columns {
		out[i] = c.expr.eval(r)
	}
	return out
}
