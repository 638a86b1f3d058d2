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
	// opNode is a binary operator; a list on the right is in args.
	opNode struct {
		pos  int
		op   string
		l    node
		args []node
	}
	// pathNode is x.name or x["name"] or x[0].
	pathNode struct {
		pos  int
		x    node
		name string
		idx  int
	}
)

func (n litNode) at() int  { return n.pos }
func (n refNode) at() int  { return n.pos }
func (n callNode) at() int { return n.pos }
func (n opNode) at() int   { return n.pos }
func (n pathNode) at() int { return n.pos }

// named is an expression with the name that its column gets, "" for its own.
type named struct {
	name string
	x    node
}

type ordering struct {
	x          node
	asc        bool
	nullsFirst bool
}

// operator is one step of a pipeline.
type operator struct {
	pos   int
	name  string // where, extend, project, …
	cond  node
	cols  []named
	by    []named
	order []ordering
	names []string
	union []*pipeline
}

// pipeline is a source and what is done to it.
type pipeline struct {
	pos    int
	table  string    // a table, or a name bound by let
	union  *operator // union A, B
	print  []named   // print x
	inner  *pipeline // ( … )
	steps  []operator
	isName bool // just a name: a let may mean a scalar
}

type letStatement struct {
	name  string
	table *pipeline
	x     node
}

type query struct {
	text string
	lets []letStatement
	main *pipeline
}
