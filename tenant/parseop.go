package tenant

import (
	"regexp"
	"strings"
)

// parse cuts a text into columns. Where the text does not fit they are null, or with
// parse-where the row is left out.
func (e *env) parse(rel *relation, s operator) (*relation, error) {
	x, err := e.expr(s.cond, rel)
	if err != nil {
		return nil, err
	}
	kind := either(s.options["kind"], "simple")
	if kind != "simple" && kind != "regex" && kind != "relaxed" || s.options["flags"] != "" && kind != "regex" {
		return nil, semanticError("%s operator: kind '%s' with flags '%s' is not known", s.name, kind, s.options["flags"])
	}
	re, columns, err := parsePattern(s, kind)
	if err != nil {
		return nil, err
	}
	cut := func(r *row) []value {
		m := re.FindStringSubmatch(x.eval(r).text())
		if m == nil {
			return nil
		}
		out := make([]value, len(columns))
		for i, c := range columns {
			if out[i] = convert(vString(m[i+1]), c.kind); out[i].k == kNull && kind != "relaxed" {
				return nil
			}
		}
		return out
	}
	out := rel.over(func(yield func(*row) bool) {
		rel.scan(func(r *row) bool {
			cells := cut(r)
			if cells == nil && s.name == "parse-where" {
				return true
			}
			return yield(&row{inner: r, vals: cells})
		})
	})
	out.columns = nil
	for _, c := range rel.columns {
		of := c.expr
		out.columns = append(out.columns, relColumn{name: c.name, expr: &expr{kind: of.kind, eval: func(r *row) value { return of.eval(r.inner) }}})
	}
	var added []relColumn
	for i, c := range columns {
		missing := convert(value{}, c.kind)
		added = append(added, relColumn{name: c.name, expr: &expr{kind: c.kind, eval: func(r *row) value {
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

func parsePattern(s operator, kind string) (*regexp.Regexp, []column, error) {
	var columns []column
	var b strings.Builder
	b.WriteString("(?s" + s.options["flags"] + ")^")
	for i, p := range s.pattern {
		switch {
		case p.star && i > 0 && s.pattern[i-1].col != nil && s.pattern[i-1].col.kind == kString:
			return nil, nil, semanticError("%s operator: Using * after parsing a string column is ambiguous", s.name)
		case p.star:
			b.WriteString(".*?")
		case p.col == nil && kind == "regex":
			b.WriteString("(?:" + p.text + ")")
		case p.col == nil:
			b.WriteString(regexp.QuoteMeta(p.text))
		default:
			columns = append(columns, *p.col)
			switch {
			case kind == "relaxed":
				b.WriteString("(.*?)")
			case p.col.kind == kInt || p.col.kind == kLong:
				b.WriteString(`(-?\d+)`)
			case p.col.kind == kReal:
				b.WriteString(`(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)`)
			default:
				b.WriteString("(.*?)")
			}
		}
	}
	b.WriteString("$")
	re, err := regexp.Compile(b.String())
	if err != nil || re.NumSubexp() != len(columns) {
		return nil, nil, semanticError("%s operator: the pattern '%s' is not a regular expression that it takes", s.name, b.String())
	}
	return re, columns, nil
}
