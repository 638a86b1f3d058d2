package kusto

import (
	"cmp"
	"encoding/binary"
	"strings"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
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
	rel  *Relation
	keys []*expr
}

func (e *env) join(rel *Relation, s syntax.Operator) (*Relation, error) {
	kind, ok := joinKinds[s.Options["kind"]]
	if s.Name == "lookup" {
		which := cmp.Or(s.Options["kind"], "leftouter")
		kind, ok = joinKinds[which], which == "leftouter" || which == "inner"
	}
	if !ok {
		return nil, semanticError("%s operator: '%s' is not a kind that it has", s.Name, s.Options["kind"])
	}
	other, err := e.rowsOf(e.outside().thing(s.Legs[0]))
	if err != nil {
		return nil, err
	}
	left, right := side{rel: rel}, side{rel: other}
	used := map[string]bool{} // keys of the right side
	for _, x := range s.On {
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
		if s.Name == "lookup" && used[c.name] {
			continue
		}
		missing := data.Convert(data.Value{}, c.expr.kind)
		out.columns = append(out.columns, relColumn{name: unique(out.columns, c.name), expr: &expr{
			kind: c.expr.kind,
			eval: func(r *Row) data.Value {
				if r.vals == nil {
					return missing
				}
				return r.vals[i]
			},
		}})
	}
	// A right column whose name gets a number must not take that of one to come.
	return renumbered(out, len(left.rel.columns), right.rel, s.Name == "lookup", used), nil
}

// renumbered gives the right columns their names: their own where it is free.
func renumbered(out *Relation, from int, right *Relation, lookup bool, used map[string]bool) *Relation {
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
			if with := n + data.Long(int64(k)).String(); !taken[with] {
				taken[with] = true
				out.columns[from+i].name = with
				break
			}
		}
	}
	return out
}

// matchOn reads "A", or "$left.A == $right.B", several of them with "and".
func matchOn(x syntax.Node, left, right *side, used map[string]bool) error {
	var l, r string
	switch n := x.(type) {
	case syntax.Ref:
		l, r = n.Name, n.Name
	case syntax.Op:
		if n.Op == "and" {
			if err := matchOn(n.Left, left, right, used); err != nil {
				return err
			}
			return matchOn(n.Args[0], left, right, used)
		}
		if n.Op == "==" {
			l, r = keyOf(n.Left, "$left"), keyOf(n.Args[0], "$right")
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
	whole := func(k data.Kind) bool { return k == data.KindInt || k == data.KindLong }
	if a.kind != b.kind && (!whole(a.kind) || !whole(b.kind)) {
		return semanticError("join operator: the keys '%s' and '%s' are %s and %s", l, r, a.kind, b.kind)
	}
	if a.kind == data.KindDynamic {
		return semanticError("join operator: the key '%s' is dynamic. Try adding explicit casts", l)
	}
	left.keys, right.keys = append(left.keys, a), append(right.keys, b)
	used[r] = true
	return nil
}

func keyOf(x syntax.Node, of string) string {
	if p, ok := x.(syntax.Path); ok {
		if ref, ok := p.X.(syntax.Ref); ok && ref.Name == of {
			return p.Name
		}
	}
	return ""
}

// key writes a row's keys; false where one is null, which matches nothing.
func (s side) key(b []byte, r *Row) ([]byte, bool) {
	for _, k := range s.keys {
		v := k.eval(r)
		if v.Kind == data.KindNull {
			return b, false
		}
		if v.Kind == data.KindGuid {
			v.Text = strings.ToLower(v.Text)
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(v.Int))
		b = append(binary.AppendUvarint(b, uint64(len(v.Text))), v.Text...)
	}
	return b, true
}

// filtered keeps the left rows that have a match, or those that have none.
func filtered(left, right side, kind joinKind) *Relation {
	inner := left.rel.scan
	return left.rel.over(func(yield func(*Row) bool) {
		have, buf, ok := map[string]struct{}{}, []byte(nil), false
		right.rel.scan(func(r *Row) bool {
			if buf, ok = right.key(buf[:0], r); ok {
				have[string(buf)] = struct{}{}
			}
			return true
		})
		inner(func(r *Row) bool {
			if buf, ok = left.key(buf[:0], r); ok {
				_, ok = have[string(buf)]
			}
			return ok != kind.semi || yield(r)
		})
	})
}

// outerColumns is the left columns over rows of a join, missing where only the right side is there.
func outerColumns(left *Relation, kind joinKind) []relColumn {
	var out []relColumn
	for _, c := range left.columns {
		x, missing := c.expr, data.Convert(data.Value{}, c.expr.kind)
		out = append(out, relColumn{name: c.name, expr: &expr{kind: x.kind, eval: func(r *Row) data.Value {
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
	cells []data.Value
	met   bool
}

// paired puts left rows, as they come, beside the right ones, which it keeps.
func paired(left, right side, kind joinKind) *Relation {
	out := &Relation{scan: func(yield func(*Row) bool) {
		index, all := right.index()
		done := map[string]bool{}
		var r Row
		var buf []byte
		going := true
		left.rel.scan(func(l *Row) bool {
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
		out.origin = func(r *Row) (*data.Table, int64) {
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
	s.rel.scan(func(r *Row) bool {
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
func cellsOfRow(rel *Relation, r *Row) []data.Value {
	out := make([]data.Value, len(rel.columns))
	for i, c := range rel.columns {
		out[i] = c.expr.eval(r)
	}
	return out
}
