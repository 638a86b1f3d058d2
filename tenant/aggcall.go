package tenant

import (
	"fmt"
	"slices"
)

// agg is a call of an aggregate function: the columns that it answers, and what begins
// the sum of a group.
type agg struct {
	name    string
	columns []relColumn
	start   func() accumulator
}

// agg compiles a call; by are the expressions that rows are grouped by.
func (e *env) agg(rel *relation, call callNode, by []named) (agg, error) {
	if chooses(call.name) {
		return e.chosen(rel, call, by)
	}
	fn := aggregates[call.name]
	args := 0
	for _, has := range []bool{fn.valued, fn.when} {
		if has {
			args++
		}
	}
	if n := len(call.args); n != args && (n != args+1 || !fn.limited) {
		return agg{}, semanticError("%s(): %d argument(s) expected, not %d", call.name, args, n)
	}
	var of, when *expr
	var err error
	if fn.valued {
		if of, err = e.expr(call.args[0], rel); err != nil {
			return agg{}, err
		}
	}
	if fn.when {
		if when, err = e.condition(call.name, call.args[args-1], rel); err != nil {
			return agg{}, err
		}
	}
	limit := maxElements
	if len(call.args) > args {
		if limit, err = e.number(call.args[args]); err != nil {
			return agg{}, err
		}
	}
	k := kLong
	if of != nil {
		k = of.kind
	}
	out, ok := fn.kind(k)
	if !ok {
		return agg{}, semanticError("%s(): it does not take %s", call.name, kinds[k].kusto)
	}
	return agg{
		name: call.name, columns: []relColumn{{name: autoName(call), expr: &expr{kind: out}}},
		start: func() accumulator { return &folding{of: of, when: when, kind: out, fold: fn.fold(out, limit)} },
	}, nil
}

// maxElements is how many a list has at most.
const maxElements = 1 << 20

func (e *env) condition(of string, x node, rel *relation) (*expr, error) {
	c, err := e.expr(x, rel)
	if err == nil && c.kind != kBool {
		err = semanticError("%s(): a bool is expected, not %s", of, kinds[c.kind].kusto)
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
func (e *env) chosen(rel *relation, call callNode, by []named) (agg, error) {
	sign := map[string]int{"arg_max": 1, "arg_min": -1}[call.name]
	args, when, err := call.args, (*expr)(nil), error(nil)
	if call.name == "take_anyif" && len(args) == 2 {
		if when, err = e.condition(call.name, args[1], rel); err != nil {
			return agg{}, err
		}
		args = args[:1]
	} else if call.name == "take_anyif" || len(args) == 0 {
		return agg{}, semanticError("%s(): %d arguments are not what it takes", call.name, len(args))
	}
	out := agg{name: call.name}
	if out.columns, err = e.chosenColumns(rel, call.name, sign, args, by); err != nil {
		return agg{}, err
	}
	if k := out.columns[0].expr.kind; sign != 0 {
		if _, ok := orderable(k); !ok {
			return agg{}, semanticError("%s(): it does not take %s", call.name, kinds[k].kusto)
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

func (e *env) chosenColumns(rel *relation, fn string, sign int, args []node, by []named) ([]relColumn, error) {
	star, done := slices.ContainsFunc(args, isStar), map[string]bool{}
	for _, b := range by {
		done[columnOf(b.x, rel)] = true
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
		given, isArg := a.(argNode)
		if isArg {
			a = given.x
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
		name := given.name
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
func chosenName(fn string, sign int, own string, args []node, i int) string {
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

func isStar(x node) bool {
	ref, ok := x.(refNode)
	return ok && ref.name == "*"
}

// columnOf is the column that an expression is, itself or converted to what it is; "" for none.
func columnOf(x node, rel *relation) string {
	kind := kNull
	if call, ok := x.(callNode); ok && len(call.args) == 1 && slices.Contains(conversions, call.name) {
		kind, _ = functions[call.name].kind(nil)
		x = call.args[0]
	}
	ref, ok := x.(refNode)
	if !ok {
		return ""
	}
	c, ok := rel.find(ref.name)
	if !ok || kind != kNull && kind != c.kind {
		return ""
	}
	return ref.name
}
