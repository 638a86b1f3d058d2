package tenant

import (
	"slices"
	"strings"
)

func (e *env) where(rel *relation, s operator) (*relation, error) {
	x := s.cond
	cond, err := e.expr(x, rel)
	if err != nil {
		return nil, err
	}
	if cond.kind != kBool {
		return nil, semanticError("where operator: a bool is expected, not %s", kinds[cond.kind].kusto)
	}
	if cond.konst != nil && cond.konst.truth() {
		return rel, nil
	}
	if rel.source != nil {
		what, err := e.known(rel, x)
		if err != nil {
			return nil, err
		}
		return rel.narrowed(cond, what), nil
	}
	inner := rel.scan
	return rel.over(func(yield func(*row) bool) {
		inner(func(r *row) bool { return !cond.eval(r).truth() || yield(r) })
	}), nil
}

func take(rel *relation, n int) *relation {
	inner := rel.scan
	return rel.over(func(yield func(*row) bool) {
		left := n
		if left == 0 {
			return
		}
		inner(func(r *row) bool {
			left--
			return yield(r) && left > 0
		})
	})
}

func (e *env) extend(rel *relation, s operator) (*relation, error) {
	names := naming{reserved: rel.columns}
	if err := e.name(&names, rel, s.cols); err != nil {
		return nil, err
	}
	return rel.with(extended(rel.columns, names.out)), nil
}

// extended is columns with others added, or put in the place of those of their name.
func extended(columns, added []relColumn) []relColumn {
	cols := slices.Clone(columns)
	for _, a := range added {
		i := slices.IndexFunc(cols, func(c relColumn) bool { return c.name == a.name })
		if i >= 0 {
			cols[i] = a
			continue
		}
		cols = append(cols, a)
	}
	return cols
}

func (e *env) rename(rel *relation, s operator) (*relation, error) {
	cols := slices.Clone(rel.columns)
	for _, c := range s.cols {
		old := columnOf(c.x, rel)
		i := slices.IndexFunc(rel.columns, func(c relColumn) bool { return c.name == old })
		if i < 0 || c.name == "" {
			return nil, semanticError("project-rename: 'New = Old' is expected, and Old must be a column")
		}
		if hasColumn(cols, c.name) {
			return nil, semanticError("A column with the name '%s' is already declared", c.name)
		}
		cols[i].name = c.name
	}
	return rel.with(cols), nil
}

// pick leaves the columns that fit patterns, in their order, or those that fit none; reorder
// puts the ones before the others, as the patterns stand.
func pick(rel *relation, s operator) (*relation, error) {
	fits := func(pattern string) (out []relColumn) {
		for _, c := range rel.columns {
			if like(pattern, c.name) {
				out = append(out, c)
			}
		}
		return out
	}
	var picked []relColumn
	for _, pattern := range s.names {
		found := fits(pattern)
		if len(found) == 0 && !strings.Contains(pattern, "*") {
			return nil, unresolved(pattern)
		}
		for _, c := range found {
			if !hasColumn(picked, c.name) {
				picked = append(picked, c)
			}
		}
	}
	var in, out []relColumn
	for _, c := range rel.columns {
		if hasColumn(picked, c.name) {
			in = append(in, c)
		} else {
			out = append(out, c)
		}
	}
	switch s.name {
	case "project-away":
		return rel.with(out), nil
	case "project-keep":
		return rel.with(in), nil
	default:
		return rel.with(append(picked, out...)), nil
	}
}

// like matches a name with a pattern in which * stands for anything.
func like(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return true
}

func getschema(rel *relation) *relation {
	var rows [][]value
	for i, c := range rel.columns {
		k := kinds[c.expr.kind]
		rows = append(rows, []value{vString(c.name), vInt(int64(i)), vString(k.net), vString(k.kusto)})
	}
	return rowsRelation([]column{
		{"ColumnName", kString},
		{"ColumnOrdinal", kInt},
		{"DataType", kString},
		{"ColumnType", kString},
	}, rows)
}
