package tenant

import (
	"encoding/binary"
	"fmt"
)

type group struct {
	keys []value
	sums []accumulator
}

// summary is the aggregates of a summarize, and the columns made of what they answer,
// over rows of the keys and then the cells of the aggregates.
type summary struct {
	env   *env
	rel   *relation
	by    []named
	keys  int
	aggs  []agg
	cells []relColumn // of the aggregates, under names that no query can write
}

func (e *env) summarize(rel *relation, s operator) (*relation, error) {
	var names naming
	by, err := e.grouping(&names, rel, s.by)
	if err != nil {
		return nil, err
	}
	sum := &summary{env: e, rel: rel, by: s.by, keys: len(by)}
	for _, c := range s.cols {
		if err := sum.add(&names, c); err != nil {
			return nil, err
		}
	}
	for i := range by {
		names.out[i].expr = keptCell(by[i].expr.kind, i)
	}
	return &relation{columns: names.out, scan: func(yield func(*row) bool) {
		groups := collect
		if countable(rel, by, sum.aggs) {
			groups = count
		}
		var r row
		for _, g := range groups(rel, by, sum.aggs) {
			r.vals = append([]value(nil), g.keys...)
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
func (e *env) grouping(names *naming, rel *relation, by []named) ([]relColumn, error) {
	if err := e.name(names, rel, by); err != nil {
		return nil, err
	}
	out := append([]relColumn(nil), names.out...)
	for _, c := range out {
		if c.expr.kind == kDynamic {
			return nil, semanticError("Summarize group key '%s' is of a 'dynamic' type. Please use an explicit cast, as grouping by a 'dynamic' type is not supported", c.name)
		}
	}
	return out, nil
}

// add makes the columns of an aggregate, or of an expression over aggregates.
func (s *summary) add(names *naming, c named) error {
	given := append([]string{c.name}, c.more...)
	if call, ok := c.x.(callNode); ok && isAggregate(call.name) {
		cells, err := s.place(call)
		if err != nil {
			return err
		}
		if len(given) > len(cells) {
			return semanticError("summarize operator: %s() has no column for '%s'", call.name, given[len(cells)])
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
		return semanticError("summarize operator: the expression of '%s' has one value", c.name)
	}
	over, err := s.replaced(c.x)
	if err != nil {
		return err
	}
	x, err := s.env.expr(over, &relation{columns: s.cells})
	if err != nil {
		return err
	}
	return names.column(c, nil, x)
}

// place compiles an aggregate and gives its cells their place.
func (s *summary) place(call callNode) ([]*expr, error) {
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
func keptCell(k kind, i int) *expr {
	return &expr{kind: k, eval: func(r *row) value { return r.vals[i] }}
}

// replaced puts the cells of aggregates in the place of their calls.
func (s *summary) replaced(x node) (node, error) {
	all := func(list []node) ([]node, error) {
		out := make([]node, len(list))
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
	case callNode:
		if isAggregate(n.name) {
			cells, err := s.place(n)
			if err == nil && len(cells) > 1 {
				err = semanticError("summarize operator: %s() has more than one value", n.name)
			}
			return refNode{pos: n.pos, name: s.cells[max(0, len(s.cells)-1)].name}, err
		}
		n.args, err = all(n.args)
		return n, err
	case opNode:
		if n.args, err = all(n.args); err == nil {
			n.l, err = s.replaced(n.l)
		}
		return n, err
	case pathNode:
		if n.index != nil {
			n.index, err = s.replaced(n.index)
		}
		if err == nil {
			n.x, err = s.replaced(n.x)
		}
		return n, err
	}
	return x, nil
}

// collect groups the rows; without keys there is one group, even of no rows.
func collect(rel *relation, by []relColumn, aggs []agg) []*group {
	index := map[string]*group{}
	var order []*group
	open := func(key []byte, keys []value) *group {
		g := newGroup(append([]value(nil), keys...), aggs)
		index[string(key)] = g
		order = append(order, g)
		return g
	}
	keys, buf := make([]value, len(by)), []byte(nil)
	if len(by) == 0 {
		open(nil, nil)
	}
	rel.scan(func(r *row) bool {
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

func newGroup(keys []value, aggs []agg) *group {
	g := &group{keys: keys, sums: make([]accumulator, len(aggs))}
	for i := range aggs {
		g.sums[i] = aggs[i].start()
	}
	return g
}

// appendKey writes a value so that no two different ones are alike.
func appendKey(b []byte, v value) []byte {
	b = append(b, byte(v.k))
	b = binary.LittleEndian.AppendUint64(b, uint64(v.n))
	b = binary.AppendUvarint(b, uint64(len(v.s)))
	return append(b, v.s...)
}
