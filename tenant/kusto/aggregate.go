package kusto

import (
	"cmp"
	"slices"

	"hunting-exporter/tenant/data"
)

// aggregate is what an aggregate function takes and answers: a value to sum up unless it
// counts rows, a condition on which a row counts where it has one, perhaps a constant.
type aggregate struct {
	prefix                string // of its column's name
	valued, when, limited bool
	kind                  func(of data.Kind) (data.Kind, bool)
	fold                  func(k data.Kind, limit int) fold
}

// fold sums up the values of a group that are not null.
type fold interface {
	add(v data.Value)
	result() data.Value
}

// aggregates are those that answer one column.
var aggregates = func() map[string]aggregate {
	always := func(k data.Kind) func(data.Kind) (data.Kind, bool) {
		return func(data.Kind) (data.Kind, bool) { return k, true }
	}
	edge := func(sign int) func(data.Kind, int) fold {
		return func(data.Kind, int) fold { return &edgeFold{sign: sign} }
	}
	distinct := func(data.Kind, int) fold { return &distinctFold{} }
	list := func(_ data.Kind, limit int) fold { return &listFold{limit: limit} }
	set := func(_ data.Kind, limit int) fold { return &listFold{limit: limit, set: &distinctFold{}} }
	out := map[string]aggregate{}
	for _, a := range []struct {
		name, conditional string
		aggregate
	}{
		{"count", "countif", aggregate{kind: always(data.KindLong), fold: func(data.Kind, int) fold { return new(countFold) }}},
		{"sum", "sumif", aggregate{valued: true, kind: summable, fold: func(k data.Kind, _ int) fold { return &sumFold{kind: k} }}},
		{"avg", "avgif", aggregate{valued: true, kind: averaged, fold: func(data.Kind, int) fold { return &avgFold{} }}},
		{"min", "minif", aggregate{valued: true, kind: orderable, fold: edge(-1)}},
		{"max", "maxif", aggregate{valued: true, kind: orderable, fold: edge(1)}},
		{"dcount", "dcountif", aggregate{valued: true, limited: true, kind: always(data.KindLong), fold: distinct}},
		{"count_distinct", "count_distinctif", aggregate{valued: true, kind: always(data.KindLong), fold: distinct}},
		{"make_list", "make_list_if", aggregate{prefix: "list", valued: true, limited: true, kind: always(data.KindDynamic), fold: list}},
		{"make_set", "make_set_if", aggregate{prefix: "set", valued: true, limited: true, kind: always(data.KindDynamic), fold: set}},
	} {
		prefix := a.prefix
		a.prefix = cmp.Or(prefix, a.name)
		out[a.name] = a.aggregate
		a.prefix, a.when = cmp.Or(prefix, a.conditional), true
		out[a.conditional] = a.aggregate
	}
	return out
}()

func summable(k data.Kind) (data.Kind, bool) {
	if k == data.KindInt {
		k = data.KindLong
	}
	return k, k == data.KindLong || k == data.KindReal || k == data.KindTimespan
}

func averaged(k data.Kind) (data.Kind, bool) {
	return data.KindReal, k == data.KindInt || k == data.KindLong || k == data.KindReal
}

func orderable(k data.Kind) (data.Kind, bool) {
	return k, slices.Contains([]data.Kind{data.KindBool, data.KindInt, data.KindLong, data.KindReal, data.KindString, data.KindDatetime, data.KindTimespan}, k)
}

type countFold int64

func (f *countFold) add(data.Value)     { *f++ }
func (f *countFold) result() data.Value { return data.Long(int64(*f)) }

// sumFold is 0 where there was nothing.
type sumFold struct {
	kind data.Kind
	n    int64
	real float64
}

func (f *sumFold) add(v data.Value) {
	f.n += v.Int
	f.real += v.Float()
}

func (f *sumFold) result() data.Value {
	if f.kind == data.KindReal {
		return data.Real(f.real)
	}
	return data.Value{Kind: f.kind, Int: f.n}
}

// avgFold is NaN where there was nothing.
type avgFold struct{ n, sum float64 }

func (f *avgFold) add(v data.Value) {
	f.n++
	f.sum += v.Float()
}

func (f *avgFold) result() data.Value { return data.Real(f.sum / f.n) }

// edgeFold is the least value, or with sign 1 the greatest.
type edgeFold struct {
	sign int
	best data.Value
}

func (f *edgeFold) add(v data.Value) {
	if c, ok := data.Compare(v, f.best); !ok || c == f.sign {
		f.best = v
	}
}

func (f *edgeFold) result() data.Value { return f.best }

// distinctFold counts exactly what Kusto estimates.
type distinctFold struct{ seen map[string]struct{} }

func (f *distinctFold) add(v data.Value) { f.new(v) }

func (f *distinctFold) new(v data.Value) bool {
	if f.seen == nil {
		f.seen = map[string]struct{}{}
	}
	n := len(f.seen)
	f.seen[string(appendKey(nil, v))] = struct{}{}
	return len(f.seen) > n
}

func (f *distinctFold) result() data.Value { return data.Long(int64(len(f.seen))) }

// listFold is the first values, or with a set those that differ; an array that a set is
// made of stands for its elements.
type listFold struct {
	limit, n int
	set      *distinctFold
	json     []byte
}

