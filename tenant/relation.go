package tenant

import "slices"

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

// expr is a compiled expression.
type expr struct {
	kind  kind
	eval  func(*row) value
	konst *value // set where it is the same for every row
	clock clock
}

type relColumn struct {
	name string
	expr *expr
}

// relation is rows to come: columns over whatever scan yields. A row that scan
// yields is valid until the next.
type relation struct {
	columns  []relColumn
	scan     func(yield func(*row) bool)
	source   *source // while rows are straight from a table, so that a where may narrow it
	ingested *expr   // ingestion_time(), where it is still to be had
}

func (r *relation) find(name string) (*expr, bool) {
	for _, c := range r.columns {
		if c.name == name {
			return c.expr, true
		}
	}
	return nil, false
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
	stopped     func() bool
	table       *table
	visible, at span
	filters     []*expr
}

// scan goes over the rows in an order that has nothing to do with time: a stride
// through the candidates that meets each once.
func (s *source) scan(yield func(*row) bool) {
	var r row
	for i, seg := range s.table.segments {
		r.seg = i
		set, exact := seg.byIngested(s.visible), true
		if s.at != always {
			if by := seg.byEvent(s.at); by.n < set.n {
				set, exact = by, false
			}
		}
		step := stride(set.n)
		for k, at := 0, 0; k < set.n; k++ {
			if k&4095 == 4095 && s.stopped() {
				return
			}
			r.id = set.at(at)
			if at += step; at >= set.n {
				at -= set.n
			}
			if !exact && !s.visible.has(seg.ingested(r.id)) || s.at != always && !s.at.has(seg.event(r.id)) || !s.passes(&r) {
				continue
			}
			if !yield(&r) {
				return
			}
		}
	}
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

// narrowed copies the source with one more filter, and the spans it implies.
func (r *relation) narrowed(cond *expr, spans map[clock]span) *relation {
	out := *r
	s := *r.source
	s.filters = append(slices.Clone(s.filters), cond)
	if in, ok := spans[ingestionClock]; ok {
		s.visible = s.visible.and(in)
	}
	if at, ok := spans[eventClock]; ok {
		s.at = s.at.and(at)
	}
	out.source, out.scan = &s, s.scan
	return &out
}

// tableRelation is a table as seen now: what has come in, not older than retention.
func tableRelation(env *env, t *table) *relation {
	now := env.now
	// A row is visible at its very ingestion tick, hence the one more.
	s := &source{stopped: env.stopped, table: t, visible: span{from: now - int64(retention/100), to: now + 1}, at: always}
	if t.timeColumn != "" {
		s.at = env.timespan
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
