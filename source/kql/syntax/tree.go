// Package syntax takes a KQL query apart into a tree. It gives no meaning to it: what a
// name stands for, and whether a function exists, is for others to say.
package syntax

import "time"

// Query is a whole query.
type Query struct {
	Statements []Statement
	// Joined are the lines of string literals that continue one right before them: KQL takes both for one
	// string, which in a list is a forgotten comma.
	Joined []int
}

// Statement is what semicolons part.
type Statement struct {
	Line    int
	Keyword string // let, set, declare, alias, restrict or pattern; empty: a query
	Name    string // what let defines, or the option that set sets
	// Value of a let is any expression, a Function too; of a query a *Pipe; of a set what
	// follows =, nil where nothing does. Of the other keywords nil.
	Value Expr
	// Params are those of declare query_parameters.
	Params []Param
}

// Expr is an expression, scalar or tabular: KQL's grammar does not tell which a name or a
// call is.
type Expr interface{ Pos() int }

// Line is where something begins, from 1.
type Line int

// Pos is the line.
func (l Line) Pos() int { return int(l) }

// LiteralKind is the type of a literal.
type LiteralKind int

// The types of literals that matter to a reader of the tree.
const (
	Other    LiteralKind = iota // long, real, bool, guid, dynamic, a null of any type
	String                      // Text is its value, escapes resolved
	Timespan                    // Span is its value
	Datetime                    // Time is its value
)

type (
	// Literal is a constant as written: 5, 7d, "x", datetime(2026-01-31), dynamic([…]).
	Literal struct {
		Line
		Kind LiteralKind
		Text string // of a String its value, of others the source text
		Span time.Duration
		Time time.Time
		// Strings is how many string literals stood side by side: KQL joins them to one. More than
		// one of a dynamic says that some within it did.
		Strings int
	}
	// Name is a column, a table, a let, or with wildcards (Device*) several of them.
	Name struct {
		Line
		Name string // without the quotes of ['a b']
	}
	// Star is * by itself.
	Star struct{ Line }
	// Call is f(…), toscalar(…) and materialize(…) too. A method of a path is none, see Path. Of
	// let g = entity_group [A, B] it is a Call of A and B.
	Call struct {
		Line
		Func string
		Args []Arg
	}
	// Unary is - or + before X.
	Unary struct {
		Line
		Op string
		X  Expr
	}
	// Binary is X Op Y: or, and, ==, !=, <>, <, <=, >, >=, =~, !~, + - * / %, has, !has,
	// contains_cs …, matches regex, in, !in, in~, !in~, has_any, has_all, between, !between. With in
	// and its kin Y is a List (of names, values, or one *Pipe), with between a Range.
	Binary struct {
		Line
		Op   string
		X, Y Expr
	}
	// List is what stands in the parentheses of in ( … ).
	List struct {
		Line
		Items []Expr
	}
	// Range is From .. To.
	Range struct {
		Line
		From, To Expr
	}
	// Path is X.Name, X[Index] or, as cluster("a").database("b"), X.Name(Args).
	Path struct {
		Line
		X      Expr
		Name   string // of database("x").T* with wildcards
		Index  Expr   // nil where Name is given
		Method bool
		Args   []Arg
	}
	// Pipe is a source and what is done to its rows. A tabular expression in parentheses is one
	// too; a scalar in parentheses is the scalar itself, and a mere name or call in parentheses
	// is that name or call.
	Pipe struct {
		Line
		// Source is a *Name, *Call, *Path, *Pipe, or an *Operator that makes rows by itself: union,
		// print, range, datatable, externaldata, search, find, evaluate, macro-expand. A statement that is a scalar, which
		// answers no rows, has that scalar. Nil: the rows come from around, as in mv-apply and partition.
		Source Expr
		Ops    []*Operator
	}
	// Function is (a: long = 1, T: (*)) { … }.
	Function struct {
		Line
		Params []Param
		Body   []Statement
	}
)

// Arg is an argument of a call: Name is set where it is given by name.
type Arg struct {
	Name  string
	Value Expr
}

// Param is a parameter of a function.
type Param struct {
	Name    string
	Tabular bool // its type is a schema in parentheses
	Default Expr // or nil
}

// Operator is one step of a pipe.
type Operator struct {
	Line
	// Name is the operator as written, parts joined with hyphens: filter is where, limit is
	// take, order is sort, mvexpand is mv-expand and external_data is externaldata to KQL.
	Name string
	// Params are what stands behind the name as name=value, such as kind=inner,
	// hint.strategy=broadcast, withsource=T, bagexpansion=array.
	Params []Arg
	// Count is the number of take, sample, top, sample-distinct (before of) and top-hitters, and the limit of
	// mv-expand and mv-apply.
	Count Expr
	// Cond is the condition of where, search, find and join … where, the call of invoke (a *Path where it is a
	// method) and evaluate. Of where A = B, which compares nothing, it is B, and Columns have the whole.
	Cond Expr
	// Columns: of extend, project, print, distinct, serialize, project-away and its kin (patterns as
	// Name); the sums of summarize and make-series; what mv-expand and mv-apply expand; what
	// parse, parse-where and parse-kv read (Value, first) and make (Names); what sample-distinct and top-hitters are of;
	// the names that count as, range, datatable, externaldata, assert-schema and the schema behind evaluate give.
	Columns []Column
	// By: of summarize, sort, top, top-hitters, make-series (what follows by), partition, reduce, facet.
	By []Column
	// On is what join and lookup match: a *Name for a column of both sides, or a condition with $left and $right. Of
	// make-series the one column that its steps are of, of scan and
	// top-nested all that they look at.
	On []Expr
	// From, To and Step are those of range and make-series.
	From, To, Step Expr
	// Legs are the tables of union, search in and find in, the right side of join and lookup, the branches of
	// fork and facet, and the query of partition by … { … }, which has a source.
	Legs []Expr
	// Sub is what mv-apply … on ( … ), partition by … ( … ) and make-graph's kin run on rows of their own: nil Source.
	Sub *Pipe
	// As is the name that `as` gives.
	As string
	// Unread is set where the operator's own syntax was only skipped, to the next | or the end: scan, the
	// graph operators, whatever has another shape than above.
	Unread bool
}

// Column is one of a list of columns.
type Column struct {
	Line
	Names []string // A = …: {A}; (A, B) = …: {A, B}; none: nil
	Value Expr     // nil where there is only a name to make, as in parse
	// Desc is descending, of sort and top KQL's default, of project-reorder only as written.
	Desc bool
}
