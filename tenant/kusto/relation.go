package kusto

import (
	"slices"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
)

// Row is where an expression reads from: a row of a segment, cells of its own, or
// (after a union) a row of one of the legs.
type Row struct {
	seg, id int
	vals    []data.Value
	leg     int
	inner   *Row
}

// keep copies a row that its scan will overwrite.
func (r *Row) keep() *Row {
	out := *r
	out.vals = slices.Clone(r.vals)
	if r.inner != nil {
		out.inner = r.inner.keep()
	}
	return &out
}

// clock says of which of the two clocks of a row an expression is the plain value.
type clock uint8

const (
	noClock clock = iota
	ingestionClock
	eventClock
)

// binning is a clock in steps of width ticks; the zero value is none.
type binning struct {
	clock clock
	width int64
}

// expr is a compiled expression.
type expr struct {
	kind  data.Kind
	eval  func(*Row) data.Value
	konst *data.Value // set where it is the same for every row
	clock clock
	// bin is set where it is a clock rounded down to a width.
	bin binning
}

type relColumn struct {
	name string
	expr *expr
	// sealed is set within a function that was given the column without having asked for it.
	sealed bool
}

// Relation is rows to come: columns over whatever scan yields. A row that scan
// yields is valid until the next.
type Relation struct {
	columns  []relColumn
	scan     func(yield func(*Row) bool)
	source   *source // while rows are straight from a table, so that a where may narrow it
	ingested *expr   // ingestion_time(), where it is still to be had
	// serialized says that the order of the rows means something.
	serialized bool
	// origin tells the table's row that a row is, and when that came in; the table is
	// nil for one made of several, and origin is where all are.
	origin func(*Row) (*data.Table, int64)
}

func (r *Relation) find(name string) (*expr, bool) {
	for _, c := range r.columns {
		if c.name == name && !c.sealed {
			return c.expr, true
		}
	}
	return nil, false
}

// seal leaves the columns asked for in sight; nil leaves all.
func (r *Relation) seal(asked []data.Column) *Relation {
	out := slices.Clone(r.columns)
	for i := range out {
		out[i].sealed = asked != nil && !slices.ContainsFunc(asked, func(c data.Column) bool { return c.Name == out[i].name })
	}
	return r.with(out)
}

// Scan goes over the rows, once for each call; a row is valid until the next.
func (r *Relation) Scan(yield func(*Row) bool) { r.scan(yield) }

// Cell is the value of a row in the i-th column.
func (r *Relation) Cell(at *Row, i int) data.Value { return r.columns[i].expr.eval(at) }

// Origin is the table whose row a row is, and when that came in; "" for a row made of several or of none.
func (r *Relation) Origin(at *Row) (string, int64) {
	if r.origin == nil {
		return "", 0
	}
	t, ingested := r.origin(at)
	if t == nil {
		return "", 0
	}
	return t.Name, ingested
}

// Columns is the columns as the APIs name their types.
func (r *Relation) Columns() []schema.Column {
	var out []schema.Column
	for _, c := range r.columns {
		out = append(out, schema.Column{Name: c.name, Type: c.expr.kind.API()})
	}
	return out
}

// with copies r with other columns.
func (r *Relation) with(columns []relColumn) *Relation {
	out := *r
	out.columns = columns
	return &out
}

// over copies r with another scan, which a where can no longer narrow.
func (r *Relation) over(scan func(yield func(*Row) bool)) *Relation {
	out := *r
	out.scan, out.source = scan, nil
	return &out
}

// source scans a table within spans of its clocks.
type source struct {
	stopped func() bool
	now     int64
	table   *data.Table
	in, at  spans // the ingestion times and event times to look at
	filters []*expr
}

// scan goes over the rows in an order that has nothing to do with time: a stride
// through the candidates that meets each once.
func (s *source) scan(yield func(*Row) bool) { s.each(stride, yield) }

// inOrder goes over the rows as they lie, which is faster.
func (s *source) inOrder(yield func(*Row) bool) {
	s.each(func(int) int { return 1 }, yield)
}

func (s *source) each(step func(n int) int, yield func(*Row) bool) {
	r := Row{}
	for i, seg := range s.table.Segments {
		r.seg = i
		for _, c := range s.candidates(seg) {
			if !s.walk(seg, c, step(c.N), &r, yield) {
				return
			}
		}
	}
}

