package judge

import (
	"strings"
	"time"

	"hunting-exporter/hunting"
)

// atom is a condition on two values: x - y >= off, or > where strict.
type atom struct {
	x, y   ident
	off    time.Duration
	strict bool
	line   int
}

// constant reports whether a value is a moment that the query itself gives.
func constant(id ident) bool { return strings.HasPrefix(string(id), "d:") }

func (a atom) bordered() bool { return border(a.x) || border(a.y) }

// not is the condition that holds where a does not.
func (a atom) not() atom { return atom{a.y, a.x, -a.off, !a.strict, a.line} }

// same reports whether two conditions are one, wherever they stand.
func (a atom) same(b atom) bool {
	a.line, b.line = 0, 0
	return a == b
}

// edge is where a value must begin or end, counted from a border.
type edge struct {
	off    time.Duration
	strict bool
	line   int
}

// bound is what holds of one value: lo is counted from the window's start, hi from its
// end. Astray is set where it is the other way round.
type bound struct {
	lo, hi *edge
	astray *edge
}

// exact reports whether the value lies within the window, and all such do.
func (b bound) exact() bool {
	return b.astray == nil && b.lo != nil && b.hi != nil && *b.lo == (edge{line: b.lo.line}) && b.hi.off == 0 && b.hi.strict
}

// cut adds a condition that names a border to what is known of a leg. False: the
// condition compares borders with something else than a value of the row.
func (l *leg) cut(a atom) bool {
	if border(a.x) && border(a.y) {
		return a.x == end && a.y == start && (a.off < 0 || a.off == 0) // a window is never empty
	}
	if constant(a.x) || constant(a.y) {
		return false
	}
	if l.bounds == nil {
		l.bounds = map[ident]bound{}
	}
	switch {
	case a.y == start: // x >= start + off
		if a.strict && a.off == -hunting.Tick {
			a.off, a.strict = 0, false
		}
		b := l.bounds[a.x]
		if b.lo == nil || a.off > b.lo.off || a.off == b.lo.off && a.strict && !b.lo.strict {
			b.lo = &edge{a.off, a.strict, a.line}
		}
		l.bounds[a.x] = b
	case a.x == end: // y <= end - off
		if !a.strict && a.off == hunting.Tick {
			a.off, a.strict = 0, true
		}
		b := l.bounds[a.y]
		if b.hi == nil || -a.off < b.hi.off || -a.off == b.hi.off && a.strict && !b.hi.strict {
			b.hi = &edge{-a.off, a.strict, a.line}
		}
		l.bounds[a.y] = b
	default:
		id := a.x
		if border(id) {
			id = a.y
		}
		b := l.bounds[id]
		b.astray = &edge{a.off, a.strict, a.line}
		l.bounds[id] = b
	}
	return true
}

// least is the greatest c of which x - y >= c is known to hold in every row.
func (l *leg) least(x, y ident) (c time.Duration, strict, ok bool) {
	type known struct {
		off    time.Duration
		strict bool
	}
	best := map[ident]known{y: {}} // id - y >= off
	for range len(l.diffs) + 1 {
		changed := false
		for _, d := range l.diffs {
			from, ok := best[d.y]
			if !ok {
				continue
			}
			next := known{from.off + d.off, from.strict || d.strict}
			if have, ok := best[d.x]; !ok || next.off > have.off || next.off == have.off && next.strict && !have.strict {
				best[d.x] = next
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	k, ok := best[x]
	return k.off, k.strict, ok
}

// implied reports whether what holds of id follows from t lying in the window.
func (l *leg) implied(id ident, b bound, t ident) bool {
	if b.astray != nil {
		return false
	}
	if b.lo != nil { // id >= start + off follows from id >= t + off, since t >= start
		c, strict, ok := l.least(id, t)
		if !ok || c < b.lo.off || c == b.lo.off && b.lo.strict && !strict {
			return false
		}
	}
	if b.hi != nil { // id < end + off follows from t >= id - off, since t < end
		c, _, ok := l.least(t, id)
		if !ok || c < -b.hi.off {
			return false
		}
	}
	return true
}
