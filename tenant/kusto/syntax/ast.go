// Package syntax reads KQL into a tree.
package syntax

import (
	"fmt"

	"hunting-exporter/tenant/data"
)

// Node is an expression as parsed.
type Node interface{ at() int }

type (
	// Literal is a value as written.
	Literal struct {
		pos   int
		Value data.Value
		Kind  data.Kind
	}
	// Ref is a name.
	Ref struct {
		Pos  int
		Name string
	}
	// Call is a call of a function by its name.
	Call struct {
		Pos  int
		Name string
		Args []Node
	}
	// Arg is an argument given by name: f(a = 1).
	Arg struct {
		pos  int
		Name string
		X    Node
	}
	// Op is a binary operator; a list on the right is in args.
	Op struct {
		pos  int
		Op   string
		Left Node
		Args []Node
	}
	// Path is x.name, x["name"] or x[index].
	Path struct {
		pos   int
		X     Node
		Name  string
		Index Node
	}
	// Rows is rows where an expression stands: in parentheses, or bound by a let.
	Rows struct {
		pos  int
		Rows *Pipeline
	}
	// Maker is an operator that makes rows by itself: union, print, range, datatable.
	Maker struct{ Op Operator }
	// Lambda is (a: long) { … }.
	Lambda struct {
		pos    int
		Params []Param
		Body   *Block
	}
	// Wild is the tables whose names fit a pattern.
	Wild struct {
		Pos     int
		Pattern string
	}
)

func (n Literal) at() int { return n.pos }
func (n Ref) at() int     { return n.Pos }
func (n Call) at() int    { return n.Pos }
func (n Arg) at() int     { return n.pos }
func (n Op) at() int      { return n.pos }
func (n Path) at() int    { return n.pos }
func (n Rows) at() int    { return n.pos }
func (n Maker) at() int   { return n.Op.pos }
func (n Lambda) at() int  { return n.pos }
func (n Wild) at() int    { return n.Pos }

// Named is an expression with the name that its column gets, "" for its own.
type Named struct {
	Name string
	More []string // the further names of (A, B) = …
	X    Node
	Kind data.Kind // that mv-expand or parse gives it; kNull: none said
}

// Ordering is a key to sort by.
type Ordering struct {
	X          Node
	Asc        bool
	NullsFirst bool
}

// Operator is one step of a pipeline.
type Operator struct {
	pos     int
	Name    string            // where, extend, project, …
	Options map[string]string // kind=inner and the like; hints are left out
	Cond    Node
	Cols    []Named
	By      []Named
	Order   []Ordering
	Names   []string
	Legs    []Node // of union; the right side of join and lookup
	On      []Node
	Sub     *Pipeline     // of mv-apply and partition; its rows come from around
	Pattern []Part        // of parse
	Bounds  [3]Node       // from, to and step of range and make-series
	Columns []data.Column // of datatable
	Values  []Node        // of datatable; of make-series the defaults
}

// Part is a piece of what parse looks for: *, a text, or a column.
type Part struct {
	Star bool
	Text string
	Col  *data.Column
}

// Pipeline is a source and what is done to it; a nil source is the rows around.
type Pipeline struct {
	pos    int
	Source Node
	Steps  []Operator
}

// Let binds a name.
type Let struct {
	Name string
	X    Node
}

// Param is a parameter of a function; tabular where its type is a schema, of the columns
// that it asks for.
type Param struct {
	Name    string
	Kind    data.Kind
	Tabular bool
	Columns []data.Column
	Value   Node // what it is where it is not given, or nil
}

// Block is a query, or the body of a function.
type Block struct {
	Lets []Let
	Main Node
}

// Refusal is why a query is refused, in the words of the API.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// syntaxError is a refusal in the words of the API.
func syntaxError(q string, pos int, format string, args ...any) error {
	line, col := 1, 1
	for i, r := range q {
		if i >= pos {
			break
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return Refusal(fmt.Sprintf("%s at line %d, column %d. Fix syntax errors in your query.", fmt.Sprintf(format, args...), line, col))
}
