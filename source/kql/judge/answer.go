package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// answered judges the rows that the query answers.
func (j *judge) answered(r *relation) {
	for _, l := range r.legs {
		c, there := column{}, false
		if j.Time != "" {
			if l.has(j.Time) || l.others == little {
				c, there = l.column(j.Time, j)
			}
		}
		t, why := j.settle(l, c.id)
		switch {
		case why != nil:
			j.refused = append(j.refused, *why)
			continue
		case there && j.append() && (c.made != nil && c.made.key != string(t) || c.id != t && (l.lacking(c.id) || !l.equal(c.id, t))):
			if why, ok := j.unsure[c.id]; ok {
				j.refused = append(j.refused, why)
				continue
			}
			j.refuse(l.bounds[t].lo.line, "the borders cut by another value than the answer's column %s: leave that column as it is, cut by it, or name the one that is cut by // time:", j.Time)
			continue
		}
		if !there && j.Time != "" {
			line := 0
			if len(r.legs) > 1 {
				line = l.line
			}
			j.refuse(line, "the answer has no column %s: keep it, or name another by // time:", j.Time)
		}
		for _, name := range slices.Sorted(maps.Keys(l.columns)) {
			if made := l.columns[name].made; made != nil && made.border && j.append() {
				j.refuse(made.line, "column %s holds a border of the window, so that the row differs with how time is cut: remove it", name)
			}
		}
	}
}

// lacking reports whether some rows may have no such value.
func (l *leg) lacking(id ident) bool {
	return slices.ContainsFunc(l.anchors, func(a anchor) bool { return a.forbids(id) })
}

// equal reports whether two values are the same in each row.
func (l *leg) equal(a, b ident) bool {
	ab, _, ok := l.least(a, b)
	ba, _, ko := l.least(b, a)
	return ok && ko && ab >= 0 && ba >= 0
}

// settle is the value by which a leg's rows are cut at the borders, or why it cannot be
// shown that they are. Of several it takes the one that is asked for.
func (j *judge) settle(l *leg, prefer ident) (ident, *Reason) {
	if l.flaw != nil || l.done {
		return "", l.flaw
	}
	var cut []ident
	for id, b := range l.bounds {
		if b.exact() {
			cut = append(cut, id)
		}
	}
	if len(cut) == 0 {
		return "", j.uncut(l)
	}
	slices.SortFunc(cut, func(a, b ident) int {
		return cmp.Or(cmp.Compare(rank(a == prefer), rank(b == prefer)), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	var why *Reason
	for _, t := range cut {
		if w := j.cutAt(l, t); w == nil {
			return t, nil
		} else if why == nil {
			why = w
		}
	}
	return "", why
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// cutAt says why the rows of a leg are not cut by t alone, or nothing.
func (j *judge) cutAt(l *leg, t ident) *Reason {
	for _, a := range l.anchors {
		if a.forbids(t) {
			return &a.reason
		}
	}
	if j.aggregate() {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(l.bounds)) {
		b := l.bounds[id]
		if id == t || l.implied(id, b, t) {
			continue
		}
		line, met := l.meets(id, t)
		switch {
		case met && j.JoinWindow:
			continue
		case met:
			for _, d := range l.diffs {
				for _, side := range []ident{d.x, d.y} {
					if why, ok := j.unsure[side]; ok {
						return &why
					}
				}
			}
			return &Reason{line, "which rows of its two sides meet depends on how time is cut, for both look at the window: let one side reach further and compare the times row by row, as by Before between (Timestamp - 1h .. Timestamp), " +
				`or accept pairs within one window only by "// join: window" at the head`}
		}
		return &Reason{b.line(), fmt.Sprintf("a second value is compared with the borders, so that rows get lost where only one of them is in the window: cut by %s alone", j.column)}
	}
	return nil
}

func (b bound) line() int {
	for _, e := range []*edge{b.astray, b.lo, b.hi} {
		if e != nil {
			return e.line
		}
	}
	return 0
}

// uncut says what is wrong with the borders of a leg of which none cuts as it must.
func (j *judge) uncut(l *leg) *Reason {
	if len(l.bounds) == 0 {
		return &Reason{l.line, fmt.Sprintf("the rows of %s pass no border, so that they come in every window: add | where %s >= %s and %[2]s < %[4]s to them", l.what, j.column, startTime, endTime)}
	}
	ids := slices.Sorted(maps.Keys(l.bounds))
	if c, ok := l.columns[j.Time]; ok && slices.Contains(ids, c.id) {
		ids = []ident{c.id}
	}
	b := l.bounds[ids[0]]
	say := func(line int, format string, args ...any) *Reason { return &Reason{line, fmt.Sprintf(format, args...)} }
	switch {
	case b.astray != nil:
		return say(b.astray.line, "rows outside of the window are compared with its border: want >= %s and < %s", startTime, endTime)
	case b.lo == nil:
		return say(b.hi.line, "the rows have no border at %s, so that they come in every later window: add and %s >= %[1]s", startTime, j.column)
	case b.hi == nil:
		return say(b.lo.line, "the rows have no border at %s, so that they come in every earlier window too: add and %s < %[1]s", endTime, j.column)
	case b.lo.off != 0:
		return say(b.lo.line, "the rows begin at %[2]s %[1]s, so that some come in more than one window or in none: use >= %[2]s; only the other side of a join may reach further", span(b.lo.off), startTime)
	case b.lo.strict:
		return say(b.lo.line, "rows of the very %s would be left out, for the window before does not hold them: use >= %[1]s", startTime)
	case b.hi.off != 0:
		return say(b.hi.line, "the rows end at %[2]s %[1]s, so that some come in more than one window or in none: use < %[2]s", span(b.hi.off), endTime)
	}
	return say(b.hi.line, "%s belongs to the next window, so its rows would come twice, as between has it too: use < %[1]s", endTime)
}

// span is a duration as it stands behind a border.
func span(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d%unit.length == 0 {
			return fmt.Sprintf("%s %d%s", sign, d/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%s %dtick", sign, d/100)
}
