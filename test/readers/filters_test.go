package readers_test

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"
)

// TestFilters asks each engine to count rows by a filter on a column of every type, by
// values at the bounds of pages and row groups, between them, and outside. It answers what
// the tenant's rows say, whatever it skipped.
func TestFilters(t *testing.T) {
	tables := slices.Concat(must(t, probe), must(t, odd))
	filters := make([][]filter, len(tables))
	for i, of := range tables {
		filters[i] = of.questions(9)
	}
	each(t, everyProcess(), func(t *testing.T, r *reader) {
		asked := 0
		for i, of := range tables {
			asked += sameCounts(t, r, of, r.some(11, filters[i]))
		}
		t.Logf("%d filters", asked)
		stillNeeded(t, r.name)
	})
}

// some are one in n filters for a slow reader, all for others.
func (r *reader) some(n int, filters []filter) (some []filter) {
	if !r.slow {
		return filters
	}
	for i := 0; i < len(filters); i += n {
		some = append(some, filters[i])
	}
	return some
}

// sameCounts asks a reader and tells how much. What is excepted is asked one by one, for
// it may fail.
func sameCounts(t *testing.T, r *reader, of *table, filters []filter) int {
	t.Helper()
	var plain []filter
	for _, f := range filters {
		except := func(e *exception) bool { return e.filter != nil && e.filter(of, f) }
		if !slices.ContainsFunc(exceptions, func(e *exception) bool { return e.reader == r.name && except(e) }) {
			plain = append(plain, f)
			continue
		}
		if got, err := r.counts(of.files, of.unit, []filter{f}); err != nil || got[0] != f.want {
			excuse(t, r.name, except)
		}
	}
	got, err := r.counts(of.files, of.unit, plain)
	if err != nil {
		t.Errorf("%s: %v", of.name, err)
		return 0
	}
	wrong := 0
	for i, f := range plain {
		if got[i] != f.want {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: %s (%s): %d rows, want %d", of.name, f, f.Kind, got[i], f.want)
			}
		}
	}
	if wrong > 5 {
		t.Errorf("%s: %d of %d filters are answered wrongly", of.name, wrong, len(plain))
	}
	return len(plain)
}

// ask makes a filter with the true number of rows.
func (t *table) ask(c *column, op, value string) filter {
	f := filter{Column: c.name, Kind: c.kind, Op: op, Value: value}
	f.want = t.count(f)
	return f
}

func (t *table) count(f filter) (n int) {
	c := t.column(f.Column)
	for _, cell := range c.cells {
		switch {
		case f.Op == "null" || f.Op == "not null":
			if (cell == null) == (f.Op == "null") {
				n++
			}
		case cell == null:
		default:
			switch d := c.kind.compare(cell, "v"+f.Value); f.Op {
			case "=":
				n += yes(d == 0)
			case "<":
				n += yes(d < 0)
			case ">=":
				n += yes(d >= 0)
			}
		}
	}
	return n
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

// questions are filters by at most so many values of each column.
func (t *table) questions(most int) (all []filter) {
	for i := range t.columns {
		c := &t.columns[i]
		if c.name == "Long" {
			continue // 10 MB are no value to ask for
		}
		all = append(all, t.ask(c, "null", ""), t.ask(c, "not null", ""))
		for _, v := range spread(t.values(c), most) {
			for _, op := range []string{"=", "<", ">="} {
				all = append(all, t.ask(c, op, v[1:]))
			}
		}
	}
	return all
}

// values are the bounds of a column's pages, which are those of its row groups too, what
// is next to them, and, where there are few, all values.
func (t *table) values(c *column) []string {
	set := map[string]bool{}
	for from := 0; from < len(c.cells); {
		to := min(from+pageRows, from-from%groupRows+groupRows, len(c.cells))
		some := slices.DeleteFunc(slices.Clone(c.cells[from:to]), func(cell string) bool { return cell == null })
		if len(some) > 0 {
			lo, hi := slices.MinFunc(some, c.kind.compare), slices.MaxFunc(some, c.kind.compare)
			for _, v := range []string{lo, hi, c.kind.beside(lo, -1), c.kind.beside(hi, 1), some[len(some)/2], c.kind.beside(some[len(some)/2], 1)} {
				set[v] = true
			}
		}
		from = to
	}
	distinct := map[string]bool{}
	for _, cell := range c.cells {
		distinct[cell] = true
	}
	if len(distinct) <= 25 {
		for v := range distinct {
			set[v] = true
		}
	}
	delete(set, null)
	var all []string
	for v := range set {
		all = append(all, v)
	}
	slices.Sort(all)
	slices.SortStableFunc(all, c.kind.compare)
	return all
}

// beside is a value just below (-1) or above (1), or the value itself where there is none.
func (k kind) beside(cell string, step int64) string {
	v := cell[1:]
	switch k {
	case boolean:
		return cell
	case double:
		return real(math.Nextafter(bits(v), math.Inf(int(step))))
	case text:
		if step < 0 && v != "" {
			_, n := utf8.DecodeLastRuneInString(v)
			return "v" + v[:len(v)-n]
		}
		return cell + "!"
	}
	n := number(v)
	limit := map[int64]int64{-1: math.MinInt64, 1: math.MaxInt64}
	if k == int32s {
		limit = map[int64]int64{-1: math.MinInt32, 1: math.MaxInt32}
	}
	if n == limit[step] {
		return cell
	}
	return "v" + strconv.FormatInt(n+step, 10)
}

// spread takes at most n of them, the ends among them.
func spread(all []string, n int) []string {
	if len(all) <= n {
		return all
	}
	var some []string
	for i := range n {
		some = append(some, all[i*(len(all)-1)/(n-1)])
	}
	return some
}
