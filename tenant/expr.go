package tenant

import (
	"encoding/json"
	"math"
	"strings"
)

// expr compiles an expression over the columns of rel; nil has none.
func (e *env) expr(x node, rel *relation) (*expr, error) {
	switch n := x.(type) {
	case litNode:
		return constant(n.typ, n.val), nil
	case refNode:
		return e.ref(n, rel)
	case callNode:
		return e.call(n, rel)
	case pathNode:
		return e.path(n, rel)
	case opNode:
		return e.operator(n, rel)
	case rowsNode:
		return e.valueOf(e.outside().thing(n))
	default:
		return nil, semanticError("An expression that this tenant does not know")
	}
}

func (e *env) ref(n refNode, rel *relation) (*expr, error) {
	if rel != nil {
		if x, ok := rel.find(n.name); ok {
			return x, nil
		}
	}
	if _, ok := e.names[n.name]; ok {
		return e.valueOf(e.called(n.name))
	}
	return nil, unresolved(n.name)
}

// folded makes a constant of an expression whose parts all are.
func folded(out *expr, parts ...*expr) *expr {
	for _, p := range parts {
		if p.konst == nil {
			return out
		}
	}
	return constant(out.kind, out.eval(&row{}))
}

func (e *env) path(n pathNode, rel *relation) (*expr, error) {
	x, err := e.expr(n.x, rel)
	if err != nil {
		return nil, err
	}
	if x.kind != kDynamic && x.kind != kNull {
		return nil, semanticError("The '.' or '[]' of a %s", kinds[x.kind].kusto)
	}
	at := constant(kString, vString(n.name))
	if n.index != nil {
		if at, err = e.expr(n.index, rel); err != nil {
			return nil, err
		}
	}
	return folded(&expr{kind: kDynamic, eval: func(r *row) value {
		v := x.eval(r)
		if v.k == kNull {
			return v
		}
		return member(v.s, at.eval(r))
	}}, x, at), nil
}

// member is a bag's value by its key, or an array's by its place, from the end below zero.
func member(text string, at value) value {
	if at.k == kInt || at.k == kLong {
		list, _ := isArray(vJSON(text))
		i := at.n
		if i < 0 {
			i += int64(len(list))
		}
		if i < 0 || i >= int64(len(list)) {
			return value{}
		}
		return dynamicOf(string(list[i]))
	}
	var bag map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &bag) != nil || bag[at.text()] == nil {
		return value{}
	}
	return dynamicOf(string(bag[at.text()]))
}

func (e *env) operator(n opNode, rel *relation) (*expr, error) {
	l, err := e.expr(n.l, rel)
	if err != nil {
		return nil, err
	}
	args, err := e.operands(n, rel)
	if err != nil {
		return nil, err
	}
	var out *expr
	switch n.op {
	case "and", "or":
		out, err = logic(n.op, l, args[0])
	case "+", "-", "*", "/", "%":
		out, err = arithmetic(n.op, l, args[0])
	default:
		out, err = test(n.op, l, args)
	}
	if err != nil {
		return nil, err
	}
	return folded(out, append(args, l)...), nil
}

// operands compiles what is right of an operator; rows in a list stand for their first column.
func (e *env) operands(n opNode, rel *relation) ([]*expr, error) {
	var args []*expr
	listed := oneOf(strings.TrimPrefix(n.op, "!"), listTests)
	for _, a := range n.args {
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
		if x.kind != kBool && x.kind != kDynamic {
			return nil, semanticError("Operator '%s': a bool is expected, not %s", op, kinds[x.kind].kusto)
		}
	}
	decides := op == "or" // the value that settles it alone
	return &expr{kind: kBool, eval: func(row *row) value {
		a := l.eval(row)
		if a.k != kNull && a.truth() == decides {
			return vBool(decides)
		}
		b := r.eval(row)
		if b.k != kNull && b.truth() == decides {
			return vBool(decides)
		}
		if a.k == kNull || b.k == kNull {
			return value{}
		}
		return vBool(!decides)
	}}, nil
}

