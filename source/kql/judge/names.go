package judge

import "hunting-exporter/source/kql/syntax"

// names is what a part of a query can name: some of its own and those around. A let sees
// only those before it.
type names struct {
	bound map[string]*binding
	outer *names
}

// binding is what a name stands for: an expression yet to be followed, or what it gave.
type binding struct {
	x     syntax.Expr
	in    *names // that x can name
	value *value
	rows  *relation
}

func (n *names) find(name string) *binding {
	for ; n != nil; n = n.outer {
		if b := n.bound[name]; b != nil {
			return b
		}
	}
	return nil
}

// with is the names and one more.
func (n *names) with(name string, b *binding) *names {
	return &names{map[string]*binding{name: b}, n}
}

// call gives the parameters of a function their arguments. First is the rows of invoke.
func (j *judge) call(f *syntax.Function, in *names, args []syntax.Arg, from scope, first *relation) *names {
	bound := &names{bound: map[string]*binding{}, outer: in}
	params := f.Params
	if first != nil && len(params) > 0 {
		bound.bound[params[0].Name] = &binding{rows: first}
		params = params[1:]
	}
	for i, p := range params {
		j.reserved(f.Pos(), p.Name)
		x := p.Default
		for k, a := range args {
			if a.Name == p.Name || a.Name == "" && k == i {
				x = a.Value
			}
		}
		switch {
		case x == nil:
			bound.bound[p.Name] = &binding{value: &value{key: "p:" + p.Name}}
		case p.Tabular:
			bound.bound[p.Name] = &binding{rows: j.rows(x, from.names)}
		default:
			v := j.eval(x, from)
			bound.bound[p.Name] = &binding{value: &v}
		}
	}
	return bound
}

// function is the function that a name stands for.
func (j *judge) function(name string, in *names) (*syntax.Function, *names) {
	b := in.find(name)
	for range maxDepth {
		if b == nil {
			return nil, nil
		}
		switch x := b.x.(type) {
		case *syntax.Function:
			return x, b.in
		case *syntax.Name:
			b = b.in.find(x.Name)
		default:
			return nil, nil
		}
	}
	return nil, nil
}

// body gives the statement that a function answers, with its lets declared.
func (j *judge) body(f *syntax.Function, in *names) (syntax.Expr, *names) {
	answers, inner := j.declare(f.Body, in)
	if len(answers) != 1 {
		j.refuse(f.Pos(), "the function answers %d statements: want one", len(answers))
		return nil, inner
	}
	return answers[0].Value, inner
}
