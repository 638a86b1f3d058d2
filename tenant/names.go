package tenant

import (
	"fmt"
	"slices"
	"strings"
)

// origin of a column's name: derived from its expression, that of the column that it is,
// or written before it.
type nameOrigin int

const (
	derivedName nameOrigin = iota
	ownName
	givenName
)

// naming gives the columns of an operator their names.
type naming struct {
	out      []relColumn
	declared map[string]bool
	// reserved is set where the columns replace those of their name, as extend's do: no two
	// may have one name, and none without a name takes that of a reserved one.
	reserved []relColumn
	printed  bool // the columns are print's
	unnamed  int
}

// columns compiles named expressions.
func (e *env) columns(rel *relation, list []named) ([]relColumn, error) {
	var names naming
	err := e.name(&names, rel, list)
	return names.out, err
}

func (e *env) name(names *naming, rel *relation, list []named) error {
	for _, c := range list {
		x, err := e.expr(c.x, rel)
		if err != nil {
			return err
		}
		if len(c.more) > 0 {
			return semanticError("The expression of '%s' has one value, not one for '%s' as well", c.name, c.more[0])
		}
		if err := names.column(c, rel, x); err != nil {
			return err
		}
	}
	return nil
}

// column names an expression over the columns of rel; nil has none.
func (n *naming) column(c named, rel *relation, x *expr) error {
	if c.name != "" {
		return n.add(c.name, givenName, x)
	}
	name := autoName(c.x)
	if lit, ok := lookedFor(c.x); ok && rel != nil && hasColumn(rel.columns, lit) {
		name = lit
	}
	switch {
	case n.printed:
		return n.add(fmt.Sprintf("print_%d", len(n.out)), derivedName, x)
	case rel != nil && columnOf(c.x, rel) != "":
		return n.add(name, ownName, x)
	case name != "":
		return n.add(name, derivedName, x)
	}
	for taken := true; taken; taken = hasColumn(n.reserved, name) {
		n.unnamed++
		name = fmt.Sprintf("Column%d", n.unnamed)
	}
	return n.add(name, derivedName, x)
}

func (n *naming) add(name string, from nameOrigin, x *expr) error {
	taken := hasColumn(n.out, name)
	if taken && (from == givenName || from == ownName && n.declared[name] || n.reserved != nil) {
		return semanticError("A column with the name '%s' is already declared", name)
	}
	if n.declared == nil {
		n.declared = map[string]bool{}
	}
	n.declared[name] = n.declared[name] || from != derivedName
	n.out = append(n.out, relColumn{name: unique(n.out, name), expr: x})
	return nil
}

// lookedFor is the column that column_ifexists looks for.
func lookedFor(x node) (string, bool) {
	call, ok := x.(callNode)
	if !ok || call.name != "column_ifexists" {
		return "", false
	}
	return onlyText(call.args[:min(1, len(call.args))])
}

func hasColumn(columns []relColumn, name string) bool {
	return slices.ContainsFunc(columns, func(c relColumn) bool { return c.name == name })
}

// unique gives a name that is taken a number, as Kusto does.
func unique(have []relColumn, name string) string {
	out := name
	for i := 1; hasColumn(have, out); i++ {
		out = fmt.Sprintf("%s%d", name, i)
	}
	return out
}

// autoName is the name that an expression without one gives its column; "" for none.
func autoName(x node) string {
	switch n := x.(type) {
	case refNode:
		return n.name
	case pathNode:
		name := n.name
		if lit, ok := n.index.(litNode); ok {
			name = lit.val.text()
		}
		return strings.TrimPrefix(autoName(n.x)+"_"+name, "_")
	case callNode:
		return callName(n)
	}
	return ""
}

// namesake is the functions whose column is named like their first argument.
var namesake = append([]string{
	"parse_json", "bin", "floor", "startofday", "abs", "take_anyif",
}, conversions...)

var conversions = []string{
	"tostring", "tolong", "toint", "toreal", "todouble", "tobool", "todatetime", "totimespan", "toguid", "todynamic",
}

func callName(n callNode) string {
	arg := ""
	if len(n.args) > 0 {
		arg = autoName(n.args[0])
	}
	prefix := ""
	switch {
	case n.name == "ingestion_time":
		return "$IngestionTime"
	case n.name == "strlen":
		prefix = "strlen"
	case n.name == "gettype":
		prefix = "type"
	case n.name == "any" && len(n.args) == 1:
		prefix = "any"
	case slices.Contains(namesake, n.name):
		return arg
	default:
		a, ok := aggregates[n.name]
		if !ok {
			return ""
		}
		prefix = a.prefix
	}
	return prefix + "_" + arg
}
