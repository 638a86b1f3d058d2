package tenant

// window is the rows around the row at hand, in their order: where row_number(),
// prev() and their like look. Each row holds its place in id, and what it was in inner.
type window struct {
	rel   *relation
	rows  []*row
	scans int
}

var rowFunctions = map[string]bool{"row_number": true, "prev": true, "next": true, "row_cumsum": true}

// windowFor makes the window of an operator that looks around, nil for any other.
func (r *relation) windowFor(s operator) *window {
	looks := calls(s.cond)
	for _, c := range s.cols {
		looks = looks || calls(c.x)
	}
	if !looks || !r.serialized && s.name != "serialize" || s.name == "invoke" {
		return nil
	}
	w := &window{}
	w.rel = r.over(func(yield func(*row) bool) {
		w.rows = nil
		w.scans++
		r.scan(func(in *row) bool {
			w.rows = append(w.rows, &row{inner: in.keep(), id: len(w.rows)})
			return true
		})
		for _, at := range w.rows {
			if !yield(at) {
				return
			}
		}
	})
	w.rel.columns = nil
	for _, c := range r.columns {
		of := c.expr
		w.rel.columns = append(w.rel.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *row) value { return of.eval(r.inner) }}})
	}
	w.rel.inside(r)
	w.rel.serialized = true
	return w
}

// calls says whether an expression calls a row function.
func calls(x node) bool {
	switch n := x.(type) {
	case callNode:
		for _, a := range n.args {
			if calls(a) {
				return true
			}
		}
		return rowFunctions[n.name]
	case argNode:
		return calls(n.x)
	case opNode:
		for _, a := range n.args {
			if calls(a) {
				return true
			}
		}
		return calls(n.l)
	case pathNode:
		return calls(n.x)
	}
	return false
}

func (e *env) rowFunction(n callNode, rel *relation) (*expr, error) {
	w := e.window
	if w == nil {
		return nil, semanticError("Function '%s' cannot be invoked in current context: the row set must be serialized", n.name)
	}
	var args []*expr
	for _, a := range n.args {
		x, err := e.expr(a, rel)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	switch {
	case (n.name == "prev" || n.name == "next") && len(args) >= 1 && len(args) <= 3:
		return neighbour(w, n.name, args)
	case n.name == "row_number" && len(args) <= 2:
		start := constant(kLong, vLong(1))
		if len(args) > 0 {
			start = args[0]
		}
		return w.running(kLong, func(sum value, restart bool, r *row) value {
			if restart || sum.k == kNull {
				return start.eval(r)
			}
			return vLong(sum.n + 1)
		}, args[min(1, len(args)):]), nil
	case n.name == "row_cumsum" && len(args) >= 1 && len(args) <= 2:
		k := args[0].kind
		return w.running(k, func(sum value, restart bool, r *row) value {
			v := args[0].eval(r)
			switch {
			case v.k == kNull && !restart:
				return sum
			case restart || sum.k == kNull:
				return v
			}
			return compute("+", k, sum, v)
		}, args[1:]), nil
	}
	return nil, semanticError("%s(): %d arguments are not what it takes", n.name, len(args))
}

func neighbour(w *window, name string, args []*expr) (*expr, error) {
	off := int64(1)
	if len(args) > 1 {
		if args[1].konst == nil {
			return nil, semanticError("%s(): the offset must be a constant", name)
		}
		off = args[1].konst.n
	}
	if name == "prev" {
		off = -off
	}
	k := args[0].kind
	none := constant(k, convert(value{}, k))
	if len(args) > 2 {
		none = args[2]
	}
	return &expr{kind: k, eval: func(r *row) value {
		if i := int64(r.id) + off; i >= 0 && i < int64(len(w.rows)) {
			return args[0].eval(w.rows[i])
		}
		return none.eval(r)
	}}, nil
}

// running is a value that each row makes of that of the row before.
func (w *window) running(k kind, next func(sum value, restart bool, r *row) value, restart []*expr) *expr {
	var sums []value
	scan := -1
	return &expr{kind: k, eval: func(r *row) value {
		if scan != w.scans {
			scan, sums = w.scans, make([]value, len(w.rows))
			sum := value{}
			for i, at := range w.rows {
				sum = next(sum, len(restart) > 0 && restart[0].eval(at).truth(), at)
				sums[i] = sum
			}
		}
		return sums[r.id]
	}}
}

func (e *env) serialize(rel *relation, s operator) (*relation, error) {
	out, err := e.extend(rel, s)
	if err != nil {
		return nil, err
	}
	out.serialized = true
	return out, nil
}
