package kusto

import (
	"encoding/json"
	"math"
	"strings"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// expr compiles an expression over the columns of rel; nil has none.
func (e *env) expr(x syntax.Node, rel *Relation) (*expr, error) {
	switch n := x.(type) {
	case syntax.Literal:
		return constant(n.Kind, n.Value), nil
	case syntax.Ref:
		return e.ref(n, rel)
	case syntax.Call:
		return e.call(n, rel)
	case syntax.Path:
		return e.path(n, rel)
	case syntax.Op:
		return e.operator(n, rel)
	case syntax.Rows:
		return e.valueOf(e.outside().thing(n))
	default:
		return nil, semanticError("An expression that this tenant does not know")
	}
}

func (e *env) ref(n syntax.Ref, rel *Relation) (*expr, error) {
	if rel != nil {
		if x, ok := rel.find(n.Name); ok {
			return x, nil
		}
	}
	if _, ok := e.names[n.Name]; ok {
		return e.valueOf(e.called(n.Name))
	}
	return nil, unresolved(n.Name)
}

// folded makes a constant of an expression whose parts all are.
func folded(out *expr, parts ...*expr) *expr {
	for _, p := range parts {
		if p.konst == nil {
			return out
		}
	}
	return constant(out.kind, out.eval(&Row{}))
}

func (e *env) path(n syntax.Path, rel *Relation) (*expr, error) {
	x, err := e.expr(n.X, rel)
	if err != nil {
		return nil, err
	}
	if x.kind != data.KindDynamic && x.kind != data.KindNull {
		return nil, semanticError("The '.' or '[]' of a %s", x.kind)
	}
	at := constant(data.KindString, data.String(n.Name))
	if n.Index != nil {
		if at, err = e.expr(n.Index, rel); err != nil {
			return nil, err
		}
	}
	return folded(&expr{kind: data.KindDynamic, eval: func(r *Row) data.Value {
		v := x.eval(r)
		if v.Kind == data.KindNull {
			return v
		}
		return member(v.Text, at.eval(r))
	}}, x, at), nil
}

// member is a bag's value by its key, or an array's by its place, from the end below zero.
func member(text string, at data.Value) data.Value {
	if at.Kind == data.KindInt || at.Kind == data.KindLong {
		list, _ := isArray(data.Dynamic(text))
		i := at.Int
		if i < 0 {
			i += int64(len(list))
		}
		if i < 0 || i >= int64(len(list)) {
			return data.Value{}
		}
		return data.DynamicOf(string(list[i]))
	}
	var bag map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &bag) != nil || bag[at.String()] == nil {
		return data.Value{}
	}
	return data.DynamicOf(string(bag[at.String()]))
}

func (e *env) operator(n syntax.Op, rel *Relation) (*expr, error) {
	l, err := e.expr(n.Left, rel)
	if err != nil {
		return nil, err
	}
	args, err := e.operands(n, rel)
	if err != nil {
		return nil, err
	}
	var out *expr
	switch n.Op {
	case "and", "or":
		out, err = logic(n.Op, l, args[0])
	case "+", "-", "*", "/", "%":
		out, err = arithmetic(n.Op, l, args[0])
	default:
		out, err = test(n.Op, l, args)
	}
	if err != nil {
		return nil, err
	}
	return folded(out, append(args, l)...), nil
}

