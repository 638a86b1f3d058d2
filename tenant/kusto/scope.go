package kusto

import (
	"fmt"
	"maps"
	"slices"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// thing is what a name or an expression stands for: a value, rows, or a function.
type thing struct {
	x   *expr
	rel *Relation
	fn  *lambda
}

// lambda is a function of the query, with the names it sees.
type lambda struct {
	params []syntax.Param
	body   *syntax.Block
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

func (e *env) block(b *syntax.Block) (thing, error) {
	for _, let := range b.Lets {
		if n, ok := let.X.(syntax.Lambda); ok {
			e.names[let.Name] = thing{fn: &lambda{params: n.Params, body: n.Body, env: e.child()}}
			continue
		}
		t, err := e.thing(let.X)
		if err != nil {
			return thing{}, err
		}
		e.names[let.Name] = t
	}
	return e.thing(b.Main)
}

// rowsOf wants rows.
func (e *env) rowsOf(t thing, err error) (*Relation, error) {
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
func (e *env) thing(x syntax.Node) (thing, error) {
	switch n := x.(type) {
	case syntax.Rows:
		rel, err := e.pipeline(n.Rows, nil)
		return thing{rel: rel}, err
	case syntax.Maker:
		rel, err := e.source(n)
		return thing{rel: rel}, err
	case syntax.Ref:
		return e.called(n.Name)
	case syntax.Call:
		if f := e.names[n.Name].fn; f != nil {
			return e.inline(n.Name, f, nil, n.Args, nil)
		}
		switch n.Name {
		case "materialize":
			return e.materialize(n)
		case "table":
			if lit, ok := onlyText(n.Args); ok {
				return e.called(lit)
			}
			return thing{}, semanticError("table(): the name of a table is expected")
		}
	}
	v, err := e.expr(x, nil)
	return thing{x: v}, err
}

func onlyText(args []syntax.Node) (string, bool) {
	if len(args) != 1 {
		return "", false
	}
	lit, ok := args[0].(syntax.Literal)
	return lit.Value.Text, ok && lit.Kind == data.KindString
}

// materialize changes no answer: nothing here is different the second time.
func (e *env) materialize(n syntax.Call) (thing, error) {
	if len(n.Args) != 1 {
		return thing{}, semanticError("materialize(): %d arguments are not what it takes", len(n.Args))
	}
	rel, err := e.rowsOf(e.thing(n.Args[0]))
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
	if tbl, ok := e.tables.Table(name); ok {
		return thing{rel: tableRelation(e, tbl)}, nil
	}
	return thing{}, unresolved(name)
}

// inline puts a function's body in the place of its call; first are arguments already
// made, row is where the others may take columns of.
func (e *env) inline(name string, f *lambda, first []thing, args []syntax.Node, row *Relation) (thing, error) {
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
			if p.Value == nil {
				return thing{}, semanticError("%s(): the argument '%s' is missing", name, p.Name)
			}
			if t, err = f.env.child().thing(p.Value); err != nil {
				return thing{}, err
			}
		}
		if t, err = bound(name, p, t); err != nil {
			return thing{}, err
		}
		body.names[p.Name] = t
	}
	t, err := body.block(f.body)
	if err == nil && t.rel != nil {
		t.rel = t.rel.seal(nil)
	}
	return t, err
}

// given is the arguments of a call in the order of the parameters, nothing for one that is
// not given; those by name come last.
func (e *env) given(name string, f *lambda, first []thing, args []syntax.Node, row *Relation) ([]thing, error) {
	if len(first)+len(args) > len(f.params) {
		return nil, semanticError("%s(): %d arguments are not what it takes", name, len(first)+len(args))
	}
	out, byName := make([]thing, len(f.params)), false
	copy(out, first)
	for i, a := range args {
		at := len(first) + i
		if arg, ok := a.(syntax.Arg); ok {
			byName, a = true, arg.X
			at = slices.IndexFunc(f.params, func(p syntax.Param) bool { return p.Name == arg.Name })
			if at < 0 || out[at] != (thing{}) {
				return nil, semanticError("%s(): the argument name '%s' does not refer to a parameter that is not given yet", name, arg.Name)
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

func (e *env) argument(a syntax.Node, row *Relation) (thing, error) {
	if row == nil || e.isRows(a, row) {
		return e.thing(a)
	}
	x, err := e.expr(a, row)
	return thing{x: x}, err
}

// bound makes an argument fit its parameter.
func bound(name string, p syntax.Param, t thing) (thing, error) {
	if p.Tabular != (t.rel != nil) {
		return t, semanticError("%s(): the argument '%s' is of another type", name, p.Name)
	}
	if p.Tabular {
		for _, c := range p.Columns {
			if x, ok := t.rel.find(c.Name); !ok || x.kind != c.Kind {
				return t, semanticError("%s(): the tabular argument '%s' does not have the column '%s' of type %s", name, p.Name, c.Name, c.Kind)
			}
		}
		return thing{rel: t.rel.seal(append([]data.Column{}, p.Columns...))}, nil
	}
	if t.x == nil || t.x.kind == p.Kind {
		return t, nil
	}
	from := t.x
	if from.kind != data.KindDynamic && from.kind != data.KindNull && p.Kind != data.KindDynamic && (!from.kind.Numeric() || !p.Kind.Numeric()) {
		return t, semanticError("%s(): the argument '%s' is %s, not %s", name, p.Name, from.kind, p.Kind)
	}
	cast := &expr{kind: p.Kind, eval: func(r *Row) data.Value { return data.Convert(from.eval(r), p.Kind) }}
	return thing{x: folded(cast, from)}, nil
}

// isRows says whether an expression within a row of rel stands for rows of its own.
func (e *env) isRows(x syntax.Node, rel *Relation) bool {
	switch n := x.(type) {
	case syntax.Rows, syntax.Maker:
		return true
	case syntax.Ref:
		if rel != nil {
			if _, column := rel.find(n.Name); column {
				return false
			}
		}
		t, ok := e.names[n.Name]
		if !ok {
			_, ok = e.tables.Table(n.Name)
			return ok
		}
		if t.fn != nil {
			t, _ = e.outside().called(n.Name)
		}
		return t.rel != nil
	case syntax.Call:
		if f := e.names[n.Name].fn; f != nil {
			t, err := e.outside().thing(n)
			return err == nil && t.rel != nil
		}
		return n.Name == "materialize" || n.Name == "table"
	}
	return false
}

// firstColumn is the values of the first column of rows, of which a limit may be all.
func (e *env) firstColumn(x syntax.Node, limit int) (data.Kind, []data.Value, error) {
	rel, err := e.rowsOf(e.outside().thing(x))
	if err != nil {
		return data.KindNull, nil, err
	}
	if len(rel.columns) == 0 {
		return data.KindNull, nil, semanticError("A tabular expression without a column")
	}
	c := rel.columns[0].expr
	var out []data.Value
	rel.scan(func(r *Row) bool {
		out = append(out, c.eval(r))
		return len(out) != limit
	})
	return c.kind, out, nil
}

// toScalar is the first cell of rows, null where there is none.
func (e *env) toScalar(n syntax.Call, rel *Relation) (*expr, error) {
	if len(n.Args) != 1 {
		return nil, semanticError("toscalar(): %d arguments are not what it takes", len(n.Args))
	}
	if !e.isRows(n.Args[0], rel) {
		return e.valueOf(e.outside().thing(n.Args[0]))
	}
	k, values, err := e.firstColumn(n.Args[0], 1)
	if err != nil {
		return nil, err
	}
	return constant(k, data.Convert(append(values, data.Value{})[0], k)), nil
}

// semanticError is a refusal in the words of the API.
func semanticError(format string, args ...any) error {
	return syntax.Refusal(fmt.Sprintf(format, args...) + ". Fix semantic errors in your query.")
}

func unresolved(name string) error {
	return semanticError("'' operator: Failed to resolve table or column expression named '%s'", name)
}
