// Package kusto evaluates KQL over tables as Kusto does, or refuses: it answers nothing else.
package kusto

import (
	"fmt"
	"slices"
	"strings"

	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto/syntax"
)

// Tables is the tables that a query may name.
type Tables interface {
	Table(name string) (*data.Table, bool)
	Names() []string // in order
}

// Scope is what a query is asked of.
type Scope struct {
	Tables Tables
	Now    int64
	// Within is the event times that there are; Always is all.
	Within data.Span
	// Stopped says that nobody waits for the answer any more: scans end early.
	Stopped func() bool
}

// Compile makes a query rows to come; the error is the API's text of a refusal.
func Compile(query string, s Scope) (*Relation, error) {
	q, err := syntax.Parse(query)
	if err != nil {
		return nil, err
	}
	e := &env{tables: s.Tables, now: s.Now, timespan: s.Within, stopped: s.Stopped, names: map[string]thing{}, spent: new(int)}
	return e.compile(q)
}

// env is what a query is compiled against.
type env struct {
	tables   Tables
	stopped  func() bool // the client is gone: scans end early
	now      int64
	timespan data.Span // Graph's Timespan, on event time
	names    map[string]thing
	window   *window // where row functions may stand
	spent    *int    // pipelines compiled, functions as often as they are called
}

// maxPipelines bounds what functions that call functions grow to.
const maxPipelines = 10_000

// compile turns a query into rows to come.
func (e *env) compile(q *syntax.Block) (*Relation, error) {
	return e.rowsOf(e.block(q))
}

func (e *env) pipeline(p *syntax.Pipeline, around *Relation) (*Relation, error) {
	if *e.spent++; *e.spent > maxPipelines {
		return nil, semanticError("The query is too complex")
	}
	rel, err := around, error(nil)
	if p.Source != nil {
		if rel, err = e.source(p.Source); err != nil {
			return nil, err
		}
	}
	for _, s := range p.Steps {
		if rel, err = e.step(rel, s); err != nil {
			return nil, err
		}
	}
	return rel, nil
}

func (e *env) source(x syntax.Node) (*Relation, error) {
	m, ok := x.(syntax.Maker)
	if !ok {
		return e.rowsOf(e.thing(x))
	}
	switch m.Op.Name {
	case "union":
		return e.union(nil, m.Op)
	case "range":
		return e.stretch(m.Op)
	case "datatable":
		return e.datatable(m.Op)
	default:
		names := naming{printed: true}
		if err := e.name(&names, &Relation{}, m.Op.Cols); err != nil {
			return nil, err
		}
		one := rowsRelation(nil, [][]data.Value{nil})
		return one.with(names.out), nil
	}
}

// steps compile the operators.
var steps map[string]func(*env, *Relation, syntax.Operator) (*Relation, error)

func init() {
	take := func(e *env, rel *Relation, s syntax.Operator) (*Relation, error) {
		n, err := e.number(s.Cond)
		return take(rel, n), err
	}
	pick := func(_ *env, rel *Relation, s syntax.Operator) (*Relation, error) { return pick(rel, s) }
	steps = map[string]func(*env, *Relation, syntax.Operator) (*Relation, error){
		"where": (*env).where, "take": take, "sample": take, "extend": (*env).extend, "project": (*env).project,
		"project-rename": (*env).rename, "project-away": pick, "project-keep": pick, "project-reorder": pick,
		"count": (*env).counted, "summarize": (*env).summarize, "make-series": (*env).makeSeries, "distinct": (*env).distinct,
		"sample-distinct": (*env).sampleDistinct, "sort": (*env).sort, "top": (*env).top, "union": (*env).union,
		"getschema": func(_ *env, rel *Relation, _ syntax.Operator) (*Relation, error) { return getschema(rel), nil },
		"render":    func(_ *env, rel *Relation, _ syntax.Operator) (*Relation, error) { return rel, nil },
		"serialize": (*env).serialize, "join": (*env).join, "lookup": (*env).join, "as": (*env).as,
		"mv-expand": (*env).expand, "mv-apply": (*env).apply, "partition": (*env).partition, "invoke": (*env).invoke,
		"parse": (*env).parse, "parse-where": (*env).parse,
	}
}

func (e *env) step(rel *Relation, s syntax.Operator) (*Relation, error) {
	if w := rel.windowFor(s); w != nil {
		inner := *e
		inner.window, rel = w, w.rel
		e = &inner
	}
	return steps[s.Name](e, rel, s)
}

func (e *env) project(rel *Relation, s syntax.Operator) (*Relation, error) {
	cols, err := e.columns(rel, s.Cols)
	if err != nil {
		return nil, err
	}
	return rel.with(cols), nil
}