func (f *listFold) add(v data.Value) {
	if list, ok := isArray(v); ok && f.set != nil {
		for _, x := range list {
			f.one(data.DynamicOf(string(x)))
		}
		return
	}
	f.one(v)
}

func (f *listFold) one(v data.Value) {
	if v.Kind == data.KindNull || f.n >= f.limit || f.set != nil && !f.set.new(v) {
		return
	}
	f.n++
	f.json = data.AppendElement(append(f.json, ','), v)
}

func (f *listFold) result() data.Value {
	if f.n == 0 {
		return data.Dynamic("[]")
	}
	return data.Dynamic("[" + string(f.json[1:]) + "]")
}

// anyFold is the first value that is not empty, else an empty one.
type anyFold struct{ v data.Value }

func (f *anyFold) add(v data.Value) {
	if f.v.Kind == data.KindNull || f.v.Kind == data.KindString && f.v.Text == "" {
		f.v = v
	}
}

func (f *anyFold) result() data.Value { return f.v }

// accumulator is what an aggregate knows of a group so far.
type accumulator interface {
	add(r *Row)
	results(out []data.Value) []data.Value
}

// folding is an aggregate of the values of one expression.
type folding struct {
	of, when *expr // nil: rows are counted, all of them
	kind     data.Kind
	fold
}

func (s *folding) add(r *Row) {
	v := data.Value{}
	if s.of != nil {
		if v = s.of.eval(r); v.Kind == data.KindNull {
			return
		}
	}
	if s.when == nil || s.when.eval(r).Truth() {
		s.fold.add(v)
	}
}

func (s *folding) results(out []data.Value) []data.Value {
	return append(out, data.Convert(s.result(), s.kind))
}

// choice is the cells of one row: of that whose first cell is the greatest, with sign -1
// the least, with sign 0 of any.
type choice struct {
	sign  int
	of    []relColumn
	cells []data.Value
}

func (c *choice) add(r *Row) {
	if c.cells == nil {
		c.cells = make([]data.Value, len(c.of))
	} else if c.sign == 0 {
		return
	} else {
		v := c.of[0].expr.eval(r)
		if order, ok := data.Compare(v, c.cells[0]); ok && order != c.sign || !ok && (v.Kind == data.KindNull || c.cells[0].Kind != data.KindNull) {
			return
		}
	}
	for i, x := range c.of {
		c.cells[i] = x.expr.eval(r)
	}
}

func (c *choice) results(out []data.Value) []data.Value {
	for i, x := range c.of {
		v := data.Value{}
		if c.cells != nil {
			v = c.cells[i]
		}
		out = append(out, data.Convert(v, x.expr.kind))
	}
	return out
}

// countable says whether groups are plain numbers of a table's rows, all of them or
// by bin of a clock: such are counted without making cells.
func countable(rel *Relation, by []relColumn, aggs []agg) bool {
	for _, a := range aggs {
		if a.name != "count" {
			return false
		}
	}
	return rel.source != nil && (len(by) == 0 || len(by) == 1 && by[0].expr.bin.clock != noClock)
}

// tally counts rows by bin; a row without a time is in the bin noTime.
type tally struct {
	counts map[int64]int64
	order  []int64 // the bins as they were met
	// The bin counted last, which rows that lie in order mostly share.
	bin, n int64
}

func (t *tally) add(bin int64) {
	if bin != t.bin {
		t.flush()
		t.bin = bin
	}
	t.n++
}

func (t *tally) flush() {
	if t.n == 0 {
		return
	}
	if _, ok := t.counts[t.bin]; !ok {
		t.order = append(t.order, t.bin)
	}
	t.counts[t.bin] += t.n
	t.n = 0
}

// count groups the rows of a source; see countable.
func count(rel *Relation, by []relColumn, aggs []agg) []*group {
	var b binning
	if len(by) > 0 {
		b = by[0].expr.bin
	}
	s, t := rel.source, &tally{counts: map[int64]int64{}}
	s.inOrder(func(r *Row) bool {
		t.add(s.binOf(r, b))
		return true
	})
	t.flush()
	if len(by) == 0 {
		return []*group{groupOf(nil, aggs, t.counts[data.NoTime])}
	}
	out := make([]*group, 0, len(t.order))
	step := stride(len(t.order)) // an answer is in no order
	for i := range t.order {
		bin := t.order[i*step%len(t.order)]
		key := data.Datetime(bin)
		if bin == data.NoTime {
			key = data.Value{}
		}
		out = append(out, groupOf([]data.Value{key}, aggs, t.counts[bin]))
	}
	return out
}

func (s *source) binOf(r *Row, b binning) int64 {
	ticks := data.NoTime
	switch seg := s.table.Segments[r.seg]; b.clock {
	case ingestionClock:
		ticks = seg.Ingested(r.id)
	case eventClock:
		ticks = seg.Event(r.id)
	}
	if ticks == data.NoTime {
		return data.NoTime
	}
	return binTicks(ticks, b.width)
}

func groupOf(keys []data.Value, aggs []agg, n int64) *group {
	g := newGroup(keys, aggs)
	for _, sum := range g.sums {
		*sum.(*folding).fold.(*countFold) = countFold(n)
	}
	return g
}