// operands compiles what is right of an operator; rows in a list stand for their first column.
func (e *env) operands(n syntax.Op, rel *Relation) ([]*expr, error) {
	var args []*expr
	listed := syntax.IsListTest(strings.TrimPrefix(n.Op, "!"))
	for _, a := range n.Args {
		if listed && e.isRows(a, rel) {
			k, values, err := e.firstColumn(a, -1)
			if err != nil {
				return nil, err
			}
			for _, v := range values {
				args = append(args, constant(k, v))
			}
			continue
		}
		x, err := e.expr(a, rel)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	return args, nil
}

func logic(op string, l, r *expr) (*expr, error) {
	for _, x := range []*expr{l, r} {
		if x.kind != data.KindBool && x.kind != data.KindDynamic {
			return nil, semanticError("Operator '%s': a bool is expected, not %s", op, x.kind)
		}
	}
	decides := op == "or" // the value that settles it alone
	return &expr{kind: data.KindBool, eval: func(row *Row) data.Value {
		a := l.eval(row)
		if a.Kind != data.KindNull && a.Truth() == decides {
			return data.Bool(decides)
		}
		b := r.eval(row)
		if b.Kind != data.KindNull && b.Truth() == decides {
			return data.Bool(decides)
		}
		if a.Kind == data.KindNull || b.Kind == data.KindNull {
			return data.Value{}
		}
		return data.Bool(!decides)
	}}, nil
}

func test(op string, l *expr, args []*expr) (*expr, error) {
	base := strings.TrimPrefix(op, "!")
	listed := syntax.IsListTest(base)
	if listed {
		args = spread(args)
	}
	textual := strings.HasSuffix(op, "~") || syntax.IsWordTest(base) || strings.HasPrefix(base, "has_a")
	for i, a := range args {
		if base == "between" && i == 1 && a.kind == data.KindTimespan && l.kind == data.KindDatetime {
			continue // from there on
		}
		if !data.CanCompare(l.kind, a.kind) {
			return nil, semanticError("Cannot compare values of types %s and %s. Try adding explicit casts",
				l.kind, a.kind)
		}
		if textual && a.kind != data.KindString && a.kind != data.KindDynamic && a.kind != data.KindGuid {
			return nil, semanticError("Operator '%s': a string is expected, not %s", op, a.kind)
		}
	}
	if base == "between" && l.kind == data.KindDatetime && args[0].kind == data.KindDatetime && args[1].kind == data.KindTimespan {
		to, err := arithmetic("+", args[0], args[1])
		if err != nil {
			return nil, err
		}
		args = []*expr{args[0], folded(to, args...)}
	}
	if have := constantSet(l.kind, args); have != nil && base == "in" {
		return &expr{kind: data.KindBool, eval: func(r *Row) data.Value {
			_, ok := have[plain(l.eval(r))]
			return data.Bool(ok == (op == "in"))
		}}, nil
	}
	predicate := predicates[op]
	if predicate == nil {
		predicate = func(v data.Value, args []data.Value) data.Value {
			positive := predicates[base](v, args)
			if positive.Kind == data.KindNull {
				return positive
			}
			return data.Bool(!positive.Truth())
		}
	}
	got := make([]data.Value, 0, len(args)) // a query is evaluated by one goroutine
	return &expr{kind: data.KindBool, eval: func(r *Row) data.Value {
		got = got[:0]
		for _, a := range args {
			if v := a.eval(r); listed && a.konst == nil {
				got = appendElements(got, v)
			} else {
				got = append(got, v)
			}
		}
		return predicate(l.eval(r), got)
	}}, nil
}

func arithmetic(op string, l, r *expr) (*expr, error) {
	k, ok := resultKind(op, l.kind, r.kind)
	if !ok {
		return nil, semanticError("Operator '%s' does not take %s and %s", op, l.kind, r.kind)
	}
	return &expr{kind: k, eval: func(row *Row) data.Value { return compute(op, k, l.eval(row), r.eval(row)) }}, nil
}

func resultKind(op string, l, r data.Kind) (data.Kind, bool) {
	switch {
	case l.Numeric() && r.Numeric():
		return max(l, r, data.KindLong), l != data.KindDecimal && r != data.KindDecimal
	case l == data.KindDatetime && r == data.KindTimespan && (op == "+" || op == "-"):
		return data.KindDatetime, true
	case l == data.KindTimespan && r == data.KindDatetime && op == "+":
		return data.KindDatetime, true
	case l == data.KindDatetime && r == data.KindDatetime && op == "-":
		return data.KindTimespan, true
	case l == data.KindTimespan && r == data.KindTimespan:
		if op == "/" {
			return data.KindReal, true
		}
		return data.KindTimespan, op != "*"
	case l == data.KindTimespan && r.Numeric():
		return data.KindTimespan, op == "*" || op == "/"
	case l.Numeric() && r == data.KindTimespan:
		return data.KindTimespan, op == "*"
	default:
		return data.KindNull, false
	}
}

func compute(op string, k data.Kind, a, b data.Value) data.Value {
	if a.Kind == data.KindNull || b.Kind == data.KindNull {
		return data.Value{}
	}
	if k == data.KindReal || a.Kind == data.KindReal || b.Kind == data.KindReal {
		f := realOf(op, a.Float(), b.Float())
		if k == data.KindReal {
			return data.Real(f)
		}
		return data.Value{Kind: k, Int: int64(f)}
	}
	if (op == "/" || op == "%") && b.Int == 0 {
		return data.Value{}
	}
	out := data.Value{Kind: k}
	switch op {
	case "+":
		out.Int = a.Int + b.Int
	case "-":
		out.Int = a.Int - b.Int
	case "*":
		out.Int = a.Int * b.Int
	case "/":
		out.Int = a.Int / b.Int
	default:
		out.Int = a.Int % b.Int
	}
	return out
}

func realOf(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	default:
		return math.Mod(a, b)
	}
}
