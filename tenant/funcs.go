package tenant

import (
	"cmp"
	"strings"
)

// function is a scalar function: how many arguments it takes, its type and value.
type function struct {
	min, max int
	kind     func(args []*expr) kind
	eval     func(args []value) value
}

func always1(k kind) func([]*expr) kind { return func([]*expr) kind { return k } }

func kindOfArg(i int) func([]*expr) kind {
	return func(args []*expr) kind {
		for _, a := range args[i:] {
			if a.kind != kNull {
				return a.kind
			}
		}
		return kNull
	}
}

var functions map[string]function

func init() {
	cast := func(k kind) function {
		return function{1, 1, always1(k), func(a []value) value { return convert(a[0], k) }}
	}
	textFunc := func(f func(string) string) function {
		return function{1, 1, always1(kString), func(a []value) value { return vString(f(a[0].text())) }}
	}
	boolFunc := func(f func(value) bool) function {
		return function{1, 1, always1(kBool), func(a []value) value { return vBool(f(a[0])) }}
	}
	isEmpty := func(v value) bool { return v.k == kNull || v.text() == "" }
	isNull := func(v value) bool { return v.k == kNull }
	functions = map[string]function{
		"tostring": cast(kString), "tolong": cast(kLong), "toint": cast(kInt), "toreal": cast(kReal),
		"todouble": cast(kReal), "tobool": cast(kBool), "todatetime": cast(kDatetime), "totimespan": cast(kTimespan),
		"toguid": cast(kGuid), "parse_json": cast(kDynamic), "todynamic": cast(kDynamic),
		"tolower": textFunc(strings.ToLower), "toupper": textFunc(strings.ToUpper),
		"strlen":        {1, 1, always1(kLong), func(a []value) value { return vLong(int64(len([]rune(a[0].text())))) }},
		"isnull":        boolFunc(isNull),
		"isempty":       boolFunc(isEmpty),
		"isnotnull":     boolFunc(func(v value) bool { return !isNull(v) }),
		"isnotempty":    boolFunc(func(v value) bool { return !isEmpty(v) }),
		"not":           {1, 1, always1(kBool), func(a []value) value { return negate(a[0]) }},
		"-":             {1, 1, kindOfArg(0), minus},
		"abs":           {1, 1, kindOfArg(0), abs},
		"bin":           {2, 2, kindOfArg(0), func(a []value) value { return bin(a[0], a[1]) }},
		"floor":         {2, 2, kindOfArg(0), func(a []value) value { return bin(a[0], a[1]) }},
		"iff":           {3, 3, kindOfArg(1), choose},
		"iif":           {3, 3, kindOfArg(1), choose},
		"strcat":        {1, 64, always1(kString), strcat},
		"coalesce":      {2, 64, kindOfArg(0), coalesce},
		"substring":     {2, 3, always1(kString), substring},
		"startofday":    {1, 1, always1(kDatetime), func(a []value) value { return bin(a[0], vSpan(tickDay)) }},
		"min_of":        {2, 64, kindOfArg(0), func(a []value) value { return extreme(a, -1) }},
		"max_of":        {2, 64, kindOfArg(0), func(a []value) value { return extreme(a, 1) }},
		"hash":          {1, 2, always1(kLong), hash},
		"hash_xxhash64": {1, 2, always1(kLong), hash},
		"gettype":       {1, 1, always1(kString), func(a []value) value { return vString(kinds[a[0].k].kusto) }},
		"array_length":  {1, 1, always1(kLong), arrayLength},
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
	args := make([]*expr, len(n.args))
	for i, a := range n.args {
		var err error
		if args[i], err = e.expr(a, rel); err != nil {
			return nil, err
		}
	}
	if k := args[0].kind; n.name == "abs" && !k.numeric() && k != kTimespan {
		return nil, semanticError("abs(): it does not take %s", kinds[k].kusto)
	}
	if strings.HasPrefix(n.name, "hash") && args[0].kind == kDynamic {
		return nil, semanticError("%s(): a scalar is expected, not dynamic. Try tostring()", n.name)
	}
	got := make([]value, len(args)) // a query is evaluated by one goroutine
	return folded(&expr{kind: f.kind(args), bin: binningOf(n.name, args), eval: func(r *row) value {
		for i, a := range args {
			got[i] = a.eval(r)
		}
		return f.eval(got)
	}}, args...), nil
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
