package tenant

import (
	"cmp"
	"slices"
	"strings"
)

// function is a scalar function: how many arguments it takes, the kind of what it answers
// to arguments of theirs, false where it takes none such, and its value.
type function struct {
	min, max int
	kind     func(args []kind) (kind, bool)
	eval     func(args []value) value
}

// answers is the kind of a function that takes any arguments, or these and more.
func answers(k kind, takes ...func(kind) bool) func([]kind) (kind, bool) {
	return func(args []kind) (kind, bool) {
		for i, take := range takes {
			if i < len(args) && !take(args[i]) {
				return k, false
			}
		}
		return k, true
	}
}

func is(kinds ...kind) func(kind) bool {
	return func(k kind) bool { return slices.Contains(kinds, k) }
}

// common is the kind that arguments have, the widest of numbers.
func common(args []kind) (kind, bool) {
	out := args[0]
	for _, k := range args[1:] {
		switch {
		case k == out:
		case k.numeric() && out.numeric():
			out = max(out, k)
		default:
			return out, false
		}
	}
	return out, true
}

// eitherKind is the kind of iff: a dynamic becomes what the other is.
func eitherKind(args []kind) (kind, bool) {
	if args[0] != kBool {
		return kNull, false
	}
	switch kDynamic {
	case args[1]:
		return args[2], true
	case args[2]:
		return args[1], true
	}
	return common(args[1:])
}

func extremeKind(args []kind) (kind, bool) {
	out, ok := common(args)
	_, ordered := orderable(out)
	return out, ok && ordered
}

// signedKind is the kind of a number or length of time without or with another sign.
func signedKind(args []kind) (kind, bool) {
	if k := args[0]; k != kInt {
		return k, k == kLong || k == kReal || k == kTimespan
	}
	return kLong, true
}

func binKind(args []kind) (kind, bool) {
	v, w := args[0], args[1]
	if v == kDatetime || v == kTimespan {
		return v, w == kTimespan
	}
	return max(v, w, kLong), v.numeric() && w.numeric() && v != kDecimal && w != kDecimal
}

var functions map[string]function

func init() {
	texts := is(kString, kDynamic)
	cast := func(k kind) function {
		return function{1, 1, answers(k), func(a []value) value { return convert(a[0], k) }}
	}
	textFunc := func(f func(string) string) function {
		return function{1, 1, answers(kString, texts), func(a []value) value { return vString(f(a[0].text())) }}
	}
	boolFunc := func(f func(value) bool) function {
		return function{1, 1, answers(kBool), func(a []value) value { return vBool(f(a[0])) }}
	}
	isEmpty := func(v value) bool { return v.k == kNull || v.text() == "" }
	isNull := func(v value) bool { return v.k == kNull }
	parsed := cast(kDynamic)
	parsed.kind = answers(kDynamic, texts)
	hashed := function{1, 2, answers(kLong, func(k kind) bool { return k != kDynamic }, is(kInt, kLong)), hash}
	binned := function{2, 2, binKind, func(a []value) value { return bin(a[0], a[1]) }}
	chosen := function{3, 3, eitherKind, choose}
	functions = map[string]function{
		"tostring": cast(kString), "tolong": cast(kLong), "toint": cast(kInt), "toreal": cast(kReal),
		"todouble": cast(kReal), "tobool": cast(kBool), "todatetime": cast(kDatetime), "totimespan": cast(kTimespan),
		"toguid": cast(kGuid), "parse_json": parsed, "todynamic": parsed,
		"tolower": textFunc(strings.ToLower), "toupper": textFunc(strings.ToUpper),
		"strlen":        {1, 1, answers(kLong, texts), func(a []value) value { return vLong(int64(len([]rune(a[0].text())))) }},
		"isnull":        boolFunc(isNull),
		"isempty":       boolFunc(isEmpty),
		"isnotnull":     boolFunc(func(v value) bool { return !isNull(v) }),
		"isnotempty":    boolFunc(func(v value) bool { return !isEmpty(v) }),
		"not":           {1, 1, answers(kBool, is(kBool)), func(a []value) value { return negate(a[0]) }},
		"-":             {1, 1, signedKind, minus},
		"abs":           {1, 1, signedKind, abs},
		"bin":           binned,
		"floor":         binned,
		"iff":           chosen,
		"iif":           chosen,
		"strcat":        {1, 64, answers(kString), strcat},
		"coalesce":      {2, 64, common, coalesce},
		"substring":     {2, 3, answers(kString, texts, is(kInt, kLong), is(kInt, kLong)), substring},
		"startofday":    {1, 1, answers(kDatetime, is(kDatetime)), func(a []value) value { return bin(a[0], vSpan(tickDay)) }},
		"min_of":        {2, 64, extremeKind, func(a []value) value { return extreme(a, -1) }},
		"max_of":        {2, 64, extremeKind, func(a []value) value { return extreme(a, 1) }},
		"hash":          hashed,
		"hash_xxhash64": hashed,
		"gettype":       {1, 1, answers(kString), func(a []value) value { return vString(kinds[a[0].k].kusto) }},
		"array_length":  {1, 1, answers(kLong, is(kDynamic)), arrayLength},
	}
}

