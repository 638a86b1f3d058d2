package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hunting-exporter/source/kql/syntax"
)

// kinds of join: which side's rows are answered even without a partner, and which side's
// columns there are.
type joinKind struct{ keepsLeft, keepsRight, noLeft, noRight bool }

var joinKinds = map[string]joinKind{
	"inner": {}, "innerunique": {},
	"leftouter": {keepsLeft: true}, "rightouter": {keepsRight: true}, "fullouter": {keepsLeft: true, keepsRight: true},
	"leftsemi": {noRight: true}, "rightsemi": {noLeft: true},
	"leftanti": {keepsLeft: true, noRight: true}, "anti": {keepsLeft: true, noRight: true}, "leftantisemi": {keepsLeft: true, noRight: true},
	"rightanti": {keepsRight: true, noLeft: true}, "rightantisemi": {keepsRight: true, noLeft: true},
}

// join follows join and lookup.
func (j *judge) join(r *relation, op *syntax.Operator, in *names) *relation {
	name := "innerunique"
	if op.Name == "lookup" {
		name = "leftouter"
	}
	for _, p := range op.Params {
		if n, ok := p.Value.(*syntax.Name); ok && p.Name == "kind" {
			name = n.Name
		}
	}
	kind, known := joinKinds[strings.ToLower(name)]
	if !known || len(op.Legs) != 1 {
		j.refuse(op.Pos(), "join kind=%s is not one that can be followed", name)
		return r
	}
	right := j.rows(op.Legs[0], in)
	out := &relation{}
	for _, a := range r.legs {
		for _, b := range right.legs {
			if len(out.legs) == maxLegs {
				j.refuse(op.Pos(), "the query has too many legs to be followed: make it simpler")
				return out
			}
			out.legs = append(out.legs, j.pair(a.clone(), b.clone(), op, strings.ToLower(name), kind))
		}
	}
	return out
}

// pair is the rows of two legs that meet.
func (j *judge) pair(a, b *leg, op *syntax.Operator, name string, kind joinKind) *leg {
	line := op.Pos()
	if name == "innerunique" && j.append() {
		why := Reason{line, "join without a kind is innerunique, which keeps any one of the left rows that share a key: use join kind=inner or leftouter"}
		if a.windowed() || b.windowed() {
			j.refused = append(j.refused, why)
		}
		a.seal(why)
		b.seal(why)
	}
	if j.JoinWindow && a.windowed() && b.windowed() {
		_, left := j.settle(a, "")
		if _, right := j.settle(b, ""); left != nil && right == nil {
			a.bounds, a.flaw = nil, nil
		} else {
			b.bounds, b.flaw = nil, nil
		}
	}
	if j.append() && !j.Identity && !j.JoinWindow && !kind.noRight && !kind.noLeft && (a.windowed() && b.changes() || b.windowed() && a.changes()) {
		j.warn(line, "what %s finds may change, and rows that are read again for late ones would then seem new and come twice: "+
			"name the columns that tell rows apart by // identity:", op.Name)
	}
	out := &leg{line: a.line, what: a.what, done: a.done || b.done, single: a.single, others: max(a.others, b.others)}
	out.diffs = append(a.diffs, b.diffs...)
	within := out.diffs
	keys := j.matched(out, a, b, op.On)
	if kind.keepsLeft && !b.windowed() || kind.keepsRight && !a.windowed() {
		out.diffs = within // a row without a partner lacks the other side's keys
	}
	out.bounds = maps.Clone(a.bounds)
	if out.bounds == nil {
		out.bounds = map[ident]bound{}
	}
	maps.Copy(out.bounds, b.bounds)
	out.anchors = append(a.joined(), b.joined()...)
	out.met = map[ident]origin{}
	for id := range b.bounds {
		out.met[id] = origin{line, false}
	}
	for id := range a.bounds {
		out.met[id] = origin{line, true}
	}
	maps.Copy(out.met, b.met)
	maps.Copy(out.met, a.met)
	out.flaw = j.beside(a, b, line)
	j.alone(out, a, b, line, name, kind)
	out.merge(j, a, b, line, op.Name, keys, kind)
	return out
}

