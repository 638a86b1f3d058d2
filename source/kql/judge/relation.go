package judge

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// ident is a value of a row, by whatever names it goes: a column as it came from its
// table, or what is made of such.
type ident string

// The idents of the two borders.
const (
	start ident = "$start"
	end   ident = "$end"
)

func border(id ident) bool { return id == start || id == end }

// made reports whether a value is made of others in a way that is not followed.
func (id ident) made() bool { return strings.Contains(string(id), "(") }

// fresh is a value that was not there before.
func (j *judge) fresh() ident {
	j.idents++
	return ident(fmt.Sprintf("c%d", j.idents))
}

// knowledge is how much is known of the columns of a table.
type knowledge int

const (
	all       knowledge = iota // there are no others
	catalogue                  // others are unlikely
	little                     // any may be there
)

// column is what a name of a row stands for. Made is set where borders are part of it.
type column struct {
	id   ident
	made *value
}

// leg is rows of one origin.
type leg struct {
	line    int
	what    string // names it in a reason
	columns map[string]column
	others  knowledge
	gone    []string // patterns of columns that were taken away
	bounds  map[ident]bound
	diffs   []atom
	anchors []anchor
	met     map[ident]origin
	flaw    *Reason // rows depend on the window in a way that cannot be shown to be right
	done    bool    // aggregate: sums of rows that were cut
	single  bool    // the rows of one row's array: any operator will do
}

// origin is the side of a join that a value with borders came from.
type origin struct {
	line int // of the join
	left bool
}

// meets is the line of the join in which a value met t, which came from elsewhere.
func (l *leg) meets(id, t ident) (line int, ok bool) {
	from, joined := l.met[id]
	return from.line, joined && from != l.met[t]
}

// anchor says where borders may not cut any more: rows were made of several, some were
// kept and others not, or rows without a partner have no such value.
type anchor struct {
	among  map[ident]bool // these values; nil: all
	more   bool           // and such as come up later
	but    map[ident]bool // except these
	reason Reason
}

func (a anchor) forbids(id ident) bool { return (a.among == nil || a.among[id]) && !a.but[id] }

// relation is rows of any number of origins.
type relation struct{ legs []*leg }

func (l *leg) windowed() bool { return len(l.bounds) > 0 || l.flaw != nil || l.done }

// changes reports whether the rows are those of a table as it is when a window is read.
func (l *leg) changes() bool {
	return !l.windowed() && !slices.Contains([]string{"datatable", "print", "range"}, l.what)
}

func (r *relation) windowed() bool { return slices.ContainsFunc(r.legs, (*leg).windowed) }

func (l *leg) clone() *leg {
	c := *l
	c.columns, c.bounds = maps.Clone(l.columns), maps.Clone(l.bounds)
	c.gone, c.diffs, c.anchors = slices.Clone(l.gone), slices.Clone(l.diffs), slices.Clone(l.anchors)
	return &c
}

// each is the relation with every leg changed.
func (r *relation) each(change func(*leg)) *relation {
	out := &relation{}
	for _, l := range r.legs {
		c := l.clone()
		change(c)
		out.legs = append(out.legs, c)
	}
	return out
}

// again is the same rows once more: their values are others than those of the first.
func (j *judge) again(r *relation) *relation {
	return r.each(func(l *leg) {
		renamed := map[ident]ident{start: start, end: end}
		name := func(id ident) ident {
			if renamed[id] == "" {
				renamed[id] = j.fresh()
				if why, ok := j.unsure[id]; ok {
					j.unsure[renamed[id]] = why
				}
			}
			return renamed[id]
		}
		for n, c := range l.columns {
			l.columns[n] = column{name(c.id), c.made}
		}
		bounds := map[ident]bound{}
		for id, b := range l.bounds {
			bounds[name(id)] = b
		}
		l.bounds = bounds
		for i, d := range l.diffs {
			l.diffs[i].x, l.diffs[i].y = name(d.x), name(d.y)
		}
		set := func(of map[ident]bool) map[ident]bool {
			if of == nil {
				return nil
			}
			out := map[ident]bool{}
			for id := range of {
				out[name(id)] = true
			}
			return out
		}
		for i, a := range l.anchors {
			l.anchors[i].among, l.anchors[i].but = set(a.among), set(a.but)
		}
		met := map[ident]origin{}
		for id, from := range l.met {
			met[name(id)] = from
		}
		l.met = met
	})
}

// has reports whether a column is known to be there.
func (l *leg) has(name string) bool {
	_, ok := l.columns[name]
	return ok
}

// column is the column of a name; false where there is none.
func (l *leg) column(name string, j *judge) (column, bool) {
	if c, ok := l.columns[name]; ok {
		return c, true
	}
	if l.others == all || slices.ContainsFunc(l.gone, func(p string) bool { return matches(p, name) }) {
		return column{}, false
	}
	if name == j.column && l.others == catalogue {
		j.warn(l.line, "%s has no column %s, as far as this version knows", l.what, name)
	}
	c := column{id: j.fresh()}
	l.set(name, c)
	for i, a := range l.anchors {
		if a.more {
			l.anchors[i].among = maps.Clone(a.among)
			l.anchors[i].among[c.id] = true
		}
	}
	return c, true
}

// free is the name that a further column of a name gets: with a number, if that is taken.
func (l *leg) free(name string) string {
	free := name
	for n := 1; l.has(free); n++ {
		free = fmt.Sprint(name, n)
	}
	return free
}

// matches reports whether a name fits a pattern with *.
func matches(pattern, name string) bool {
	ok, err := path.Match(strings.NewReplacer("[", `\[`, "?", `\?`).Replace(pattern), name)
	return err == nil && ok
}

// set gives a column another value.
func (l *leg) set(name string, c column) {
	if l.columns == nil {
		l.columns = map[string]column{}
	}
	l.columns[name] = c
}

// values are all that a leg knows of.
func (l *leg) values() map[ident]bool {
	out := map[ident]bool{}
	for _, c := range l.columns {
		out[c.id] = true
	}
	for id := range l.bounds {
		out[id] = true
	}
	for _, d := range l.diffs {
		out[d.x], out[d.y] = true, true
	}
	return out
}

// seal notes that borders may cut only some values from here on.
func (l *leg) seal(why Reason, but ...ident) {
	a := anchor{but: map[ident]bool{}, reason: why}
	for _, id := range but {
		a.but[id] = true
	}
	l.anchors = append(l.anchors, a)
}

// joined narrows what was sealed of a side of a join to its own values.
func (l *leg) joined() []anchor {
	var out []anchor
	for _, a := range l.anchors {
		if a.among == nil {
			a.among, a.more = l.values(), l.others != all
		}
		out = append(out, a)
	}
	return out
}
