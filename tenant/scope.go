package tenant

import (
	"maps"
	"slices"
)

// thing is what a name or an expression stands for: a value, rows, or a function.
type thing struct {
	x   *expr
	rel *relation
	fn  *lambda
}

// lambda is a function of the query, with the names it sees.
type lambda struct {
	params []param
	body   *block
	env    *env
}

// child sees what e sees; what it names stays its own.
func (e *env) child() *env {
	out := *e
	out.names = maps.Clone(e.names)
	return &out
}

// outside is e for rows that are made apart from the row at hand, and so see nothing of it.
func (e *env) outside() *env {
	out := e.child()
	out.window = nil
	maps.DeleteFunc(out.names, func(_ string, t thing) bool { return t.x != nil && t.x.konst == nil })
	return out
}

func (e *env) block(b *block) (thing, error) {
	for _, let := range b.lets {
		if n, ok := let.x.(lambdaNode); ok {
			e.names[let.name] = thing{fn: &lambda{params: n.params, body: n.body, env: e.child()}}
			continue
		}
		t, err := e.thing(let.x)
		if err != nil {
			return thing{}, err
		}
		e.names[let.name] = t
	}
	return e.thing(b.main)
}

// rowsOf wants rows.
func (e *env) rowsOf(t thing, err error) (*relation, error) {
	if err == nil && t.rel == nil {
		err = semanticError("A tabular expression is expected")
	}
	return t.rel, err
}

// valueOf wants a value.
func (e *env) valueOf(t thing, err error) (*expr, error) {
	if err == nil && t.x == nil {
		err = semanticError("A scalar expression is expected, not a tabular one. Try toscalar()")
	}
	return t.x, err
}

// thing compiles what is not within the row of a table.
func (e *env) thing(x node) (thing, error) {
	switch n := x.(type) {
	case rowsNode:
		rel, err := e.pipeline(n.rows, nil)
		return thing{rel: rel}, err
	case makerNode:
		rel, err := e.source(n)
		return thing{rel: rel}, err
	case refNode:
		return e.called(n.name)
	case callNode:
		if f := e.names[n.name].fn; f != nil {
			return e.inline(n.name, f, nil, n.args, nil)
		}
		switch n.name {
		case "materialize":
			return e.materialize(n)
		case "table":
			if lit, ok := onlyText(n.args); ok {
				return e.called(lit)
			}
			return thing{}, semanticError("table(): the name of a table is expected")
		}
	}
	v, err := e.expr(x, nil)
	return thing{x: v}, err
}

func onlyText(args []node) (string, bool) {
	if len(args) != 1 {
		return "", false
	}
	lit, ok := args[0].(litNode)
	return lit.val.s, ok && lit.typ == kString
}

// materialize changes no answer: nothing here is different the second time.
func (e *env) materialize(n callNode) (thing, error) {
	if len(n.args) != 1 {
		return thing{}, semanticError("materialize(): %d arguments are not what it takes", len(n.args))
	}
	rel, err := e.rowsOf(e.thing(n.args[0]))
	return thing{rel: rel}, err
}

// called is what a bare name means: a let, a function without parameters, a table.
func (e *env) called(name string) (thing, error) {
	t, ok := e.names[name]
	switch {
	case ok && t.fn != nil:
		return e.inline(name, t.fn, nil, nil, nil)
	case ok:
		return t, nil
	}
	if tbl, ok := e.tenant.table(name); ok {
		return thing{rel: tableRelation(e, tbl)}, nil
	}
	return thing{}, unresolved(name)
}

// inline puts a function's body in the place of its call; first are arguments already
// made, row is where the others may take columns of.
func (e *env) inline(name string, f *lambda, first []thing, args []node, row *relation) (thing, error) {
	if *e.spent++; *e.spent > maxPipelines {
		return thing{}, semanticError("The query is too complex")
	}
	given, err := e.given(name, f, first, args, row)
	if err != nil {
		return thing{}, err
	}
	body := f.env.child()
	body.window = e.window
	for i, p := range f.params {
		t := given[i]
		if t == (thing{}) {
			if p.value == nil {
				return thing{}, semanticError("%s(): the argument '%s' is missing", name, p.name)
			}
			if t, err = f.env.child().thing(p.value); err != nil {
				return thing{}, err
			}
		}
		if t, err = bound(name, p, t); err != nil {
			return thing{}, err
		}
		body.names[p.name] = t
	}
	t, err := body.block(f.body)
	if err == nil && t.rel != nil {
		t.rel = t.rel.seal(nil)
	}
	return t, err
}

