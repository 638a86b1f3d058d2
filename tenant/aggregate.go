package tenant

import "slices"

// aggregate is what an aggregate function takes and answers: a value to sum up unless it
// counts rows, a condition on which a row counts where it has one, perhaps a constant.
type aggregate struct {
	prefix                string // of its column's name
	valued, when, limited bool
	kind                  func(of kind) (kind, bool)
	fold                  func(k kind, limit int) fold
}

// fold sums up the values of a group that are not null.
type fold interface {
	add(v value)
	result() value
}

// aggregates are those that answer one column.
var aggregates = func() map[string]aggregate {
	always := func(k kind) func(kind) (kind, bool) { return func(kind) (kind, bool) { return k, true } }
	edge := func(sign int) func(kind, int) fold { return func(kind, int) fold { return &edgeFold{sign: sign} } }
	distinct := func(kind, int) fold { return &distinctFold{} }
	list := func(_ kind, limit int) fold { return &listFold{limit: limit} }
	set := func(_ kind, limit int) fold { return &listFold{limit: limit, set: &distinctFold{}} }
	out := map[string]aggregate{}
	for _, a := range []struct {
		name, conditional string
		aggregate
	}{
		{"count", "countif", aggregate{kind: always(kLong), fold: func(kind, int) fold { return new(countFold) }}},
		{"sum", "sumif", aggregate{valued: true, kind: summable, fold: func(k kind, _ int) fold { return &sumFold{kind: k} }}},
		{"avg", "avgif", aggregate{valued: true, kind: averaged, fold: func(kind, int) fold { return &avgFold{} }}},
		{"min", "minif", aggregate{valued: true, kind: orderable, fold: edge(-1)}},
		{"max", "maxif", aggregate{valued: true, kind: orderable, fold: edge(1)}},
		{"dcount", "dcountif", aggregate{valued: true, limited: true, kind: always(kLong), fold: distinct}},
		{"count_distinct", "count_distinctif", aggregate{valued: true, kind: always(kLong), fold: distinct}},
		{"make_list", "make_list_if", aggregate{prefix: "list", valued: true, limited: true, kind: always(kDynamic), fold: list}},
		{"make_set", "make_set_if", aggregate{prefix: "set", valued: true, limited: true, kind: always(kDynamic), fold: set}},
	} {
		prefix := a.prefix
		a.prefix = either(prefix, a.name)
		out[a.name] = a.aggregate
		a.prefix, a.when = either(prefix, a.conditional), true
		out[a.conditional] = a.aggregate
	}
	return out
}()

func summable(k kind) (kind, bool) {
	if k == kInt {
		k = kLong
	}
	return k, k == kLong || k == kReal || k == kTimespan
}

func averaged(k kind) (kind, bool) { return kReal, k == kInt || k == kLong || k == kReal }

func orderable(k kind) (kind, bool) {
	return k, slices.Contains([]kind{kBool, kInt, kLong, kReal, kString, kDatetime, kTimespan}, k)
}

type countFold int64

func (f *countFold) add(value)     { *f++ }
func (f *countFold) result() value { return vLong(int64(*f)) }

// sumFold is 0 where there was nothing.
type sumFold struct {
	kind kind
	n    int64
	real float64
}

func (f *sumFold) add(v value) {
	f.n += v.n
	f.real += v.real()
}

func (f *sumFold) result() value {
	if f.kind == kReal {
		return vReal(f.real)
	}
	return value{k: f.kind, n: f.n}
}

// avgFold is NaN where there was nothing.
type avgFold struct{ n, sum float64 }

func (f *avgFold) add(v value) {
	f.n++
	f.sum += v.real()
}

func (f *avgFold) result() value { return vReal(f.sum / f.n) }

// edgeFold is the least value, or with sign 1 the greatest.
type edgeFold struct {
	sign int
	best value
}

func (f *edgeFold) add(v value) {
	if c, ok := compare(v, f.best); !ok || c == f.sign {
		f.best = v
	}
}

func (f *edgeFold) result() value { return f.best }

// distinctFold counts exactly what Kusto estimates.
type distinctFold struct{ seen map[string]struct{} }

func (f *distinctFold) add(v value) { f.new(v) }

func (f *distinctFold) new(v value) bool {
	if f.seen == nil {
		f.seen = map[string]struct{}{}
	}
	n := len(f.seen)
	f.seen[string(appendKey(nil, v))] = struct{}{}
	return len(f.seen) > n
}

func (f *distinctFold) result() value { return vLong(int64(len(f.seen))) }

// listFold is the first values, or with a set those that differ; an array that a set is
// made of stands for its elements.
type listFold struct {
	limit, n int
	set      *distinctFold
	json     []byte
}

func (f *listFold) add(v value) {
	if list, ok := isArray(v); ok && f.set != nil {
		for _, x := range list {
			f.one(dynamicOf(string(x)))
		}
		return
	}
	f.one(v)
}

func (f *listFold) one(v value) {
	if v.k == kNull || f.n >= f.limit || f.set != nil && !f.set.new(v) {
		return
	}
	f.n++
	f.json = appendElement(append(f.json, ','), v)
}

func (f *listFold) result() value {
	if f.n == 0 {
		return vJSON("[]")
	}
	return vJSON("[" + string(f.json[1:]) + "]")
}

// anyFold is the first value that is not empty, else an empty one.
type anyFold struct{ v value }

func (f *anyFold) add(v value) {
	if f.v.k == kNull || f.v.k == kString && f.v.s == "" {
		f.v = v
	}
}

func (f *anyFold) result() value { return f.v }

// accumulator is what an aggregate knows of a group so far.
type accumulator interface {
	add(r *row)
	results(out []value) []value
}

// folding is an aggregate of the values of one expression.
type folding struct {
	of, when *expr // nil: rows are counted, all of them
	kind     kind
	fold
}

func (s *folding) add(r *row) {
	v := value{}
	if s.of != nil {
		if v = s.of.eval(r); v.k == kNull {
			return
		}
	}
	if s.when == nil || s.when.eval(r).truth() {
		s.fold.add(v)
	}
}

func (s *folding) results(out []value) []value { return append(out, convert(s.result(), s.kind)) }

// choice is the cells of one row: of that whose first cell is the greatest, with sign -1
// the least, with sign 0 of any.
type choice struct {
	sign  int
	of    []relColumn
	cells []value
}

func (c *choice) add(r *row) {
	if c.cells == nil {
		c.cells = make([]value, len(c.of))
	} else if c.sign == 0 {
		return
	} else {
		v := c.of[0].expr.eval(r)
		if order, ok := compare(v, c.cells[0]); ok && order != c.sign || !ok && (v.k == kNull || c.cells[0].k != kNull) {
			return
		}
	}
	for i, x := range c.of {
		c.cells[i] = x.expr.eval(r)
	}
}

func (c *choice) results(out []value) []value {
	for i, x := range c.of {
		v := value{}
		if c.cells != nil {
			v = c.cells[i]
		}
		out = append(out, convert(v, x.expr.kind))
	}
	return out
}
