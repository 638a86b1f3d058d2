package tenant

import (
	"cmp"
	"encoding/json"
	"math"
	"sort"
)

// expansion is what mv-expand and mv-apply make of a row: for each element of its
// lists a row of the same columns, with the element in the place of the list.
type expansion struct {
	inner   *relation
	lists   []*expr
	kinds   []kind
	pairs   bool // a bag's members are [key, value], not {key: value}
	limit   int
	columns []relColumn // over rows whose cells are the elements, then the index
}

func (e *env) expansion(rel *relation, s operator) (*expansion, error) {
	x := &expansion{inner: rel, limit: math.MaxInt}
	mode := either(s.options["kind"], s.options["bagexpansion"])
	if mode != "" && mode != "bag" && mode != "array" {
		return nil, semanticError("%s operator: '%s' is not a kind; bag and array are", s.name, mode)
	}
	x.pairs = mode == "array"
	var err error
	if s.cond != nil {
		if x.limit, err = e.number(s.cond); err != nil {
			return nil, err
		}
	}
	compiled, err := e.columns(rel, s.cols)
	if err != nil {
		return nil, err
	}
	for i, c := range compiled {
		if c.expr.kind != kDynamic && c.expr.kind != kNull {
			return nil, semanticError("%s operator: the expression must have the type dynamic, not %s", s.name, kinds[c.expr.kind].kusto)
		}
		x.lists, x.kinds = append(x.lists, c.expr), append(x.kinds, cmp.Or(s.cols[i].kind, kDynamic))
	}
	cell := func(name string, k kind, i int) relColumn {
		return relColumn{name: name, expr: &expr{kind: k, eval: func(r *row) value { return r.vals[i] }}}
	}
	for _, c := range rel.columns {
		of := c.expr
		x.columns = append(x.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *row) value { return of.eval(r.inner) }}})
	}
	var added []relColumn
	for i, c := range compiled {
		added = append(added, cell(c.name, x.kinds[i], i))
	}
	if index := s.options["with_itemindex"]; index != "" {
		added = append(added, cell(index, kLong, len(compiled)))
	}
	x.columns = extended(x.columns, added)
	return x, nil
}

// rows goes over what a row becomes; false where yield wants no more.
func (x *expansion) rows(r *row, yield func(*row) bool) bool {
	lists, n := make([][]value, len(x.lists)), 0
	for i, l := range x.lists {
		lists[i] = elements(l.eval(r), x.pairs)
		n = max(n, len(lists[i]))
	}
	out := row{inner: r, vals: make([]value, len(lists)+1)}
	for k := range min(n, x.limit) {
		for i, list := range lists {
			out.vals[i] = convert(value{}, x.kinds[i])
			if k < len(list) {
				out.vals[i] = cast(list[k], x.kinds[i])
			}
		}
		out.vals[len(lists)] = vLong(int64(k))
		if !yield(&out) {
			return false
		}
	}
	return true
}

// cast is what an element is as a type: a text is no number.
func cast(v value, k kind) value {
	if k.numeric() && v.k == kDynamic {
		if _, text := unquoteJSON(v.s); text {
			return value{}
		}
	}
	return convert(v, k)
}

// elements is what a dynamic expands to: null and what is no list to itself.
func elements(v value, pairs bool) []value {
	if v.k != kDynamic || v.s == "" || v.s[0] != '[' && v.s[0] != '{' {
		return []value{v}
	}
	var out []value
	each(v.s, func(key, x string) {
		switch {
		case key == "":
			out = append(out, dynamicOf(x))
		case pairs:
			out = append(out, vJSON("["+key+","+x+"]"))
		default:
			out = append(out, vJSON("{"+key+":"+x+"}"))
		}
	})
	return out
}

func (e *env) expand(rel *relation, s operator) (*relation, error) {
	x, err := e.expansion(rel, s)
	if err != nil {
		return nil, err
	}
	out := rel.over(func(yield func(*row) bool) {
		rel.scan(func(r *row) bool { return x.rows(r, yield) })
	})
	out.columns = x.columns
	out.inside(rel)
	return out, nil
}

// inside makes what is known of rel's rows known of rows that hold them.
func (r *relation) inside(rel *relation) {
	if of := rel.origin; of != nil {
		r.origin = func(r *row) (*table, int64) { return of(r.inner) }
	}
	if in := rel.ingested; in != nil && in.konst == nil {
		r.ingested = &expr{kind: kDatetime, eval: func(r *row) value { return in.eval(r.inner) }}
	}
}

