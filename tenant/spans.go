package tenant

import (
	"cmp"
	"slices"
	"sort"
)

// span is a half-open range of ticks.
type span struct{ from, to int64 }

var always = span{from: -1 << 63, to: 1<<63 - 1}

func (s span) and(o span) span {
	return span{from: max(s.from, o.from), to: min(s.to, o.to)}
}

func (s span) has(ticks int64) bool { return ticks >= s.from && ticks < s.to }

// spans is a set of ticks: in order, none empty, none touching the next.
type spans []span

var everything = spans{always}

func (s spans) all() bool { return len(s) == 1 && s[0] == always }

func (s spans) has(ticks int64) bool {
	if len(s) == 1 {
		return s[0].has(ticks)
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].to > ticks })
	return i < len(s) && s[i].has(ticks)
}

func (s spans) and(o spans) spans {
	out := spans{}
	for i, j := 0, 0; i < len(s) && j < len(o); {
		if both := s[i].and(o[j]); both.from < both.to {
			out = append(out, both)
		}
		if s[i].to < o[j].to {
			i++
		} else {
			j++
		}
	}
	return out
}

func (s spans) or(o spans) spans {
	list := append(slices.Clone(s), o...)
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	out := spans{}
	for _, next := range list {
		if last := len(out) - 1; last >= 0 && next.from <= out[last].to {
			out[last].to = max(out[last].to, next.to)
		} else if next.from < next.to {
			out = append(out, next)
		}
	}
	return out
}

// known is what a condition says of a row's clocks: in a row that passes, each
// clock named is within its spans. It is exact where these rows are those that pass.
type known struct {
	on    map[clock]spans
	exact bool
}

func (k known) and(o known) known {
	out := known{on: map[clock]spans{}, exact: k.exact && o.exact}
	for _, from := range []known{k, o} {
		for c, s := range from.on {
			if have, ok := out.on[c]; ok {
				s = s.and(have)
			}
			out.on[c] = s
		}
	}
	return out
}

// or keeps what both say. Of two clocks the result is a box around the rows.
func (k known) or(o known) known {
	out := known{on: map[clock]spans{}}
	for c, s := range k.on {
		if other, ok := o.on[c]; ok {
			out.on[c] = s.or(other)
		}
	}
	out.exact = k.exact && o.exact && len(k.on) == 1 && len(o.on) == 1 && len(out.on) == 1
	return out
}

// known finds what a condition says of the clocks, so that a window is looked up
// and not searched for.
func (e *env) known(rel *relation, x node) (known, error) {
	switch n := x.(type) {
	case callNode:
		return e.knownCall(rel, n)
	case opNode:
		if n.op != "and" && n.op != "or" {
			return e.knownTest(rel, n)
		}
		l, err := e.known(rel, n.l)
		if err != nil {
			return known{}, err
		}
		r, err := e.known(rel, n.args[0])
		if n.op == "and" {
			return l.and(r), err
		}
		return l.or(r), err
	default:
		return known{}, nil
	}
}

// knownCall knows that an ingestion time that can be had is never null.
func (e *env) knownCall(rel *relation, n callNode) (known, error) {
	if n.name != "isnull" && n.name != "isnotnull" {
		return known{}, nil
	}
	arg, err := e.expr(n.args[0], rel)
	if err != nil || arg.clock != ingestionClock {
		return known{}, err
	}
	s := spans{}
	if n.name == "isnotnull" {
		s = everything
	}
	return known{on: map[clock]spans{ingestionClock: s}, exact: true}, nil
}

func (e *env) knownTest(rel *relation, n opNode) (known, error) {
	if n.op != "between" && mirrored[n.op] == "" {
		return known{}, nil
	}
	l, err := e.expr(n.l, rel)
	if err != nil {
		return known{}, err
	}
	var args []*expr
	for _, a := range n.args {
		r, err := e.expr(a, rel)
		if err != nil {
			return known{}, err
		}
		args = append(args, r)
	}
	if len(args) == 0 {
		return known{}, nil
	}
	op := n.op
	if l.konst != nil && len(args) == 1 { // datetime(…) <= Timestamp
		l, args[0] = args[0], l
		op = mirrored[op]
	}
	for _, a := range args {
		if a.konst == nil || a.konst.k != kDatetime {
			return known{}, nil
		}
	}
	s, ok := spanOf(op, args)
	if l.clock == noClock || !ok {
		return known{}, nil
	}
	return known{on: map[clock]spans{l.clock: spans{s}.or(nil)}, exact: true}, nil
}

var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}

// spanOf gives the ticks that pass; a row without a time never does.
func spanOf(op string, args []*expr) (span, bool) {
	v := args[0].konst.n
	switch op {
	case "<":
		return span{from: noTime + 1, to: v}, true
	case "<=":
		return span{from: noTime + 1, to: v + 1}, true
	case ">":
		return span{from: v + 1, to: always.to}, true
	case ">=":
		return span{from: v, to: always.to}, true
	case "==":
		return span{from: v, to: v + 1}, true
	case "between":
		return span{from: v, to: args[1].konst.n + 1}, true
	default:
		return always, false
	}
}
