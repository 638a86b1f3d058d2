package kusto

import (
	"cmp"
	"slices"
	"sort"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// spans is a set of ticks: in order, none empty, none touching the next.
type spans []data.Span

var everything = spans{data.Always}

func (s spans) all() bool { return len(s) == 1 && s[0] == data.Always }

func (s spans) has(ticks int64) bool {
	if len(s) == 1 {
		return s[0].Has(ticks)
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].To > ticks })
	return i < len(s) && s[i].Has(ticks)
}

func (s spans) and(o spans) spans {
	out := spans{}
	for i, j := 0, 0; i < len(s) && j < len(o); {
		if both := s[i].And(o[j]); both.From < both.To {
			out = append(out, both)
		}
		if s[i].To < o[j].To {
			i++
		} else {
			j++
		}
	}
	return out
}

func (s spans) or(o spans) spans {
	list := append(slices.Clone(s), o...)
	slices.SortFunc(list, func(a, b data.Span) int { return cmp.Compare(a.From, b.From) })
	out := spans{}
	for _, next := range list {
		if last := len(out) - 1; last >= 0 && next.From <= out[last].To {
			out[last].To = max(out[last].To, next.To)
		} else if next.From < next.To {
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
func (e *env) known(rel *Relation, x syntax.Node) (known, error) {
	switch n := x.(type) {
	case syntax.Call:
		return e.knownCall(rel, n)
	case syntax.Op:
		if n.Op != "and" && n.Op != "or" {
			return e.knownTest(rel, n)
		}
		l, err := e.known(rel, n.Left)
		if err != nil {
			return known{}, err
		}
		r, err := e.known(rel, n.Args[0])
		if n.Op == "and" {
			return l.and(r), err
		}
		return l.or(r), err
	default:
		return known{}, nil
	}
}

// knownCall knows that an ingestion time that can be had is never null.
func (e *env) knownCall(rel *Relation, n syntax.Call) (known, error) {
	if n.Name != "isnull" && n.Name != "isnotnull" {
		return known{}, nil
	}
	arg, err := e.expr(n.Args[0], rel)
	if err != nil || arg.clock != ingestionClock {
		return known{}, err
	}
	s := spans{}
	if n.Name == "isnotnull" {
		s = everything
	}
	return known{on: map[clock]spans{ingestionClock: s}, exact: true}, nil
}

func (e *env) knownTest(rel *Relation, n syntax.Op) (known, error) {
	if n.Op != "between" && mirrored[n.Op] == "" {
		return known{}, nil
	}
	l, err := e.expr(n.Left, rel)
	if err != nil {
		return known{}, err
	}
	var args []*expr
	for _, a := range n.Args {
		r, err := e.expr(a, rel)
		if err != nil {
			return known{}, err
		}
		args = append(args, r)
	}
	if len(args) == 0 {
		return known{}, nil
	}
	op := n.Op
	if l.konst != nil && len(args) == 1 { // datetime(…) <= Timestamp
		l, args[0] = args[0], l
		op = mirrored[op]
	}
	for _, a := range args {
		if a.konst == nil || a.konst.Kind != data.KindDatetime {
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
func spanOf(op string, args []*expr) (data.Span, bool) {
	v := args[0].konst.Int
	switch op {
	case "<":
		return data.Span{From: data.NoTime + 1, To: v}, true
	case "<=":
		return data.Span{From: data.NoTime + 1, To: v + 1}, true
	case ">":
		return data.Span{From: v + 1, To: data.Always.To}, true
	case ">=":
		return data.Span{From: v, To: data.Always.To}, true
	case "==":
		return data.Span{From: v, To: v + 1}, true
	case "between":
		return data.Span{From: v, To: args[1].konst.Int + 1}, true
	default:
		return data.Always, false
	}
}