func (e *env) counted(rel *Relation, s syntax.Operator) (*Relation, error) {
	return e.summarize(rel, syntax.Operator{Cols: []syntax.Named{{Name: s.Names[0], X: syntax.Call{Name: "count"}}}})
}

func (e *env) distinct(rel *Relation, s syntax.Operator) (*Relation, error) {
	if len(s.Names) > 0 {
		for _, c := range rel.columns {
			s.By = append(s.By, syntax.Named{X: syntax.Ref{Name: c.name}})
		}
	}
	return e.summarize(rel, s)
}

func (e *env) sampleDistinct(rel *Relation, s syntax.Operator) (*Relation, error) {
	n, err := e.number(s.Cond)
	if err != nil {
		return nil, err
	}
	rel, err = e.summarize(rel, s)
	if err != nil {
		return nil, err
	}
	return take(rel, n), nil
}

func (e *env) top(rel *Relation, s syntax.Operator) (*Relation, error) {
	n, err := e.number(s.Cond)
	if err != nil {
		return nil, err
	}
	sorted, err := e.sort(rel, s)
	if err != nil {
		return nil, err
	}
	return take(sorted, n), nil
}

// as names the rows for what follows.
func (e *env) as(rel *Relation, s syntax.Operator) (*Relation, error) {
	e.names[s.Names[0]] = thing{rel: rel}
	return rel, nil
}

func (e *env) invoke(rel *Relation, s syntax.Operator) (*Relation, error) {
	call, ok := s.Cond.(syntax.Call)
	if !ok {
		return nil, semanticError("invoke operator: a call is expected")
	}
	f := e.names[call.Name].fn
	if f == nil {
		return nil, semanticError("Unknown function: '%s'", call.Name)
	}
	return e.rowsOf(e.inline(call.Name, f, []thing{{rel: rel}}, call.Args, nil))
}

// number reads a constant count.
func (e *env) number(x syntax.Node) (int, error) {
	n, err := e.expr(x, nil)
	if err != nil {
		return 0, err
	}
	if n.konst == nil || n.konst.Kind != data.KindLong && n.konst.Kind != data.KindInt {
		return 0, semanticError("The number of rows must be a constant of type long")
	}
	return int(max(0, n.konst.Int)), nil
}

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
func (e *env) columns(rel *Relation, list []syntax.Named) ([]relColumn, error) {
	var names naming
	err := e.name(&names, rel, list)
	return names.out, err
}

func (e *env) name(names *naming, rel *Relation, list []syntax.Named) error {
	for _, c := range list {
		x, err := e.expr(c.X, rel)
		if err != nil {
			return err
		}
		if len(c.More) > 0 {
			return semanticError("The expression of '%s' has one value, not one for '%s' as well", c.Name, c.More[0])
		}
		if err := names.column(c, rel, x); err != nil {
			return err
		}
	}
	return nil
}

// column names an expression over the columns of rel; nil has none.
func (n *naming) column(c syntax.Named, rel *Relation, x *expr) error {
	if c.Name != "" {
		return n.add(c.Name, givenName, x)
	}
	name := autoName(c.X)
	if lit, ok := lookedFor(c.X); ok && rel != nil && hasColumn(rel.columns, lit) {
		name = lit
	}
	switch {
	case n.printed:
		return n.add(fmt.Sprintf("print_%d", len(n.out)), derivedName, x)
	case rel != nil && columnOf(c.X, rel) != "":
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
func lookedFor(x syntax.Node) (string, bool) {
	call, ok := x.(syntax.Call)
	if !ok || call.Name != "column_ifexists" {
		return "", false
	}
	return onlyText(call.Args[:min(1, len(call.Args))])
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
func autoName(x syntax.Node) string {
	switch n := x.(type) {
	case syntax.Ref:
		return n.Name
	case syntax.Path:
		name := n.Name
		if lit, ok := n.Index.(syntax.Literal); ok {
			name = lit.Value.String()
		}
		return strings.TrimPrefix(autoName(n.X)+"_"+name, "_")
	case syntax.Call:
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

func callName(n syntax.Call) string {
	arg := ""
	if len(n.Args) > 0 {
		arg = autoName(n.Args[0])
	}
	prefix := ""
	switch {
	case n.Name == "ingestion_time":
		return "$IngestionTime"
	case n.Name == "strlen":
		prefix = "strlen"
	case n.Name == "gettype":
		prefix = "type"
	case n.Name == "any" && len(n.Args) == 1:
		prefix = "any"
	case slices.Contains(namesake, n.Name):
		return arg
	default:
		a, ok := aggregates[n.Name]
		if !ok {
			return ""
		}
		prefix = a.prefix
	}
	return prefix + "_" + arg
}