// beside is why one of the sides cannot be shown to be right beside the other, or nothing.
func (j *judge) beside(a, b *leg, line int) *Reason {
	var left, right *Reason
	if a.flaw != nil || b.done && a.windowed() {
		_, left = j.settle(a, "")
	}
	if b.flaw != nil || a.done && b.windowed() {
		_, right = j.settle(b, "")
	}
	if left == nil && right != nil && a.windowed() {
		return &Reason{line, "the other side of this join is made of what one window has seen, so that what is found depends on how time is cut: " + twoSides}
	}
	return cmp.Or(left, right)
}

// alone judges the rows that are answered by themselves, for they have no partner or only
// need one: they must not come in every window, and the cut must not lie where they have
// no value.
func (j *judge) alone(out, a, b *leg, line int, name string, kind joinKind) {
	const (
		again = "join kind=%s answers rows of its %s side that meet nothing, and these come in every window: use kind=%s, or cut that side by where"
		meets = "join kind=%s answers rows of its %s side in every window in which they meet something: use kind=%s, or cut that side by where"
	)
	keeps := func(side, other *leg, text, which, kind string) {
		if !other.windowed() {
			return
		}
		why := Reason{line, fmt.Sprintf(text, name, which, kind)}
		if other.done && !side.windowed() {
			j.refused = append(j.refused, why)
		}
		out.anchors = append(out.anchors, anchor{among: other.values(), more: other.others != all, reason: why})
	}
	instead := [2]string{"inner", "inner"}
	if name == "fullouter" {
		instead = [2]string{"rightouter", "leftouter"}
	}
	if kind.keepsLeft {
		keeps(a, b, again, "left", instead[0])
	} else if kind.noRight {
		keeps(a, b, meets, "left", instead[0])
	}
	if kind.keepsRight {
		keeps(b, a, again, "right", instead[1])
	} else if kind.noLeft {
		keeps(b, a, meets, "right", instead[1])
	}
}

// matched notes that the keys are equal in rows that meet, and returns the names of the
// right side's.
func (j *judge) matched(out, a, b *leg, on []syntax.Expr) (keys []string) {
	equal := func(left, right string) {
		x, ok := a.column(left, j)
		y, ko := b.column(right, j)
		for _, c := range []column{x, y} {
			if c.made != nil {
				j.bordered(*c.made)
			}
		}
		keys = append(keys, right)
		if ok && ko {
			out.diffs = append(out.diffs, atom{x: x.id, y: y.id}, atom{x: y.id, y: x.id})
		}
	}
	for _, x := range on {
		switch x := x.(type) {
		case *syntax.Name:
			equal(x.Name, x.Name)
		case *syntax.Binary:
			if x.Op == "and" {
				keys = append(keys, j.matched(out, a, b, []syntax.Expr{x.X, x.Y})...)
				continue
			}
			left, lok := side(x.X, "$left")
			right, rok := side(x.Y, "$right")
			if !lok || !rok {
				left, lok = side(x.Y, "$left")
				right, rok = side(x.X, "$right")
			}
			if x.Op == "==" && lok && rok {
				equal(left, right)
			}
		}
	}
	return keys
}

// side is the column of $left.Column.
func side(x syntax.Expr, which string) (string, bool) {
	p, ok := x.(*syntax.Path)
	if !ok {
		return "", false
	}
	n, ok := p.X.(*syntax.Name)
	return p.Name, ok && n.Name == which
}

// merge gives a pair its columns: of a name that both have, the right one's gets a number.
func (l *leg) merge(j *judge, a, b *leg, line int, operator string, keys []string, kind joinKind) {
	switch {
	case kind.noRight:
		l.columns, l.others, l.gone = a.columns, a.others, a.gone
		return
	case kind.noLeft:
		l.columns, l.others, l.gone = b.columns, b.others, b.gone
		return
	}
	l.columns = maps.Clone(a.columns)
	if l.columns == nil {
		l.columns = map[string]column{}
	}
	for name, c := range b.columns {
		if operator == "lookup" && slices.Contains(keys, name) {
			continue
		}
		if _, known := l.columns[name]; !known && a.others == little {
			its := column{id: j.fresh()} // the left side may have it
			l.columns[name] = its
			j.unsure[its.id] = Reason{line, fmt.Sprintf("%s may have a column %s of its own, and it is that which the name means then: name the columns of the left side by | project in front of %s", a.what, name, operator)}
		}
		l.columns[l.free(name)] = c
	}
}
