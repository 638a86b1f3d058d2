package tenant

import (
	"slices"

	"hunting-exporter/schema"
)

// row is where an expression reads from: a row of a segment, cells of its own, or
// (after a union) a row of one of the legs.
type row struct {
	seg, id int
	vals    []value
	leg     int
	inner   *row
}

// keep copies a row that its scan will overwrite.
func (r *row) keep() *row {
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
	kind  kind
	eval  func(*row) value
	konst *value // set where it is the same for every row
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

// relation is rows to come: columns over whatever scan yields. A row that scan
// yields is valid until the next.
type relation struct {
	columns  []relColumn
	scan     func(yield func(*row) bool)
	source   *source // while rows are straight from a table, so that a where may narrow it
	ingested *expr   // ingestion_time(), where it is still to be had
	// serialized says that the order of the rows means something.
	serialized bool
	// origin tells the table's row that a row is, and when that came in; the table is
	// nil for one made of several, and origin is where all are.
	origin func(*row) (*table, int64)
}

func (r *relation) find(name string) (*expr, bool) {
	for _, c := range r.columns {
		if c.name == name && !c.sealed {
			return c.expr, true
		}
	}
	return nil, false
}

// seal leaves the columns asked for in sight; nil leaves all.
func (r *relation) seal(asked []column) *relation {
	out := slices.Clone(r.columns)
	for i := range out {
		out[i].sealed = asked != nil && !slices.ContainsFunc(asked, func(c column) bool { return c.name == out[i].name })
	}
	return r.with(out)
}

// schema is the columns as the APIs name their types.
func (r *relation) schema() []schema.Column {
	var out []schema.Column
	for _, c := range r.columns {
		out = append(out, schema.Column{Name: c.name, Type: kinds[c.expr.kind].api})
	}
	return out
}

// with copies r with other columns.
func (r *relation) with(columns []relColumn) *relation {
	out := *r
	out.columns = columns
	return &out
}

// over copies r with another scan, which a where can no longer narrow.
func (r *relation) over(scan func(yield func(*row) bool)) *relation {
	out := *r
	out.scan, out.source = scan, nil
	return &out
}

// source scans a table within spans of its clocks.
type source struct {
	stopped func() bool
	now     int64
	table   *table
	in, at  spans // the ingestion times and event times to look at
	filters []*expr
}

// scan goes over the rows in an order that has nothing to do with time: a stride
// through the candidates that meets each once.
func (s *source) scan(yield func(*row) bool) { s.each(stride, yield) }

// inOrder goes over the rows as they lie, which is faster.
func (s *source) inOrder(yield func(*row) bool) {
	s.each(func(int) int { return 1 }, yield)
}

func (s *source) each(step func(n int) int, yield func(*row) bool) {
	r := row{}
	for i, seg := range s.table.segments {
		r.seg = i
		for _, c := range s.candidates(seg) {
			if !s.walk(seg, c, step(c.n), &r, yield) {
				return
			}
		}
	}
}

// walk goes over the candidates that pass; false where that is the end of all.
func (s *source) walk(seg segment, c candidates, step int, r *row, yield func(*row) bool) bool {
	seen, anyIn, anyAt := seg.seen(), c.in.all(), c.at.all()
	for k, at := 0, 0; k < c.n; k++ {
		if k&4095 == 4095 && s.stopped() {
			return false
		}
		r.id = c.ids.at(at)
		if at += step; at >= c.n {
			at -= c.n
		}
		switch {
		case seen != nil && seen[r.id] > s.now:
		case !anyIn && !c.in.has(seg.ingested(r.id)):
		case !anyAt && !c.at.has(seg.event(r.id)):
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
	ids
	in, at spans
}

// candidates looks rows up by the clock that leaves fewer of them. No row is in two
// of the sets and counts in both.
func (s *source) candidates(seg segment) []candidates {
	var byIn, byAt []candidates
	rows := func(list []candidates) (n int) {
		for _, c := range list {
			n += c.n
		}
		return n
	}
	for _, in := range s.in {
		byIn = append(byIn, candidates{ids: seg.byIngested(in), in: everything, at: s.at})
	}
	if s.at.all() {
		return byIn
	}
	for _, at := range s.at {
		byAt = append(byAt, candidates{ids: seg.byEvent(at), in: s.in, at: spans{at}})
	}
	if rows(byAt) < rows(byIn) {
		return byAt
	}
	return byIn
}

func (s *source) passes(r *row) bool {
	for _, f := range s.filters {
		if !f.eval(r).truth() {
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
func (r *relation) narrowed(cond *expr, what known) *relation {
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

// tableRelation is a table as seen now: what has come in, not older than retention.
func tableRelation(env *env, t *table) *relation {
	now := env.now
	// A row is visible at its very ingestion tick, hence the one more.
	s := &source{stopped: env.stopped, now: now, table: t, in: spans{{from: now - int64(retention/100), to: now + 1}}, at: everything}
	if t.timeColumn != "" {
		s.at = everything.and(spans{env.timespan})
	}
	out := &relation{source: s, scan: s.scan}
	for _, c := range t.columns {
		get := make([]func(int) value, len(t.segments))
		for i, seg := range t.segments {
			get[i] = access(seg, c)
		}
		e := &expr{kind: c.kind, eval: func(r *row) value { return get[r.seg](r.id) }}
		if c.name == t.timeColumn {
			e.clock = eventClock
		}
		out.columns = append(out.columns, relColumn{name: c.name, expr: e})
	}
	segs := t.segments
	out.origin = func(r *row) (*table, int64) { return t, segs[r.seg].ingested(r.id) }
	out.ingested = &expr{kind: kDatetime, clock: ingestionClock, eval: func(r *row) value { return vTime(segs[r.seg].ingested(r.id)) }}
	if t.noIngestion {
		out.ingested = constant(kDatetime, value{})
	}
	return out
}

func constant(k kind, v value) *expr {
	return &expr{kind: k, konst: &v, eval: func(*row) value { return v }}
}

// rowsRelation is rows already made.
func rowsRelation(columns []column, rows [][]value) *relation {
	out := &relation{scan: func(yield func(*row) bool) {
		var r row
		for _, vals := range rows {
			r.vals = vals
			if !yield(&r) {
				return
			}
		}
	}}
	for i, c := range columns {
		out.columns = append(out.columns, relColumn{
			name: c.name,
			expr: &expr{kind: c.kind, eval: func(r *row) value { return r.vals[i] }},
		})
	}
	return out
}
