package judge

import (
	"slices"
	"strings"
	"time"

	"hunting-exporter/source/kql/syntax"
)

func (j *judge) binary(x *syntax.Binary, in scope) value {
	switch x.Op {
	case "between", "!between":
		if r, ok := x.Y.(*syntax.Range); ok {
			return j.between(x, r, in)
		}
	case "and", "or":
		return j.logic(x, in)
	}
	a, b := j.eval(x.X, in), j.eval(x.Y, in)
	out := mixed(x.Op, a, b)
	switch x.Op {
	case "+":
		out.sum = both(out.sum, a.sum.add(b.sum, 1))
	case "-":
		out.sum = both(out.sum, a.sum.add(b.sum, -1))
	case "*", "/":
		scaled(&out, x.Op, a, b)
	case "<", "<=", ">", ">=", "==":
		out.compared(x.Op, a, b, x.Pos())
		out.plain = true
	}
	return out
}

// both prefers what is followed to what is only named.
func both(named, followed *sum) *sum {
	if followed != nil {
		return followed
	}
	return named
}

// scaled is a timespan times or by a number, or a product of numbers.
func scaled(out *value, op string, a, b value) {
	if op == "*" && a.number != nil {
		a, b = b, a
	}
	if b.number == nil || op == "/" && *b.number == 0 {
		return
	}
	by := *b.number
	if op == "/" {
		by = 1 / by
	}
	switch {
	case a.number != nil && op == "*": // whole numbers are divided to whole ones: 90/60 is 1
		n := *a.number * by
		out.number = &n
	case a.sum != nil && a.sum.constant():
		out.sum = &sum{off: time.Duration(float64(a.sum.off) * by)}
	}
}

// compared notes what a comparison demands.
func (v *value) compared(op string, a, b value, line int) {
	switch op {
	case "<":
		v.demand(b, a, true, line)
	case "<=":
		v.demand(b, a, false, line)
	case ">":
		v.demand(a, b, true, line)
	case ">=":
		v.demand(a, b, false, line)
	case "==":
		v.demand(a, b, false, line)
		v.demand(b, a, false, line)
	}
}

// demand notes that a >= b, or > where strict.
func (v *value) demand(a, b value, strict bool, line int) {
	d := a.sum.add(b.sum, -1) // a - b >= 0
	if d == nil || d.plus == "" || d.minus == "" {
		if v.border {
			v.known, v.holds = false, nil
		}
		return
	}
	v.holds = append(v.holds, atom{d.plus, d.minus, -d.off, strict, line})
	v.known = true
}

// between includes both of its ends. A timespan behind .. counts from the first.
func (j *judge) between(x *syntax.Binary, r *syntax.Range, in scope) value {
	v, from, to := j.eval(x.X, in), j.eval(r.From, in), j.eval(r.To, in)
	out := mixed(x.Op, v, from, to)
	if to.sum != nil && to.sum.constant() && from.sum != nil && !from.sum.constant() {
		to.sum = from.sum.add(to.sum, 1)
	}
	if x.Op == "!between" {
		return out
	}
	out.demand(v, from, false, r.Pos())
	if out.known || !out.border {
		out.demand(to, v, false, r.Pos())
	}
	if out.border && len(out.holds) != 2 {
		out.known = false
	}
	return out
}

func (j *judge) logic(x *syntax.Binary, in scope) value {
	a, b := j.eval(x.X, in), j.eval(x.Y, in)
	out := mixed(x.Op, a, b)
	out.sum = nil
	switch {
	case a.border && !a.known || b.border && !b.known:
		out.known = false
	case x.Op == "and":
		out.holds, out.known = append(slices.Clone(a.holds), b.holds...), true
	case !out.border:
		out.known = true
	default: // each side cuts the same values at the same borders, and else only looks at the row
		out.holds = bordered(a.holds)
		out.known = sameAtoms(out.holds, bordered(b.holds))
		if !out.known {
			out.holds = nil
			j.refuse(x.Pos(), "the borders stand on one side of or, so that the rows of the other side come in every window: put the rest into parentheses, such as %s >= %s and %[1]s < %[3]s and (… or …)",
				j.column, startTime, endTime)
			out.border = false // it is said
		}
	}
	return out
}

func bordered(all []atom) (some []atom) {
	for _, a := range all {
		if a.bordered() {
			some = append(some, a)
		}
	}
	return some
}

func sameAtoms(a, b []atom) bool {
	within := func(a, b []atom) bool {
		return !slices.ContainsFunc(a, func(x atom) bool { return !slices.ContainsFunc(b, x.same) })
	}
	return within(a, b) && within(b, a)
}

// where keeps the rows of a leg of which a condition holds.
func (j *judge) where(l *leg, v value, line int) {
	if v.border && !v.known {
		if !j.aggregate() || !l.done {
			j.refuse(v.line, otherWay, j.column, startTime, endTime)
		}
		return
	}
	for _, a := range v.holds {
		switch {
		case !a.bordered():
			l.diffs = append(l.diffs, a)
		case l.done: // of sums of rows that were cut already
		case !l.cut(a):
			j.refuse(a.line, "what is answered depends on the border itself and not on a row's time: compare a column with it")
		}
	}
}

// datetimeParts are the lengths of those parts that have one.
var datetimeParts = map[string]time.Duration{
	"week": 7 * 24 * time.Hour, "day": 24 * time.Hour, "hour": time.Hour, "minute": time.Minute, "second": time.Second,
	"millisecond": time.Millisecond, "microsecond": time.Microsecond, "nanosecond": time.Nanosecond,
}

// datetimeAdd is datetime_add("day", -7, x).
func datetimeAdd(args []value) *sum {
	if len(args) != 3 || args[0].text == nil || args[1].number == nil {
		return nil
	}
	part, ok := datetimeParts[strings.ToLower(*args[0].text)]
	if !ok {
		return nil
	}
	return args[2].sum.add(&sum{off: time.Duration(*args[1].number * float64(part))}, 1)
}
