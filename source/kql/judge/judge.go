// Package judge shows of a custom query that it can be exported one window after the
// other, or says why that cannot be shown.
//
// It follows the rows through the query's tree, from the tables to the answer, and keeps
// of every part what is known of it: the columns, the borders that a column keeps to,
// and the differences of time that hold within a row. What it does not know it refuses.
package judge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hunting-exporter/hunting"
	"hunting-exporter/source/kql/syntax"
)

// The names by which a query takes the borders of its window.
const (
	startTime = "_startTime"
	endTime   = "_endTime"
)

// Options are what the head of a query file says.
type Options struct {
	Mode hunting.Mode
	Time string // the time column of the answer; empty: it has none
	// JoinWindow: rows of two sides of one window need not meet across windows.
	JoinWindow bool
	// Identity: the head names columns that tell rows apart.
	Identity bool
}

// Reason is what speaks against a query, or what its author should know.
type Reason struct {
	Line int // from 1; 0: the query as a whole
	Text string
}

func (r Reason) String() string {
	if r.Line == 0 {
		return r.Text
	}
	return fmt.Sprintf("line %d: %s", r.Line, r.Text)
}

// Verdict is what is to be said of a query. It can be exported where nothing is refused.
type Verdict struct{ Refused, Warned []Reason }

// Query judges a query in the mode that its head gives.
//
// Append: the rows of a long window are those of the short ones that it is cut into,
// however it is cut. Aggregate: rows depend on how time is cut, yet no row is counted
// twice. Snapshot: every call of one snapshot sees the same rows.
//
// Rows that do not look at the window, such as a table of names to look up in, are taken
// as they are when a window is read.
func Query(text string, o Options) Verdict {
	q, err := syntax.Parse(text)
	if err != nil {
		var at *syntax.Error
		if errors.As(err, &at) {
			return Verdict{Refused: []Reason{{at.Line, at.Text}}}
		}
		return Verdict{Refused: []Reason{{0, err.Error()}}}
	}
	j := &judge{Options: o, column: cmp.Or(o.Time, "Timestamp"), used: map[string]bool{}, as: map[string]*relation{}, unsure: map[ident]Reason{}}
	j.root(q)
	return Verdict{sorted(j.refused), sorted(j.warned)}
}

// sorted is the reasons in the order of the lines, each once.
func sorted(all []Reason) []Reason {
	slices.SortStableFunc(all, func(a, b Reason) int { return a.Line - b.Line })
	var out []Reason
	for _, r := range all {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// judge is one query being judged.
type judge struct {
	Options
	column          string // the time column, for advice
	refused, warned []Reason
	used            map[string]bool // the borders that were met
	as              map[string]*relation
	unsure          map[ident]Reason // columns of which it is not known whose they are
	idents          int
	steps, depth    int
}

func (j *judge) refuse(line int, format string, args ...any) {
	j.refused = append(j.refused, Reason{line, fmt.Sprintf(format, args...)})
}

// unfollowed refuses an operator, whatever it does with the borders.
func (j *judge) unfollowed(op *syntax.Operator, instead string) {
	j.used[startTime], j.used[endTime] = true, true
	j.refuse(op.Pos(), "%s is not an operator whose rows can be followed: %s", op.Name, instead)
}

func (j *judge) warn(line int, format string, args ...any) {
	j.warned = append(j.warned, Reason{line, fmt.Sprintf(format, args...)})
}

func (j *judge) append() bool    { return j.Mode == hunting.ModeAppend }
func (j *judge) aggregate() bool { return j.Mode == hunting.ModeAggregate }
func (j *judge) snapshot() bool  { return j.Mode == hunting.ModeSnapshot }

// Limits of what is followed. No query that a person wrote comes near.
const (
	maxSteps = 200_000
	maxDepth = 20_000
	maxLegs  = 500
	maxLets  = 2000
)

// enter counts a step into the tree; false where it has become too much.
func (j *judge) enter(line int) bool {
	j.steps++
	j.depth++
	if j.depth == maxDepth || j.steps == maxSteps {
		j.refuse(line, "the query is too large to be followed: make it simpler")
	}
	return j.depth < maxDepth && j.steps < maxSteps
}

func (j *judge) leave() { j.depth-- }

// root judges a whole query.
func (j *judge) root(q *syntax.Query) {
	answers, in := j.declare(q.Statements, nil)
	switch {
	case len(q.Statements) == 0:
		j.refuse(0, "holds no query")
		return
	case len(answers) == 0:
		j.refuse(0, "answers nothing: after the last let there is no query")
		return
	case len(answers) > 1:
		j.refuse(answers[1].Line, "a second query begins here: put each into a file of its own")
		return
	}
	rows := j.rows(dropRender(answers[0].Value, j), in)
	if j.snapshot() {
		return
	}
	unused := slices.DeleteFunc([]string{startTime, endTime}, func(border string) bool { return j.used[border] })
	switch {
	case len(unused) > 0:
		j.refuse(0, "does not use %s: every window would give the same rows again; add | where %s >= %s and %[2]s < %[4]s", strings.Join(unused, " or "), j.column, startTime, endTime)
	case len(j.refused) == 0:
		j.answered(rows)
	}
}

// dropRender takes away the render that ends a query: it draws and changes no row.
func dropRender(x syntax.Expr, j *judge) syntax.Expr {
	p, ok := x.(*syntax.Pipe)
	if !ok || len(p.Ops) == 0 {
		return x
	}
	last := p.Ops[len(p.Ops)-1]
	if last.Name != "render" {
		return x
	}
	j.warn(last.Pos(), "render draws a chart and is left out of what is sent")
	return &syntax.Pipe{Line: p.Line, Source: p.Source, Ops: p.Ops[:len(p.Ops)-1]}
}

// Options of set that make an answer shorter without a word.
var cutting = []string{"query_take_max_records", "truncationmaxrecords", "truncationmaxsize", "best_effort", "deferpartialqueryfailures"}

// declare notes lets and settings, and returns the statements that answer with the names
// that they can use.
func (j *judge) declare(all []syntax.Statement, in *names) (answers []syntax.Statement, _ *names) {
	if len(all) > maxLets {
		j.refuse(all[maxLets].Line, "the query has too many statements to be followed: make it simpler")
		all = nil
	}
	for _, s := range all {
		switch s.Keyword {
		case "":
			answers = append(answers, s)
		case "let":
			j.reserved(s.Line, s.Name)
			in = in.with(s.Name, &binding{x: s.Value, in: in})
		case "set":
			if slices.Contains(cutting, s.Name) {
				j.refuse(s.Line, "set %s cuts an answer short without a word: remove it", s.Name)
			}
		case "declare":
			for _, p := range s.Params {
				j.reserved(s.Line, p.Name)
				in = in.with(p.Name, &binding{value: &value{key: "p:" + p.Name}})
			}
		}
	}
	return answers, in
}

func (j *judge) reserved(line int, name string) {
	if name == startTime || name == endTime {
		j.used[name] = true
		j.refuse(line, "%s is what the exporter sets: give yours another name", name)
	}
}
