package kusto

import (
	"cmp"
	"encoding/json"
	"math"
	"regexp"
	"sort"
	"strings"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// expansion is what mv-expand and mv-apply make of a row: for each element of its
// lists a row of the same columns, with the element in the place of the list.
type expansion struct {
	inner   *Relation
	lists   []*expr
	kinds   []data.Kind
	pairs   bool // a bag's members are [key, value], not {key: value}
	limit   int
	columns []relColumn // over rows whose cells are the elements, then the index
}

func (e *env) expansion(rel *Relation, s syntax.Operator) (*expansion, error) {
	x := &expansion{inner: rel, limit: math.MaxInt}
	mode := cmp.Or(s.Options["kind"], s.Options["bagexpansion"])
	if mode != "" && mode != "bag" && mode != "array" {
		return nil, semanticError("%s operator: '%s' is not a kind; bag and array are", s.Name, mode)
	}
	x.pairs = mode == "array"
	var err error
	if s.Cond != nil {
		if x.limit, err = e.number(s.Cond); err != nil {
			return nil, err
		}
	}
	compiled, err := e.columns(rel, s.Cols)
	if err != nil {
		return nil, err
	}
	for i, c := range compiled {
		if c.expr.kind != data.KindDynamic && c.expr.kind != data.KindNull {
			return nil, semanticError("%s operator: the expression must have the type dynamic, not %s", s.Name, c.expr.kind)
		}
		x.lists, x.kinds = append(x.lists, c.expr), append(x.kinds, cmp.Or(s.Cols[i].Kind, data.KindDynamic))
	}
	cell := func(name string, k data.Kind, i int) relColumn {
		return relColumn{name: name, expr: &expr{kind: k, eval: func(r *Row) data.Value { return r.vals[i] }}}
	}
	for _, c := range rel.columns {
		of := c.expr
		x.columns = append(x.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *Row) data.Value { return of.eval(r.inner) }}})
	}
	var added []relColumn
	for i, c := range compiled {
		added = append(added, cell(c.name, x.kinds[i], i))
	}
	if index := s.Options["with_itemindex"]; index != "" {
		added = append(added, cell(index, data.KindLong, len(compiled)))
	}
	x.columns = extended(x.columns, added)
	return x, nil
}

// rows goes over what a row becomes; false where yield wants no more.
func (x *expansion) rows(r *Row, yield func(*Row) bool) bool {
	lists, n := make([][]data.Value, len(x.lists)), 0
	for i, l := range x.lists {
		lists[i] = elements(l.eval(r), x.pairs)
		n = max(n, len(lists[i]))
	}
	out := Row{inner: r, vals: make([]data.Value, len(lists)+1)}
	for k := range min(n, x.limit) {
		for i, list := range lists {
			out.vals[i] = data.Convert(data.Value{}, x.kinds[i])
			if k < len(list) {
				out.vals[i] = cast(list[k], x.kinds[i])
			}
		}
		out.vals[len(lists)] = data.Long(int64(k))
		if !yield(&out) {
			return false
		}
	}
	return true
}

// cast is what an element is as a type: a text is no number.
func cast(v data.Value, k data.Kind) data.Value {
	if k.Numeric() && v.Kind == data.KindDynamic {
		if _, text := data.UnquoteJSON(v.Text); text {
			return data.Value{}
		}
	}
	return data.Convert(v, k)
}

// elements is what a dynamic expands to: null and what is no list to itself.
func elements(v data.Value, pairs bool) []data.Value {
	if v.Kind != data.KindDynamic || v.Text == "" || v.Text[0] != '[' && v.Text[0] != '{' {
		return []data.Value{v}
	}
	var out []data.Value
	data.EachMember(v.Text, func(key, x string) {
		switch {
		case key == "":
			out = append(out, data.DynamicOf(x))
		case pairs:
			out = append(out, data.Dynamic("["+key+","+x+"]"))
		default:
			out = append(out, data.Dynamic("{"+key+":"+x+"}"))
		}
	})
	return out
}

func (e *env) expand(rel *Relation, s syntax.Operator) (*Relation, error) {
	x, err := e.expansion(rel, s)
	if err != nil {
		return nil, err
	}
	out := rel.over(func(yield func(*Row) bool) {
		rel.scan(func(r *Row) bool { return x.rows(r, yield) })
	})
	out.columns = x.columns
	out.inside(rel)
	return out, nil
}