func test(op string, l *expr, args []*expr) (*expr, error) {
	base := strings.TrimPrefix(op, "!")
	listed := oneOf(base, listTests)
	if listed {
		args = spread(args)
	}
	textual := strings.HasSuffix(op, "~") || oneOf(base, wordTests) || strings.HasPrefix(base, "has_a")
	for i, a := range args {
		if base == "between" && i == 1 && a.kind == kTimespan && l.kind == kDatetime {
			continue // from there on
		}
		if !canCompare(l.kind, a.kind) {
			return nil, semanticError("Cannot compare values of types %s and %s. Try adding explicit casts",
				kinds[l.kind].kusto, kinds[a.kind].kusto)
		}
		if textual && a.kind != kString && a.kind != kDynamic && a.kind != kGuid {
			return nil, semanticError("Operator '%s': a string is expected, not %s", op, kinds[a.kind].kusto)
		}
	}
	if base == "between" && l.kind == kDatetime && args[0].kind == kDatetime && args[1].kind == kTimespan {
		to, err := arithmetic("+", args[0], args[1])
		if err != nil {
			return nil, err
		}
		args = []*expr{args[0], folded(to, args...)}
	}
	if have := constantSet(l.kind, args); have != nil && base == "in" {
		return &expr{kind: kBool, eval: func(r *row) value {
			_, ok := have[plain(l.eval(r))]
			return vBool(ok == (op == "in"))
		}}, nil
	}
	judge := judges[op]
	if judge == nil {
		judge = func(v value, args []value) value {
			positive := judges[base](v, args)
			if positive.k == kNull {
				return positive
			}
			return vBool(!positive.truth())
		}
	}
	got := make([]value, 0, len(args)) // a query is evaluated by one goroutine
	return &expr{kind: kBool, eval: func(r *row) value {
		got = got[:0]
		for _, a := range args {
			if v := a.eval(r); listed && a.konst == nil {
				got = appendElements(got, v)
			} else {
				got = append(got, v)
			}
		}
		return judge(l.eval(r), got)
	}}, nil
}

func arithmetic(op string, l, r *expr) (*expr, error) {
	k, ok := resultKind(op, l.kind, r.kind)
	if !ok {
		return nil, semanticError("Operator '%s' does not take %s and %s", op, kinds[l.kind].kusto, kinds[r.kind].kusto)
	}
	return &expr{kind: k, eval: func(row *row) value { return compute(op, k, l.eval(row), r.eval(row)) }}, nil
}

func resultKind(op string, l, r kind) (kind, bool) {
	switch {
	case l.numeric() && r.numeric():
		return max(l, r, kLong), l != kDecimal && r != kDecimal
	case l == kDatetime && r == kTimespan && (op == "+" || op == "-"):
		return kDatetime, true
	case l == kTimespan && r == kDatetime && op == "+":
		return kDatetime, true
	case l == kDatetime && r == kDatetime && op == "-":
		return kTimespan, true
	case l == kTimespan && r == kTimespan:
		if op == "/" {
			return kReal, true
		}
		return kTimespan, op != "*"
	case l == kTimespan && r.numeric():
		return kTimespan, op == "*" || op == "/"
	case l.numeric() && r == kTimespan:
		return kTimespan, op == "*"
	default:
		return kNull, false
	}
}

func compute(op string, k kind, a, b value) value {
	if a.k == kNull || b.k == kNull {
		return value{}
	}
	if k == kReal || a.k == kReal || b.k == kReal {
		f := realOf(op, a.real(), b.real())
		if k == kReal {
			return vReal(f)
		}
		return value{k: k, n: int64(f)}
	}
	if (op == "/" || op == "%") && b.n == 0 {
		return value{}
	}
	out := value{k: k}
	switch op {
	case "+":
		out.n = a.n + b.n
	case "-":
		out.n = a.n - b.n
	case "*":
		out.n = a.n * b.n
	case "/":
		out.n = a.n / b.n
	default:
		out.n = a.n % b.n
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
