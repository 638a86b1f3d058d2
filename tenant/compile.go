package tenant

import (
	"fmt"
	"strings"
)

// env is what a query is compiled against.
type env struct {
	tenant   *Tenant
	stopped  func() bool // the client is gone: scans end early
	now      int64
	timespan span // Graph's Timespan, on event time
	scalars  map[string]*expr
	tables   map[string]*relation
}

// compile turns a query into rows to come.
func (e *env) compile(q *query) (*relation, error) {
	for _, let := range q.lets {
		if let.table != nil {
			// let x = y; where y is a scalar parses like a table.
			if s, ok := e.scalars[let.table.table]; ok && let.table.isName {
				e.scalars[let.name] = s
				continue
			}
			rel, err := e.pipeline(let.table)
			if err != nil {
				return nil, err
			}
			e.tables[let.name] = rel
			continue
		}
		x, err := e.expr(let.x, nil)
		if err != nil {
			return nil, err
		}
		if x.konst == nil {
			return nil, semanticError("The value of '%s' is no constant", let.name)
		}
		e.scalars[let.name] = x
	}
	return e.pipeline(q.main)
}

func (e *env) pipeline(p *pipeline) (*relation, error) {
	rel, err := e.source(p)
	if err != nil {
		return nil, err
	}
	for _, s := range p.steps {
		if rel, err = e.step(rel, s); err != nil {
			return nil, err
		}
	}
	return rel, nil
}

func (e *env) source(p *pipeline) (*relation, error) {
	switch {
	case p.inner != nil:
		return e.pipeline(p.inner)
	case p.union != nil:
		return e.union(nil, *p.union)
	case p.print != nil:
		cols, err := e.columns(&relation{}, p.print, "print_")
		if err != nil {
			return nil, err
		}
		one := rowsRelation(nil, [][]value{nil})
		return one.with(cols), nil
	}
	if rel, ok := e.tables[p.table]; ok {
		return rel, nil
	}
	if tbl, ok := e.tenant.table(p.table); ok {
		return tableRelation(e, tbl), nil
	}
	return nil, unresolved(p.table)
}

func (e *env) step(rel *relation, s operator) (*relation, error) {
	switch s.name {
	case "where":
		return e.where(rel, s.cond)
	case "take":
		n, err := e.number(s.cond)
		if err != nil {
			return nil, err
		}
		return take(rel, n), nil
	case "extend":
		return e.extend(rel, s.cols)
	case "project":
		cols, err := e.columns(rel, s.cols, "Column")
		if err != nil {
			return nil, err
		}
		return rel.with(cols), nil
	case "project-rename":
		return e.rename(rel, s.cols)
	case "project-away", "project-keep", "project-reorder":
		return pick(rel, s), nil
	case "count":
		return e.summarize(rel, operator{cols: []named{{name: "Count", x: callNode{name: "count"}}}})
	case "summarize":
		return e.summarize(rel, s)
	case "distinct":
		if len(s.names) > 0 {
			for _, c := range rel.columns {
				s.by = append(s.by, named{x: refNode{name: c.name}})
			}
		}
		return e.summarize(rel, s)
	case "sort":
		return e.sort(rel, s.order)
	case "top":
		n, err := e.number(s.cond)
		if err != nil {
			return nil, err
		}
		sorted, err := e.sort(rel, s.order)
		if err != nil {
			return nil, err
		}
		return take(sorted, n), nil
	case "getschema":
		return getschema(rel), nil
	case "union":
		return e.union(rel, s)
	default: // serialize changes nothing here
		return rel, nil
	}
}

// number reads a constant count.
func (e *env) number(x node) (int, error) {
	n, err := e.expr(x, nil)
	if err != nil {
		return 0, err
	}
	if n.konst == nil || n.konst.k != kLong && n.konst.k != kInt {
		return 0, semanticError("The number of rows must be a constant of type long")
	}
	return int(max(0, n.konst.n)), nil
}

// columns compiles named expressions; prefix names those that have no name.
func (e *env) columns(rel *relation, list []named, prefix string) ([]relColumn, error) {
	var out []relColumn
	for i, c := range list {
		x, err := e.expr(c.x, rel)
		if err != nil {
			return nil, err
		}
		name := c.name
		if name == "" {
			name = autoName(c.x)
		}
		if name == "" {
			name = fmt.Sprintf("%s%d", prefix, i+1)
			if prefix == "print_" {
				name = fmt.Sprintf("%s%d", prefix, i)
			}
		}
		out = append(out, relColumn{name: unique(out, name), expr: x})
	}
	return out, nil
}

// autoName is the name that an expression without one gives its column.
func autoName(x node) string {
	switch n := x.(type) {
	case refNode:
		return n.name
	case pathNode:
		return strings.Trim(autoName(n.x)+"_"+n.name, "_")
	case callNode:
		if n.name == "ingestion_time" {
			return "$IngestionTime"
		}
		if aggregate(n.name) {
			arg := ""
			if len(n.args) > 0 && n.name != "countif" {
				arg = autoName(n.args[0])
			}
			return n.name + "_" + arg
		}
		if (n.name == "bin" || n.name == "floor") && len(n.args) > 0 {
			return autoName(n.args[0])
		}
	}
	return ""
}

// unique gives a name that is taken a number, as Kusto does.
func unique(have []relColumn, name string) string {
	for i, out := 0, name; ; {
		taken := false
		for _, c := range have {
			taken = taken || c.name == out
		}
		if !taken {
			return out
		}
		i++
		out = fmt.Sprintf("%s%d", name, i)
	}
}
