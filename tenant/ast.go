package tenant

// node is an expression as parsed.
type node interface{ at() int }

type (
	litNode struct {
		pos int
		val value
		typ kind
	}
	refNode struct {
		pos  int
		name string
	}
	callNode struct {
		pos  int
		name string
		args []node
	}
	// argNode is an argument given by name: f(a = 1).
	argNode struct {
		pos  int
		name string
		x    node
	}
	// opNode is a binary operator; a list on the right is in args.
	opNode struct {
		pos  int
		op   string
		l    node
		args []node
	}
	// pathNode is x.name, x["name"] or x[index].
	pathNode struct {
		pos   int
		x     node
		name  string
		index node
	}
	// rowsNode is rows where an expression stands: in parentheses, or bound by a let.
	rowsNode struct {
		pos  int
		rows *pipeline
	}
	// makerNode is an operator that makes rows by itself: union, print, range, datatable.
	makerNode struct{ op operator }
	// lambdaNode is (a: long) { … }.
	lambdaNode struct {
		pos    int
		params []param
		body   *block
	}
	// wildNode is the tables whose names fit a pattern.
	wildNode struct {
		pos     int
		pattern string
	}
)

func (n litNode) at() int    { return n.pos }
func (n refNode) at() int    { return n.pos }
func (n callNode) at() int   { return n.pos }
func (n argNode) at() int    { return n.pos }
func (n opNode) at() int     { return n.pos }
func (n pathNode) at() int   { return n.pos }
func (n rowsNode) at() int   { return n.pos }
func (n makerNode) at() int  { return n.op.pos }
func (n lambdaNode) at() int { return n.pos }
func (n wildNode) at() int   { return n.pos }

// named is an expression with the name that its column gets, "" for its own.
type named struct {
	name string
	more []string // the further names of (A, B) = …
	x    node
	kind kind // that mv-expand or parse gives it; kNull: none said
}

type ordering struct {
	x          node
	asc        bool
	nullsFirst bool
}

// operator is one step of a pipeline.
type operator struct {
	pos     int
	name    string            // where, extend, project, …
	options map[string]string // kind=inner and the like; hints are left out
	cond    node
	cols    []named
	by      []named
	order   []ordering
	names   []string
	legs    []node // of union; the right side of join and lookup
	on      []node
	sub     *pipeline // of mv-apply and partition; its rows come from around
	pattern []part    // of parse
	bounds  [3]node   // from, to and step of range and make-series
	columns []column  // of datatable
	values  []node    // of datatable; of make-series the defaults
}

// part is a piece of what parse looks for: *, a text, or a column.
type part struct {
	star bool
	text string
	col  *column
}

// pipeline is a source and what is done to it; a nil source is the rows around.
type pipeline struct {
	pos    int
	source node
	steps  []operator
}

type letStatement struct {
	name string
	x    node
}

// param is a parameter of a function; tabular where its type is a schema, of the columns
// that it asks for.
type param struct {
	name    string
	kind    kind
	tabular bool
	columns []column
	value   node // what it is where it is not given, or nil
}

// block is a query, or the body of a function.
type block struct {
	lets []letStatement
	main node
}
