package queries_test

import (
	"fmt"
	"maps"
	"strings"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql/judge"
)

// trial is one dataset and ways to cut its range.
type trial struct {
	d    *dataset
	cuts [][]hunting.Window
}

// untimedError is an answer without its time column, which no run passes.
type untimedError struct{ column string }

func (e untimedError) Error() string { return "the answer has no column " + e.column }

// judged says why a query is refused, or nothing.
func judged(q drawn) (out []string) {
	v := judge.Query(q.text, judge.Options{Mode: q.mode(), Time: q.time(), JoinWindow: q.is("window")})
	for _, r := range v.Refused {
		out = append(out, r.String())
	}
	return out
}

// try looks for rows that are lost, repeated or made up, and says in how many of the trials
// there were rows at all.
func try(q drawn, belt, strict bool, trials []trial) (full int, err error) {
	for _, at := range trials {
		n := 0
		switch {
		case q.is("aggregate"):
			n, err = at.d.counted(q, strict, at.cuts)
		case q.is("window"):
			n, err = at.d.within(q, at.cuts[0])
		default:
			n, err = at.d.exact(q, belt, at.cuts)
		}
		if err != nil {
			return full, err
		}
		if n > 0 {
			full++
		}
	}
	return full, nil
}

// window is what a query answers of one window; an error where a row is none of it.
func (d *dataset) window(q drawn, belt bool, w hunting.Window) (answer, error) {
	a, err := d.ask(q.sent(q.text, belt, w))
	if err != nil {
		return a, err
	}
	t := a.column(q.time())
	if t < 0 {
		return a, untimedError{q.time()}
	}
	for i, r := range a.cells {
		if at := schema.FromTicks(r[t].Int); r[t].Null || at.Before(w.Start) || !at.Before(w.End) {
			return a, fmt.Errorf("the window from %s to %s has a row outside of it: %s", clock(w.Start), clock(w.End), a.readable(i))
		}
	}
	return a, nil
}

// exact compares the rows of the whole range with those of its windows.
func (d *dataset) exact(q drawn, belt bool, cuts [][]hunting.Window) (int, error) {
	whole, err := d.window(q, belt, d.whole)
	if err != nil {
		return 0, err
	}
	for _, cut := range cuts {
		left := map[string]int{}
		for _, r := range whole.rows {
			left[r]++
		}
		rest := len(whole.rows)
		for _, w := range cut {
			part, err := d.window(q, belt, w)
			if err != nil {
				return 0, err
			}
			for i, r := range part.rows {
				rest--
				if left[r]--; left[r] < 0 {
					return 0, fmt.Errorf("the window from %s to %s has a row more than the range from %s: %s", clock(w.Start), clock(w.End), clock(d.whole.Start), part.readable(i))
				}
			}
		}
		if rest > 0 {
			return 0, fmt.Errorf("%d of the %d rows of the range are in none of its windows, cut at %s", rest, len(whole.rows), borders(cut))
		}
	}
	return len(whole.rows), nil
}

func borders(cut []hunting.Window) string {
	var all []string
	for _, w := range cut {
		all = append(all, clock(w.Start))
	}
	return strings.Join(all, " ")
}

// within checks of a query whose rows depend on how time is cut that they lie in their window.
func (d *dataset) within(q drawn, cut []hunting.Window) (rows int, err error) {
	for _, w := range cut {
		a, err := d.window(q, false, w)
		if err != nil {
			return 0, err
		}
		rows += len(a.rows)
	}
	return rows, nil
}

// sums is what an aggregate answers of a window.
type sums struct {
	by   map[string]int64 // of each key
	each map[string]bool  // each as text
	ids  map[string]bool  // the rows that were counted, where they are answered
}

func (d *dataset) sums(q drawn, text string, w hunting.Window) (sums, error) {
	s := sums{map[string]int64{}, map[string]bool{}, map[string]bool{}}
	a, err := d.ask(q.sent(text, false, w))
	if err != nil {
		return s, err
	}
	if a.column(q.time()) < 0 {
		return s, untimedError{q.time()}
	}
	total, ids := a.column("Total"), a.column("Ids")
	for _, r := range a.cells {
		key := a.text(r, func(name string) bool { return name[0] == 'K' || q.is("bins") && name == q.time() })
		s.by[key] += r[total].Int
		s.each[key+"\x01"+r[total].Canonical("Int64")] = true
		if ids >= 0 {
			for _, id := range strings.Split(strings.Trim(r[ids].Text, "[]"), ",") {
				s.ids[id] = true
			}
		}
	}
	delete(s.ids, "")
	return s, nil
}

// counted compares what an aggregate counts in the windows with what it counts in the whole
// range, by its keys; and what it makes of its sums with the sums, of each window. If not
// strict, rows may be lost, as that mode allows, yet none counted twice.
func (d *dataset) counted(q drawn, strict bool, cuts [][]hunting.Window) (int, error) {
	whole, err := d.sums(q, q.base, d.whole)
	if err != nil {
		return 0, err
	}
	for _, cut := range cuts {
		got, in := map[string]int64{}, map[string]hunting.Window{}
		for _, w := range cut {
			base, err := d.sums(q, q.base, w)
			if err != nil {
				return 0, err
			}
			for key, n := range base.by {
				got[key] += n
			}
			for id := range base.ids {
				// A row that a sum of one window made has no Id: each is a row of its own.
				if before, twice := in[id]; twice && !q.is("twice") && !strings.HasPrefix(id, "/") {
					return 0, fmt.Errorf("row %s is counted in the windows from %s and %s", id, clock(before.Start), clock(w.Start))
				}
				in[id] = w
			}
			if q.text == q.base {
				continue
			}
			made, err := d.sums(q, q.text, w)
			if err != nil {
				return 0, err
			}
			for key := range made.each {
				if !base.each[key] {
					return 0, fmt.Errorf("the window from %s to %s answers a sum that it has not counted: %q", clock(w.Start), clock(w.End), key)
				}
			}
		}
		if strict && !maps.Equal(got, whole.by) {
			return 0, fmt.Errorf("the windows count %v, the whole range %v; cut at %s", got, whole.by, borders(cut))
		}
	}
	return len(whole.by), nil
}