// walk goes over the candidates that pass; false where that is the end of all.
func (s *source) walk(seg data.Segment, c candidates, step int, r *Row, yield func(*Row) bool) bool {
	seen, anyIn, anyAt := seg.Seen(), c.in.all(), c.at.all()
	for k, at := 0, 0; k < c.N; k++ {
		if k&4095 == 4095 && s.stopped() {
			return false
		}
		r.id = c.IDs.At(at)
		if at += step; at >= c.N {
			at -= c.N
		}
		switch {
		case seen != nil && seen[r.id] > s.now:
		case !anyIn && !c.in.has(seg.Ingested(r.id)):
		case !anyAt && !c.at.has(seg.Event(r.id)):
		case !s.passes(r):
		default:
			if !yield(r) {
				return false
			}
		}
	}
	return true
}

// candidates is rows to look at, and what their clocks must be to count.
type candidates struct {
	data.IDs
	in, at spans
}

// candidates looks rows up by the clock that leaves fewer of them. No row is in two
// of the sets and counts in both.
func (s *source) candidates(seg data.Segment) []candidates {
	var byIn, byAt []candidates
	rows := func(list []candidates) (n int) {
		for _, c := range list {
			n += c.N
		}
		return n
	}
	for _, in := range s.in {
		byIn = append(byIn, candidates{IDs: seg.ByIngested(in), in: everything, at: s.at})
	}
	if s.at.all() {
		return byIn
	}
	for _, at := range s.at {
		byAt = append(byAt, candidates{IDs: seg.ByEvent(at), in: s.in, at: spans{at}})
	}
	if rows(byAt) < rows(byIn) {
		return byAt
	}
	return byIn
}

func (s *source) passes(r *Row) bool {
	for _, f := range s.filters {
		if !f.eval(r).Truth() {
			return false
		}
	}
	return true
}

// stride is near the golden section of n and has no divisor in common with it.
func stride(n int) int {
	if n < 3 {
		return 1
	}
	for s := n * 618 / 1000; s > 1; s-- {
		if gcd(s, n) == 1 {
			return s
		}
	}
	return 1
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// narrowed copies the source with the spans that a condition implies, and with the
// condition itself where these do not say it all.
func (r *Relation) narrowed(cond *expr, what known) *Relation {
	out := *r
	s := *r.source
	switch {
	case cond.konst != nil: // false
		s.in = spans{}
	case !what.exact:
		s.filters = append(slices.Clone(s.filters), cond)
	}
	if in, ok := what.on[ingestionClock]; ok {
		s.in = s.in.and(in)
	}
	if at, ok := what.on[eventClock]; ok {
		s.at = s.at.and(at)
	}
	out.source, out.scan = &s, s.scan
	return &out
}

// retention is how long rows are to be had.
const retention = 30 * data.TickDay

// tableRelation is a table as seen now: what has come in, not older than retention.
func tableRelation(env *env, t *data.Table) *Relation {
	now := env.now
	// A row is visible at its very ingestion tick, hence the one more.
	s := &source{stopped: env.stopped, now: now, table: t, in: spans{{From: now - retention, To: now + 1}}, at: everything}
	if t.TimeColumn != "" {
		s.at = everything.and(spans{env.timespan})
	}
	out := &Relation{source: s, scan: s.scan}
	for _, c := range t.Columns {
		get := make([]func(int) data.Value, len(t.Segments))
		for i, seg := range t.Segments {
			get[i] = data.Access(seg, c)
		}
		e := &expr{kind: c.Kind, eval: func(r *Row) data.Value { return get[r.seg](r.id) }}
		if c.Name == t.TimeColumn {
			e.clock = eventClock
		}
		out.columns = append(out.columns, relColumn{name: c.Name, expr: e})
	}
	segs := t.Segments
	out.origin = func(r *Row) (*data.Table, int64) { return t, segs[r.seg].Ingested(r.id) }
	out.ingested = &expr{kind: data.KindDatetime, clock: ingestionClock, eval: func(r *Row) data.Value { return data.Datetime(segs[r.seg].Ingested(r.id)) }}
	if t.NoIngestion {
		out.ingested = constant(data.KindDatetime, data.Value{})
	}
	return out
}

func constant(k data.Kind, v data.Value) *expr {
	return &expr{kind: k, konst: &v, eval: func(*Row) data.Value { return v }}
}

// rowsRelation is rows already made.
func rowsRelation(columns []data.Column, rows [][]data.Value) *Relation {
	out := &Relation{scan: func(yield func(*Row) bool) {
		var r Row
		for _, vals := range rows {
			r.vals = vals
			if !yield(&r) {
				return
			}
		}
	}}
	for i, c := range columns {
		out.columns = append(out.columns, relColumn{
			name: c.Name,
			expr: &expr{kind: c.Kind, eval: func(r *Row) data.Value { return r.vals[i] }},
		})
	}
	return out
}
