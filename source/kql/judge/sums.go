package judge

import (
	"cmp"
	"maps"
	"slices"

	"hunting-exporter/source/kql/syntax"
)

// together is why rows that were taken together cannot be cut afterwards.
func together(line int, what string) Reason {
	return Reason{line, what + " takes rows together before the borders cut them, so that what is answered changes with later rows: put the borders before it"}
}

// key is a column that rows are grouped by: its value in each leg.
type key struct {
	names  []string
	values []ident // one a leg
	made   *value  // where a border is part of it
}

// summarize follows summarize, distinct and count.
func (j *judge) summarize(r *relation, op *syntax.Operator, in *names) *relation {
	j.evaluated(r, op, in)
	by, sums := op.By, op.Columns
	if op.Name == "distinct" {
		by, sums = op.Columns, nil
	}
	var keys []key
	for _, c := range by {
		if _, ok := c.Value.(*syntax.Star); ok {
			keys = append(keys, j.everyColumn(r)...)
			continue
		}
		k := key{names: namesOf(c)}
		for _, l := range r.legs {
			defined := j.define(c, scope{in, l})
			k.values = append(k.values, defined.id)
			k.made = cmp.Or(k.made, defined.border())
		}
		keys = append(keys, k)
	}
	return j.sums(r, op.Pos(), op.Name, keys, func(l *leg) {
		l.others = all
		for _, c := range sums {
			j.sumColumns(r, l, c, in)
		}
	})
}

// everyColumn is a key of each column that all legs have.
func (j *judge) everyColumn(r *relation) (keys []key) {
	if len(r.legs) == 0 {
		return nil
	}
	r.legs[0].column(j.Time, j) // where any column may be there, so may this
	for _, name := range slices.Sorted(maps.Keys(r.legs[0].columns)) {
		k := key{names: []string{name}}
		for _, l := range r.legs {
			c, ok := l.column(name, j)
			if !ok {
				break
			}
			k.values = append(k.values, c.id)
			k.made = cmp.Or(k.made, c.border())
		}
		if len(k.values) == len(r.legs) {
			keys = append(keys, k)
		}
	}
	return keys
}

// sumColumns names what a sum answers.
func (j *judge) sumColumns(r *relation, l *leg, c syntax.Column, in *names) {
	var made *value
	for _, of := range r.legs {
		made = cmp.Or(made, j.define(c, scope{in, of}).border())
	}
	for _, name := range namesOf(c) {
		if len(c.Names) == 0 && !l.single { // a key keeps its name
			name = l.free(name)
		}
		l.set(name, column{j.fresh(), made})
	}
	call, ok := c.Value.(*syntax.Call)
	if !ok {
		return
	}
	for _, a := range call.Args {
		switch x := a.Value.(type) {
		case *syntax.Star: // arg_max(…, *)
			for _, of := range r.legs {
				l.others = max(l.others, of.others)
				for name, was := range of.columns {
					if !l.has(name) {
						l.set(name, column{j.fresh(), was.border()})
					}
				}
			}
		case *syntax.Name:
			if slices.Contains(keepsName, call.Func) && len(c.Names) < 2 && !l.has(x.Name) {
				l.set(x.Name, column{j.fresh(), made})
			}
		}
	}
}

// sums is rows made of several: by keys, or by none where keys is nil.
func (j *judge) sums(r *relation, line int, name string, keys []key, shape func(*leg)) *relation {
	if len(r.legs) == 0 {
		return r
	}
	if slices.ContainsFunc(r.legs, func(l *leg) bool { return l.single }) {
		return r.each(func(l *leg) {
			outer, others := l.columns, l.others
			shape(l)
			l.others = max(l.others, others)
			for n, c := range outer {
				if !l.has(n) {
					l.set(n, c)
				}
			}
		})
	}
	out := &leg{line: r.legs[0].line, what: r.legs[0].what}
	ids := make([]ident, len(keys))
	for i, k := range keys {
		ids[i] = j.fresh()
		if same := slices.IndexFunc(keys[:i], func(o key) bool { return slices.Equal(o.values, k.values) }); same >= 0 {
			ids[i] = ids[same]
		}
		for _, n := range k.names {
			out.set(n, column{ids[i], k.made})
		}
	}
	shape(out)
	if !r.windowed() {
		out.seal(together(line, name), stillCut(r, keys, ids)...)
		return &relation{legs: []*leg{out}}
	}
	j.sumsOfWindow(r, out, line, name, keys, ids)
	return &relation{legs: []*leg{out}}
}

// stillCut are the keys by which rows that do not look at the window can be cut later. The
// sum of an hour is not one: its rows may lie beyond the border.
func stillCut(r *relation, keys []key, ids []ident) (out []ident) {
	for i, k := range keys {
		ok := true
		for n, l := range r.legs {
			ok = ok && !k.values[n].made() && !slices.ContainsFunc(l.anchors, func(a anchor) bool { return a.forbids(k.values[n]) })
		}
		if ok {
			out = append(out, ids[i])
		}
	}
	return out
}

// sumsOfWindow notes what sums of rows that see the window are good for.
func (j *judge) sumsOfWindow(r *relation, out *leg, line int, name string, keys []key, ids []ident) {
	for _, l := range r.legs {
		if _, why := j.settle(l, ""); why != nil {
			out.flaw = why
			return
		}
	}
	if j.aggregate() {
		out.done = true
		return
	}
	for i, k := range keys {
		cut := true
		for n, l := range r.legs {
			t, _ := j.settle(l, k.values[n])
			cut = cut && t == k.values[n]
		}
		if cut {
			out.bounds = map[ident]bound{ids[i]: {lo: &edge{line: line}, hi: &edge{strict: true, line: line}}}
			return
		}
	}
	out.flaw = &Reason{line, name + ` sums up the rows of one window, so that its answer depends on how time is cut: group by ` + j.column +
		` itself, remove it, or put "// mode: aggregate" at the head`}
}