// call compiles a function call.
func (e *env) call(n callNode, rel *relation) (*expr, error) {
	switch n.name {
	case "ingestion_time":
		if rel == nil {
			return nil, semanticError("ingestion_time(): no table to take it of")
		}
		if rel.ingested == nil { // lost after join, union or summarize
			return &expr{kind: kDatetime, eval: func(*row) value { return value{} }}, nil
		}
		return rel.ingested, nil
	case "now", "ago":
		return e.nowish(n, rel)
	case "datetime_add", "datetime_diff":
		return e.byPeriod(n, rel)
	case "toscalar":
		return e.toScalar(n, rel)
	case "column_ifexists":
		return e.columnIfExists(n, rel)
	case "pack_all":
		if rel == nil {
			return nil, semanticError("pack_all(): no row to take it of")
		}
		return packAll(rel), nil
	}
	if own := e.names[n.name].fn; own != nil {
		return e.valueOf(e.inline(n.name, own, nil, n.args, cmp.Or(rel, &relation{})))
	}
	if rowFunctions[n.name] {
		return e.rowFunction(n, rel)
	}
	f, ok := functions[n.name]
	if !ok {
		return nil, semanticError("Unknown function: '%s'", n.name)
	}
	if len(n.args) < f.min || len(n.args) > f.max {
		return nil, semanticError("%s(): %d arguments are not what it takes", n.name, len(n.args))
	}
	args, of := make([]*expr, len(n.args)), make([]kind, len(n.args))
	for i, a := range n.args {
		var err error
		if args[i], err = e.expr(a, rel); err != nil {
			return nil, err
		}
		of[i] = args[i].kind
	}
	k, ok := f.kind(of)
	if !ok {
		return nil, semanticError("%s(): it does not take arguments of type %s", n.name, typesOf(of))
	}
	got := make([]value, len(args)) // a query is evaluated by one goroutine
	return folded(&expr{kind: k, bin: binningOf(n.name, args), eval: func(r *row) value {
		for i, a := range args {
			got[i] = a.eval(r)
		}
		return convert(f.eval(got), k)
	}}, args...), nil
}

func typesOf(of []kind) string {
	var names []string
	for _, k := range of {
		names = append(names, kinds[k].kusto)
	}
	return strings.Join(names, ", ")
}

func (e *env) columnIfExists(n callNode, rel *relation) (*expr, error) {
	if len(n.args) != 2 || rel == nil {
		return nil, semanticError("column_ifexists(): the name of a column and a default are expected")
	}
	if lit, ok := n.args[0].(litNode); ok && lit.typ == kString {
		if x, ok := rel.find(lit.val.s); ok {
			return x, nil
		}
		return e.expr(n.args[1], rel)
	}
	return nil, semanticError("column_ifexists(): the name of a column is expected")
}

func binningOf(name string, args []*expr) binning {
	if name != "bin" && name != "floor" || args[1].konst == nil || args[1].konst.k != kTimespan || args[1].konst.n <= 0 {
		return binning{}
	}
	return binning{clock: args[0].clock, width: args[1].konst.n}
}

func (e *env) nowish(n callNode, rel *relation) (*expr, error) {
	at := e.now
	if n.name == "ago" && len(n.args) != 1 || len(n.args) > 1 {
		return nil, semanticError("%s(): %d arguments are not what it takes", n.name, len(n.args))
	}
	if len(n.args) == 1 {
		x, err := e.expr(n.args[0], rel)
		if err != nil {
			return nil, err
		}
		if x.konst == nil || x.konst.k != kTimespan {
			return nil, semanticError("%s(): a constant timespan is expected", n.name)
		}
		if n.name == "ago" {
			at -= x.konst.n
		} else {
			at += x.konst.n
		}
	}
	return constant(kDatetime, vTime(at)), nil
}

// packAll makes one bag of all columns of a row.
func packAll(rel *relation) *expr {
	columns := rel.columns
	return &expr{kind: kDynamic, eval: func(r *row) value {
		b := []byte{'{'}
		for i, c := range columns {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, c.name), ':')
			b = appendElement(b, convert(c.expr.eval(r), c.expr.kind))
		}
		return vJSON(string(append(b, '}')))
	}}
}