// inside makes what is known of rel's rows known of rows that hold them.
func (r *Relation) inside(rel *Relation) {
	if of := rel.origin; of != nil {
		r.origin = func(r *Row) (*data.Table, int64) { return of(r.inner) }
	}
	if in := rel.ingested; in != nil && in.konst == nil {
		r.ingested = &expr{kind: data.KindDatetime, eval: func(r *Row) data.Value { return in.eval(r.inner) }}
	}
}

// apply runs a pipeline over what each row becomes, and puts the row beside what
// the pipeline answers.
func (e *env) apply(rel *Relation, s syntax.Operator) (*Relation, error) {
	x, err := e.expansion(rel, s)
	if err != nil {
		return nil, err
	}
	var at *Row // the row that the pipeline runs for
	sub, err := e.pipeline(s.Sub, &Relation{columns: x.columns, scan: func(yield func(*Row) bool) { x.rows(at, yield) }})
	if err != nil {
		return nil, err
	}
	out := rel.over(func(yield func(*Row) bool) {
		rel.scan(func(r *Row) bool {
			at = r
			for _, cells := range collected(sub) {
				if !yield(&Row{inner: r, vals: cells}) {
					return false
				}
			}
			return true
		})
	})
	out.columns = nil
	expanded := map[string]bool{}
	for i, c := range s.Cols {
		expanded[cmp.Or(c.Name, autoName(c.X))] = i >= 0
	}
	for _, c := range rel.columns {
		if of := c.expr; !expanded[c.name] {
			out.columns = append(out.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *Row) data.Value { return of.eval(r.inner) }}})
		}
	}
	for i, c := range sub.columns {
		if _, ok := out.find(c.name); ok {
			if of, _ := (&Relation{columns: x.columns}).find(c.name); of != c.expr {
				return nil, semanticError("mv-apply operator: the column '%s' is another than the one of the row beside it", c.name)
			}
		} else {
			out.columns = append(out.columns, relColumn{name: c.name, expr: &expr{kind: c.expr.kind, eval: func(r *Row) data.Value { return r.vals[i] }}})
		}
	}
	out.inside(rel)
	return out, nil
}

func collected(rel *Relation) [][]data.Value {
	var out [][]data.Value
	rel.scan(func(r *Row) bool {
		out = append(out, cellsOfRow(rel, r))
		return true
	})
	return out
}

