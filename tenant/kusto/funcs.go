package kusto

import (
	"cmp"
	"slices"
	"strings"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// function is a scalar function: how many arguments it takes, the kind of what it answers
// to arguments of theirs, false where it takes none such, and its value.
type function struct {
	min, max int
	kind     func(args []data.Kind) (data.Kind, bool)
	eval     func(args []data.Value) data.Value
}

// answers is the kind of a function that takes any arguments, or these and more.
func answers(k data.Kind, takes ...func(data.Kind) bool) func([]data.Kind) (data.Kind, bool) {
	return func(args []data.Kind) (data.Kind, bool) {
		for i, take := range takes {
			if i < len(args) && !take(args[i]) {
				return k, false
			}
		}
		return k, true
	}
}

func is(kinds ...data.Kind) func(data.Kind) bool {
	return func(k data.Kind) bool { return slices.Contains(kinds, k) }
}

// common is the kind that arguments have, the widest of numbers.
func common(args []data.Kind) (data.Kind, bool) {
	out := args[0]
	for _, k := range args[1:] {
		switch {
		case k == out:
		case k.Numeric() && out.Numeric():
			out = max(out, k)
		default:
			return out, false
		}
	}
	return out, true
}

// eitherKind is the kind of iff: a dynamic becomes what the other is.
func eitherKind(args []data.Kind) (data.Kind, bool) {
	if args[0] != data.KindBool {
		return data.KindNull, false
	}
	switch data.KindDynamic {
	case args[1]:
		return args[2], true
	case args[2]:
		return args[1], true
	}
	return common(args[1:])
}

func extremeKind(args []data.Kind) (data.Kind, bool) {
	out, ok := common(args)
	_, ordered := orderable(out)
	return out, ok && ordered
}

// signedKind is the kind of a number or length of time without or with another sign.
func signedKind(args []data.Kind) (data.Kind, bool) {
	if k := args[0]; k != data.KindInt {
		return k, k == data.KindLong || k == data.KindReal || k == data.KindTimespan
	}
	return data.KindLong, true
}

func binKind(args []data.Kind) (data.Kind, bool) {
	v, w := args[0], args[1]
	if v == data.KindDatetime || v == data.KindTimespan {
		return v, w == data.KindTimespan
	}
	return max(v, w, data.KindLong), v.Numeric() && w.Numeric() && v != data.KindDecimal && w != data.KindDecimal
}

var functions map[string]function

func init() {
	texts := is(data.KindString, data.KindDynamic)
	cast := func(k data.Kind) function {
		return function{1, 1, answers(k), func(a []data.Value) data.Value { return data.Convert(a[0], k) }}
	}
	textFunc := func(f func(string) string) function {
		return function{1, 1, answers(data.KindString, texts), func(a []data.Value) data.Value { return data.String(f(a[0].String())) }}
	}
	boolFunc := func(f func(data.Value) bool) function {
		return function{1, 1, answers(data.KindBool), func(a []data.Value) data.Value { return data.Bool(f(a[0])) }}
	}
	isEmpty := func(v data.Value) bool { return v.Kind == data.KindNull || v.String() == "" }
	isNull := func(v data.Value) bool { return v.Kind == data.KindNull }
	parsed := cast(data.KindDynamic)
	parsed.kind = answers(data.KindDynamic, texts)
	hashed := function{1, 2, answers(data.KindLong, func(k data.Kind) bool { return k != data.KindDynamic }, is(data.KindInt, data.KindLong)), hash}
	binned := function{2, 2, binKind, func(a []data.Value) data.Value { return bin(a[0], a[1]) }}
	chosen := function{3, 3, eitherKind, choose}
	functions = map[string]function{
		"tostring": cast(data.KindString), "tolong": cast(data.KindLong), "toint": cast(data.KindInt), "toreal": cast(data.KindReal),
		"todouble": cast(data.KindReal), "tobool": cast(data.KindBool), "todatetime": cast(data.KindDatetime), "totimespan": cast(data.KindTimespan),
		"toguid": cast(data.KindGuid), "parse_json": parsed, "todynamic": parsed,
		"tolower": textFunc(strings.ToLower), "toupper": textFunc(strings.ToUpper),
		"strlen":        {1, 1, answers(data.KindLong, texts), func(a []data.Value) data.Value { return data.Long(int64(len([]rune(a[0].String())))) }},
		"isnull":        boolFunc(isNull),
		"isempty":       boolFunc(isEmpty),
		"isnotnull":     boolFunc(func(v data.Value) bool { return !isNull(v) }),
		"isnotempty":    boolFunc(func(v data.Value) bool { return !isEmpty(v) }),
		"not":           {1, 1, answers(data.KindBool, is(data.KindBool)), func(a []data.Value) data.Value { return negate(a[0]) }},
		"-":             {1, 1, signedKind, minus},
		"abs":           {1, 1, signedKind, abs},
		"bin":           binned,
		"floor":         binned,
		"iff":           chosen,
		"iif":           chosen,
		"strcat":        {1, 64, answers(data.KindString), strcat},
		"coalesce":      {2, 64, common, coalesce},
		"substring":     {2, 3, answers(data.KindString, texts, is(data.KindInt, data.KindLong), is(data.KindInt, data.KindLong)), substring},
		"startofday":    {1, 1, answers(data.KindDatetime, is(data.KindDatetime)), func(a []data.Value) data.Value { return bin(a[0], data.Timespan(data.TickDay)) }},
		"min_of":        {2, 64, extremeKind, func(a []data.Value) data.Value { return extreme(a, -1) }},
		"max_of":        {2, 64, extremeKind, func(a []data.Value) data.Value { return extreme(a, 1) }},
		"hash":          hashed,
		"hash_xxhash64": hashed,
		"gettype":       {1, 1, answers(data.KindString), func(a []data.Value) data.Value { return data.String(a[0].Kind.String()) }},
		"array_length":  {1, 1, answers(data.KindLong, is(data.KindDynamic)), arrayLength},
	}
}

// call compiles a function call.
func (e *env) call(n syntax.Call, rel *Relation) (*expr, error) {
	switch n.Name {
	case "ingestion_time":
		if rel == nil {
			return nil, semanticError("ingestion_time(): no table to take it of")
		}
		if rel.ingested == nil { // lost after join, union or summarize
			return &expr{kind: data.KindDatetime, eval: func(*Row) data.Value { return data.Value{} }}, nil
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
	if own := e.names[n.Name].fn; own != nil {
		return e.valueOf(e.inline(n.Name, own, nil, n.Args, cmp.Or(rel, &Relation{})))
	}
	if rowFunctions[n.Name] {
		return e.rowFunction(n, rel)
	}
	f, ok := functions[n.Name]
	if !ok {
		return nil, semanticError("Unknown function: '%s'", n.Name)
	}
	if len(n.Args) < f.min || len(n.Args) > f.max {
		return nil, semanticError("%s(): %d arguments are not what it takes", n.Name, len(n.Args))
	}
	args, of := make([]*expr, len(n.Args)), make([]data.Kind, len(n.Args))
	for i, a := range n.Args {
		var err error
		if args[i], err = e.expr(a, rel); err != nil {
			return nil, err
		}
		of[i] = args[i].kind
	}
	k, ok := f.kind(of)
	if !ok {
		return nil, semanticError("%s(): it does not take arguments of type %s", n.Name, typesOf(of))
	}
	got := make([]data.Value, len(args)) // a query is evaluated by one goroutine
	return folded(&expr{kind: k, bin: binningOf(n.Name, args), eval: func(r *Row) data.Value {
		for i, a := range args {
			got[i] = a.eval(r)
		}
		return data.Convert(f.eval(got), k)
	}}, args...), nil
}

func typesOf(of []data.Kind) string {
	var names []string
	for _, k := range of {
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}

func (e *env) columnIfExists(n syntax.Call, rel *Relation) (*expr, error) {
	if len(n.Args) != 2 || rel == nil {
		return nil, semanticError("column_ifexists(): the name of a column and a default are expected")
	}
	if lit, ok := n.Args[0].(syntax.Literal); ok && lit.Kind == data.KindString {
		if x, ok := rel.find(lit.Value.Text); ok {
			return x, nil
		}
		return e.expr(n.Args[1], rel)
	}
	return nil, semanticError("column_ifexists(): the name of a column is expected")
}

func binningOf(name string, args []*expr) binning {
	if name != "bin" && name != "floor" || args[1].konst == nil || args[1].konst.Kind != data.KindTimespan || args[1].konst.Int <= 0 {
		return binning{}
	}
	return binning{clock: args[0].clock, width: args[1].konst.Int}
}

func (e *env) nowish(n syntax.Call, rel *Relation) (*expr, error) {
	at := e.now
	if n.Name == "ago" && len(n.Args) != 1 || len(n.Args) > 1 {
		return nil, semanticError("%s(): %d arguments are not what it takes", n.Name, len(n.Args))
	}
	if len(n.Args) == 1 {
		x, err := e.expr(n.Args[0], rel)
		if err != nil {
			return nil, err
		}
		if x.konst == nil || x.konst.Kind != data.KindTimespan {
			return nil, semanticError("%s(): a constant timespan is expected", n.Name)
		}
		if n.Name == "ago" {
			at -= x.konst.Int
		} else {
			at += x.konst.Int
		}
	}
	return constant(data.KindDatetime, data.Datetime(at)), nil
}

// packAll makes one bag of all columns of a row.
func packAll(rel *Relation) *expr {
	columns := rel.columns
	return &expr{kind: data.KindDynamic, eval: func(r *Row) data.Value {
		b := []byte{'{'}
		for i, c := range columns {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(data.AppendQuoted(b, c.name), ':')
			b = data.AppendElement(b, data.Convert(c.expr.eval(r), c.expr.kind))
		}
		return data.Dynamic(string(append(b, '}')))
	}}
}