// given is the arguments of a call in the order of the parameters, nothing for one that is
// not given; those by name come last.
func (e *env) given(name string, f *lambda, first []thing, args []node, row *relation) ([]thing, error) {
	if len(first)+len(args) > len(f.params) {
		return nil, semanticError("%s(): %d arguments are not what it takes", name, len(first)+len(args))
	}
	out, byName := make([]thing, len(f.params)), false
	copy(out, first)
	for i, a := range args {
		at := len(first) + i
		if arg, ok := a.(argNode); ok {
			byName, a = true, arg.x
			at = slices.IndexFunc(f.params, func(p param) bool { return p.name == arg.name })
			if at < 0 || out[at] != (thing{}) {
				return nil, semanticError("%s(): the argument name '%s' does not refer to a parameter that is not given yet", name, arg.name)
			}
		} else if byName {
			return nil, semanticError("%s(): an argument without a name behind one with a name", name)
		}
		var err error
		if out[at], err = e.argument(a, row); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *env) argument(a node, row *relation) (thing, error) {
	if row == nil || e.isRows(a, row) {
		return e.thing(a)
	}
	x, err := e.expr(a, row)
	return thing{x: x}, err
}

// bound makes an argument fit its parameter.
func bound(name string, p param, t thing) (thing, error) {
	if p.tabular != (t.rel != nil) {
		return t, semanticError("%s(): the argument '%s' is of another type", name, p.name)
	}
	if p.tabular {
		for _, c := range p.columns {
			if x, ok := t.rel.find(c.name); !ok || x.kind != c.kind {
				return t, semanticError("%s(): the tabular argument '%s' does not have the column '%s' of type %s", name, p.name, c.name, kinds[c.kind].kusto)
			}
		}
		return thing{rel: t.rel.seal(append([]column{}, p.columns...))}, nil
	}
	if t.x == nil || t.x.kind == p.kind {
		return t, nil
	}
	from := t.x
	if from.kind != kDynamic && from.kind != kNull && p.kind != kDynamic && (!from.kind.numeric() || !p.kind.numeric()) {
		return t, semanticError("%s(): the argument '%s' is %s, not %s", name, p.name, kinds[from.kind].kusto, kinds[p.kind].kusto)
	}
	cast := &expr{kind: p.kind, eval: func(r *row) value { return convert(from.eval(r), p.kind) }}
	return thing{x: folded(cast, from)}, nil
}

// isRows says whether an expression within a row of rel stands for rows of its own.
func (e *env) isRows(x node, rel *relation) bool {
	switch n := x.(type) {
	case rowsNode, makerNode:
		return true
	case refNode:
		if rel != nil {
			if _, column := rel.find(n.name); column {
				return false
			}
		}
		t, ok := e.names[n.name]
		if !ok {
			_, ok = e.tenant.table(n.name)
			return ok
		}
		if t.fn != nil {
			t, _ = e.outside().called(n.name)
		}
		return t.rel != nil
	case callNode:
		if f := e.names[n.name].fn; f != nil {
			t, err := e.outside().thing(n)
			return err == nil && t.rel != nil
		}
		return n.name == "materialize" || n.name == "table"
	}
	return false
}

// firstColumn is the values of the first column of rows, of which a limit may be all.
func (e *env) firstColumn(x node, limit int) (kind, []value, error) {
	rel, err := e.rowsOf(e.outside().thing(x))
	if err != nil {
		return kNull, nil, err
	}
	if len(rel.columns) == 0 {
		return kNull, nil, semanticError("A tabular expression without a column")
	}
	c := rel.columns[0].expr
	var out []value
	rel.scan(func(r *row) bool {
		out = append(out, c.eval(r))
		return len(out) != limit
	})
	return c.kind, out, nil
}

// toScalar is the first cell of rows, null where there is none.
func (e *env) toScalar(n callNode, rel *relation) (*expr, error) {
	if len(n.args) != 1 {
		return nil, semanticError("toscalar(): %d arguments are not what it takes", len(n.args))
	}
	if !e.isRows(n.args[0], rel) {
		return e.valueOf(e.outside().thing(n.args[0]))
	}
	k, values, err := e.firstColumn(n.args[0], 1)
	if err != nil {
		return nil, err
	}
	return constant(k, convert(append(values, value{})[0], k)), nil
}