// apply runs a pipeline over what each row becomes, and puts the row beside what
// the pipeline answers.
func (e *env) apply(rel *relation, s operator) (*relation, error) {
	x, err := e.expansion(rel, s)
	if err != nil {
		return nil, err
	}
	var at *row // the row that the pipeline runs for
	sub, err := e.pipeline(s.sub, &relation{columns: x.columns, scan: func(yield func(*row) bool) { x.rows(at, yield) }})
	if err != nil {
		return nil, err
	}
	out := rel.over(func(yield func(*row) bool) {
		rel.scan(func(r *row) bool {
			at = r
			for _, cells := range collected(sub) {
				if !yield(&row{inner: r, vals: cells}) {
					return false
				}
			}
			return true
		})
	})
	out.columns = nil
	expanded := map[string]bool{}
	for i, c := range s.cols {
		expanded[either(c.name, autoName(c.x))] = i >= 0
	}
	for _, c := range rel.columns {
		if of := c.expr; !expanded[c.name] {
			out.columns = append(out.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *row) value { return of.eval(r.inner) }}})
		}
	}
	for i, c := range sub.columns {
		if _, ok := out.find(c.name); ok {
			if of, _ := (&relation{columns: x.columns}).find(c.name); of != c.expr {
				return nil, semanticError("mv-apply operator: the column '%s' is another than the one of the row beside it", c.name)
			}
		} else {
			out.columns = append(out.columns, relColumn{name: c.name, expr: &expr{kind: c.expr.kind, eval: func(r *row) value { return r.vals[i] }}})
		}
	}
	out.inside(rel)
	return out, nil
}

func collected(rel *relation) [][]value {
	var out [][]value
	rel.scan(func(r *row) bool {
		out = append(out, cellsOfRow(rel, r))
		return true
	})
	return out
}

// partition runs a pipeline over the rows of each key by themselves.
func (e *env) partition(rel *relation, s operator) (*relation, error) {
	by, err := e.columns(rel, s.by)
	if err != nil {
		return nil, err
	}
	if by[0].expr.kind == kDynamic {
		return nil, semanticError("partition operator: the key is of a 'dynamic' type. Please use an explicit cast")
	}
	var at []*row
	part := rel.over(func(yield func(*row) bool) {
		for _, r := range at {
			if !yield(r) {
				return
			}
		}
	})
	sub, err := e.pipeline(s.sub, part)
	if err != nil {
		return nil, err
	}
	out := sub.over(func(yield func(*row) bool) {
		parts := map[string][]*row{}
		rel.scan(func(r *row) bool {
			key := string(appendKey(nil, by[0].expr.eval(r)))
			parts[key] = append(parts[key], r.keep())
			return true
		})
		going := true
		for _, key := range sortedKeys(parts) {
			at = parts[key]
			sub.scan(func(r *row) bool {
				going = yield(r)
				return going
			})
			if !going {
				return
			}
		}
	})
	out.serialized = false
	return out, nil
}

func sortedKeys[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// stretch is "range x from a to b step c".
func (e *env) stretch(s operator) (*relation, error) {
	var at [3]*expr
	for i, b := range s.bounds {
		var err error
		if at[i], err = e.expr(b, nil); err != nil {
			return nil, err
		}
	}
	k, ok := resultKind("+", at[0].kind, at[2].kind)
	if !ok || at[0].konst == nil || at[1].konst == nil || at[2].konst == nil || k != at[0].kind || at[1].kind != k {
		return nil, semanticError("range operator: constants of one type are expected")
	}
	var rows [][]value
	step := at[2].konst.real()
	for v := *at[0].konst; step != 0; v = compute("+", k, v, *at[2].konst) {
		c, ok := compare(v, *at[1].konst)
		if !ok || c > 0 && step > 0 || c < 0 && step < 0 {
			break
		}
		if rows = append(rows, []value{v}); len(rows) > 1_000_000 {
			return nil, semanticError("range operator: more than 1,000,000 rows")
		}
	}
	out := rowsRelation([]column{{s.names[0], k}}, rows)
	out.serialized = true
	return out, nil
}

func (e *env) datatable(s operator) (*relation, error) {
	n := len(s.columns)
	if len(s.values)%n != 0 {
		return nil, semanticError("datatable operator: %d values for %d columns", len(s.values), n)
	}
	var rows [][]value
	for i, v := range s.values {
		x, err := e.expr(v, nil)
		if err != nil {
			return nil, err
		}
		k := s.columns[i%n].kind
		if x.konst == nil || !canCompare(x.kind, k) && k != kString && x.kind != kString {
			return nil, semanticError("datatable operator: a constant of type %s is expected", kinds[k].kusto)
		}
		if i%n == 0 {
			rows = append(rows, nil)
		}
		last := len(rows) - 1
		rows[last] = append(rows[last], convert(*x.konst, k))
	}
	return rowsRelation(s.columns, rows), nil
}

func isArray(v value) ([]json.RawMessage, bool) {
	var list []json.RawMessage
	if v.k != kDynamic || json.Unmarshal([]byte(v.s), &list) != nil {
		return nil, false
	}
	return list, true
}
