package tenant

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
		names := naming{printed: true}
		if err := e.name(&names, &relation{}, m.op.cols); err != nil {
			return nil, err
		}
		one := rowsRelation(nil, [][]value{nil})
		return one.with(names.out), nil
	}
}

// steps compile the operators.
var steps map[string]func(*env, *relation, operator) (*relation, error)

func init() {
	take := func(e *env, rel *relation, s operator) (*relation, error) {
		n, err := e.number(s.cond)
		return take(rel, n), err
	}
	pick := func(_ *env, rel *relation, s operator) (*relation, error) { return pick(rel, s) }
	steps = map[string]func(*env, *relation, operator) (*relation, error){
		"where": (*env).where, "take": take, "sample": take, "extend": (*env).extend, "project": (*env).project,
		"project-rename": (*env).rename, "project-away": pick, "project-keep": pick, "project-reorder": pick,
		"count": (*env).counted, "summarize": (*env).summarize, "make-series": (*env).makeSeries, "distinct": (*env).distinct,
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
	cols, err := e.columns(rel, s.cols)
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
