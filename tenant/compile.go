package tenant

import (
	"fmt"
	"slices"
	"strings"
)

// env is what a query is compiled against.
type env struct {
	tenant   *Tenant
	stopped  func() bool // the client is gone: scans end early
	now      int64
	timespan span // Graph's Timespan, on event time
	names    map[string]thing
	window   *window // where row functions may stand
	spent    *int    // pipelines compiled, functions as often as they are called
}

// maxPipelines bounds what functions that call functions grow to.
const maxPipelines = 10_000

// compile turns a query into rows to come.
func (e *env) compile(q *block) (*relation, error) {
	return e.rowsOf(e.block(q))
}

func (e *env) pipeline(p *pipeline, around *relation) (*relation, error) {
	if *e.spent++; *e.spent > maxPipelines {
		return nil, semanticError("The query is too complex")
	}
	rel, err := around, error(nil)
	if p.source != nil {
		if rel, err = e.source(p.source); err != nil {
			return nil, err
		}
	}
	for _, s := range p.steps {
		if rel, err = e.step(rel, s); err != nil {
			return nil, err
		}
	}
	return rel, nil
}

func (e *env) source(x node) (*relation, error) {
	m, ok := x.(makerNode)
	if !ok {
		return e.rowsOf(e.thing(x))
	}
	switch m.op.name {
	case "union":
		return e.union(nil, m.op)
	case "range":
		return e.stretch(m.op)
	case "datatable":
		return e.datatable(m.op)
	default:
		cols, err := e.columns(&relation{}, m.op.cols, "print_")
		if err != nil {
			return nil, err
		}
		one := rowsRelation(nil, [][]value{nil})
		return one.with(cols), nil
	}
}

// steps compile the operators.
var steps map[string]func(*env, *relation, operator) (*relation, error)

func init() {
	take := func(e *env, rel *relation, s operator) (*relation, error) {
		n, err := e.number(s.cond)
		return take(rel, n), err
	}
	pick := func(_ *env, rel *relation, s operator) (*relation, error) { return pick(rel, s), nil }
	steps = map[string]func(*env, *relation, operator) (*relation, error){
		"where": (*env).where, "take": take, "sample": take, "extend": (*env).extend, "project": (*env).project,
		"project-rename": (*env).rename, "project-away": pick, "project-keep": pick, "project-reorder": pick,
		"count": (*env).counted, "summarize": (*env).summarize, "distinct": (*env).distinct,
		"sample-distinct": (*env).sampleDistinct, "sort": (*env).sort, "top": (*env).top, "union": (*env).union,
		"getschema": func(_ *env, rel *relation, _ operator) (*relation, error) { return getschema(rel), nil },
		"render":    func(_ *env, rel *relation, _ operator) (*relation, error) { return rel, nil },
		"serialize": (*env).serialize, "join": (*env).join, "lookup": (*env).join, "as": (*env).as,
		"mv-expand": (*env).expand, "mv-apply": (*env).apply, "partition": (*env).partition, "invoke": (*env).invoke,
		"parse": (*env).parse, "parse-where": (*env).parse,
	}
}

func (e *env) step(rel *relation, s operator) (*relation, error) {
	if w := rel.windowFor(s); w != nil {
		inner := *e
		inner.window, rel = w, w.rel
		e = &inner
	}
	return steps[s.name](e, rel, s)
}

func (e *env) project(rel *relation, s operator) (*relation, error) {
	cols, err := e.columns(rel, s.cols, "Column")
	if err != nil {
		return nil, err
	}
	return rel.with(cols), nil
}

func (e *env) counted(rel *relation, s operator) (*relation, error) {
	return e.summarize(rel, operator{cols: []named{{name: s.names[0], x: callNode{name: "count"}}}})
}

func (e *env) distinct(rel *relation, s operator) (*relation, error) {
	if len(s.names) > 0 {
		for _, c := range rel.columns {
			s.by = append(s.by, named{x: refNode{name: c.name}})
		}
	}
	return e.summarize(rel, s)
}