// partition runs a pipeline over the rows of each key by themselves.
func (e *env) partition(rel *Relation, s syntax.Operator) (*Relation, error) {
	by, err := e.columns(rel, s.By)
	if err != nil {
		return nil, err
	}
	if by[0].expr.kind == data.KindDynamic {
		return nil, semanticError("partition operator: the key is of a 'dynamic' type. Please use an explicit cast")
	}
	var at []*Row
	part := rel.over(func(yield func(*Row) bool) {
		for _, r := range at {
			if !yield(r) {
				return
			}
		}
	})
	sub, err := e.pipeline(s.Sub, part)
	if err != nil {
		return nil, err
	}
	out := sub.over(func(yield func(*Row) bool) {
		parts := map[string][]*Row{}
		rel.scan(func(r *Row) bool {
			key := string(appendKey(nil, by[0].expr.eval(r)))
			parts[key] = append(parts[key], r.keep())
			return true
		})
		going := true
		for _, key := range sortedKeys(parts) {
			at = parts[key]
			sub.scan(func(r *Row) bool {
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
func (e *env) stretch(s syntax.Operator) (*Relation, error) {
	var at [3]*expr
	for i, b := range s.Bounds {
		var err error
		if at[i], err = e.expr(b, nil); err != nil {
			return nil, err
		}
	}
	k, ok := resultKind("+", at[0].kind, at[2].kind)
	if !ok || at[0].konst == nil || at[1].konst == nil || at[2].konst == nil || k != at[0].kind || at[1].kind != k {
		return nil, semanticError("range operator: constants of one type are expected")
	}
	var rows [][]data.Value
	step := at[2].konst.Float()
	for v := *at[0].konst; step != 0; v = compute("+", k, v, *at[2].konst) {
		c, ok := data.Compare(v, *at[1].konst)
		if !ok || c > 0 && step > 0 || c < 0 && step < 0 {
			break
		}
		if rows = append(rows, []data.Value{v}); len(rows) > 1_000_000 {
			return nil, semanticError("range operator: more than 1,000,000 rows")
		}
	}
	out := rowsRelation([]data.Column{{Name: s.Names[0], Kind: k}}, rows)
	out.serialized = true
	return out, nil
}

func (e *env) datatable(s syntax.Operator) (*Relation, error) {
	n := len(s.Columns)
	if len(s.Values)%n != 0 {
		return nil, semanticError("datatable operator: %d values for %d columns", len(s.Values), n)
	}
	var rows [][]data.Value
	for i, v := range s.Values {
		x, err := e.expr(v, nil)
		if err != nil {
			return nil, err
		}
		k := s.Columns[i%n].Kind
		if x.konst == nil || !data.CanCompare(x.kind, k) && k != data.KindString && x.kind != data.KindString {
			return nil, semanticError("datatable operator: a constant of type %s is expected", k)
		}
		if i%n == 0 {
			rows = append(rows, nil)
		}
		last := len(rows) - 1
		rows[last] = append(rows[last], data.Convert(*x.konst, k))
	}
	return rowsRelation(s.Columns, rows), nil
}

func isArray(v data.Value) ([]json.RawMessage, bool) {
	var list []json.RawMessage
	if v.Kind != data.KindDynamic || json.Unmarshal([]byte(v.Text), &list) != nil {
		return nil, false
	}
	return list, true
}

// parse cuts a text into columns. Where the text does not fit they are null, or with
// parse-where the row is left out.
func (e *env) parse(rel *Relation, s syntax.Operator) (*Relation, error) {
	x, err := e.expr(s.Cond, rel)
	if err != nil {
		return nil, err
	}
	kind := cmp.Or(s.Options["kind"], "simple")
	if kind != "simple" && kind != "regex" && kind != "relaxed" || s.Options["flags"] != "" && kind != "regex" {
		return nil, semanticError("%s operator: kind '%s' with flags '%s' is not known", s.Name, kind, s.Options["flags"])
	}
	re, columns, err := parsePattern(s, kind)
	if err != nil {
		return nil, err
	}
	cut := func(r *Row) []data.Value {
		m := re.FindStringSubmatch(x.eval(r).String())
		if m == nil {
			return nil
		}
		out := make([]data.Value, len(columns))
		for i, c := range columns {
			if out[i] = data.Convert(data.String(m[i+1]), c.Kind); out[i].Kind == data.KindNull && kind != "relaxed" {
				return nil
			}
		}
		return out
	}
	out := rel.over(func(yield func(*Row) bool) {
		rel.scan(func(r *Row) bool {
			cells := cut(r)
			if cells == nil && s.Name == "parse-where" {
				return true
			}
			return yield(&Row{inner: r, vals: cells})
		})
	})
	out.columns = nil
	for _, c := range rel.columns {
		of := c.expr
		out.columns = append(out.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *Row) data.Value { return of.eval(r.inner) }}})
	}
	var added []relColumn
	for i, c := range columns {
		missing := data.Convert(data.Value{}, c.Kind)
		added = append(added, relColumn{name: c.Name, expr: &expr{kind: c.Kind, eval: func(r *Row) data.Value {
			if r.vals == nil {
				return missing
			}
			return r.vals[i]
		}}})
	}
	out.columns = extended(out.columns, added)
	out.inside(rel)
	return out, nil
}

func parsePattern(s syntax.Operator, kind string) (*regexp.Regexp, []data.Column, error) {
	var columns []data.Column
	var b strings.Builder
	b.WriteString("(?s" + s.Options["flags"] + ")^")
	for i, p := range s.Pattern {
		switch {
		case p.Star && i > 0 && s.Pattern[i-1].Col != nil && s.Pattern[i-1].Col.Kind == data.KindString:
			return nil, nil, semanticError("%s operator: Using * after parsing a string column is ambiguous", s.Name)
		case p.Star:
			b.WriteString(".*?")
		case p.Col == nil && kind == "regex":
			b.WriteString("(?:" + p.Text + ")")
		case p.Col == nil:
			b.WriteString(regexp.QuoteMeta(p.Text))
		default:
			columns = append(columns, *p.Col)
			switch {
			case kind == "relaxed":
				b.WriteString("(.*?)")
			case p.Col.Kind == data.KindInt || p.Col.Kind == data.KindLong:
				b.WriteString(`(-?\d+)`)
			case p.Col.Kind == data.KindReal:
				b.WriteString(`(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)`)
			default:
				b.WriteString("(.*?)")
			}
		}
	}
	b.WriteString("$")
	re, err := regexp.Compile(b.String())
	if err != nil || re.NumSubexp() != len(columns) {
		return nil, nil, semanticError("%s operator: the pattern '%s' is not a regular expression that it takes", s.Name, b.String())
	}
	return re, columns, nil
}