func (e *env) sampleDistinct(rel *relation, s operator) (*relation, error) {
	n, err := e.number(s.cond)
	if err != nil {
		return nil, err
	}
	rel, err = e.summarize(rel, s)
	if err != nil {
		return nil, err
	}
	return take(rel, n), nil
}

func (e *env) top(rel *relation, s operator) (*relation, error) {
	n, err := e.number(s.cond)
	if err != nil {
		return nil, err
	}
	sorted, err := e.sort(rel, s)
	if err != nil {
		return nil, err
	}
	return take(sorted, n), nil
}

// as names the rows for what follows.
func (e *env) as(rel *relation, s operator) (*relation, error) {
	e.names[s.names[0]] = thing{rel: rel}
	return rel, nil
}

func (e *env) invoke(rel *relation, s operator) (*relation, error) {
	call, ok := s.cond.(callNode)
	if !ok {
		return nil, semanticError("invoke operator: a call is expected")
	}
	f := e.names[call.name].fn
	if f == nil {
		return nil, semanticError("Unknown function: '%s'", call.name)
	}
	return e.rowsOf(e.inline(call.name, f, []thing{{rel: rel}}, call.args, nil))
}

// number reads a constant count.
func (e *env) number(x node) (int, error) {
	n, err := e.expr(x, nil)
	if err != nil {
		return 0, err
	}
	if n.konst == nil || n.konst.k != kLong && n.konst.k != kInt {
		return 0, semanticError("The number of rows must be a constant of type long")
	}
	return int(max(0, n.konst.n)), nil
}

// columns compiles named expressions; prefix names those that have no name.
func (e *env) columns(rel *relation, list []named, prefix string) ([]relColumn, error) {
	var out []relColumn
	for i, c := range list {
		x, err := e.expr(c.x, rel)
		if err != nil {
			return nil, err
		}
		name := c.name
		if name == "" {
			name = autoName(c.x)
		}
		if name == "" {
			name = fmt.Sprintf("%s%d", prefix, i+1)
			if prefix == "print_" {
				name = fmt.Sprintf("%s%d", prefix, i)
			}
		}
		out = append(out, relColumn{name: unique(out, name), expr: x})
	}
	return out, nil
}

// autoName is the name that an expression without one gives its column.
func autoName(x node) string {
	switch n := x.(type) {
	case refNode:
		return n.name
	case pathNode:
		name := n.name
		if lit, ok := n.index.(litNode); ok {
			name = lit.val.text()
		}
		return strings.Trim(autoName(n.x)+"_"+name, "_")
	case callNode:
		return autoCallName(n)
	}
	return ""
}

// namesake is the functions whose column is named like their first argument.
var namesake = []string{
	"tostring", "tolong", "toint", "toreal", "todouble", "tobool", "todatetime", "totimespan", "toguid", "parse_json", "todynamic",
	"bin", "floor", "startofday", "split", "abs", "round", "ceiling", "log", "pow", "sqrt", "exp", "format_datetime", "tohex",
}

func autoCallName(n callNode) string {
	arg := ""
	if len(n.args) > 0 {
		arg = autoName(n.args[0])
	}
	prefix, marked := n.name, false
	switch n.name {
	case "ingestion_time":
		return "$IngestionTime"
	case "strlen":
		marked = true
	case "gettype":
		prefix, marked = "type", true
	case "arg_max", "arg_min", "take_any", "any":
		return arg
	case "countif":
		return "countif_"
	case "make_set", "make_set_if", "make_list", "make_list_if":
		prefix = strings.TrimSuffix(strings.TrimPrefix(n.name, "make_"), "_if")
	}
	switch {
	case slices.Contains(namesake, n.name), marked && arg == "":
		return map[bool]string{true: "", false: arg}[marked]
	case marked, aggregate(n.name):
		return prefix + "_" + arg
	default:
		return ""
	}
}

// unique gives a name that is taken a number, as Kusto does.
func unique(have []relColumn, name string) string {
	for i, out := 0, name; ; {
		taken := false
		for _, c := range have {
			taken = taken || c.name == out
		}
		if !taken {
			return out
		}
		i++
		out = fmt.Sprintf("%s%d", name, i)
	}
}
