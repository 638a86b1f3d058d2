package judge

import (
	"strconv"
	"strings"
	"time"

	"hunting-exporter/source/kql/syntax"
)

// value is what is known of a scalar.
type value struct {
	key    string   // the same for what has the same value in a row
	sum    *sum     // of a datetime or timespan: how it is counted
	number *float64 // of a constant
	text   *string  // of a constant
	border bool     // borders are part of it
	// holds is what a condition demands of borders and of times in a row; true exactly where
	// all of it and something about the row alone holds. Nil: not known.
	holds []atom
	known bool // holds is
	plain bool // one comparison and nothing else
	line  int  // where the border is
}

// sum is plus - minus + off, each a value or nothing.
type sum struct {
	plus, minus ident
	off         time.Duration
}

func (s *sum) constant() bool { return s.plus == "" && s.minus == "" }

// add is s + o, or s - o where sign is -1; nil where that is no sum of two values.
func (s *sum) add(o *sum, sign time.Duration) *sum {
	if s == nil || o == nil {
		return nil
	}
	plus, minus := []ident{s.plus, o.plus}, []ident{s.minus, o.minus}
	if sign < 0 {
		plus[1], minus[1] = o.minus, o.plus
	}
	out := &sum{off: s.off + sign*o.off}
	for i := range plus {
		for k := range minus {
			if plus[i] != "" && plus[i] == minus[k] {
				plus[i], minus[k] = "", ""
			}
		}
	}
	if plus[0] != "" && plus[1] != "" || minus[0] != "" && minus[1] != "" {
		return nil
	}
	out.plus, out.minus = plus[0]+plus[1], minus[0]+minus[1]
	return out
}

// scope is where a scalar stands: the names, and the row whose columns it can use.
type scope struct {
	names *names
	row   *leg // nil: none
}

// eval follows a scalar expression.
func (j *judge) eval(x syntax.Expr, in scope) value {
	if x == nil {
		return value{}
	}
	defer j.leave()
	if !j.enter(x.Pos()) {
		return value{}
	}
	switch x := scalar(x).(type) {
	case *syntax.Literal:
		return literal(x)
	case *syntax.Star:
		return j.ofRow(in)
	case *syntax.Name:
		return j.name(x, in)
	case *syntax.Call:
		return j.callValue(x, in)
	case *syntax.Unary:
		return j.unary(x, in)
	case *syntax.Binary:
		return j.binary(x, in)
	case *syntax.Path:
		of := j.eval(x.X, in)
		v := mixed(x.Name, of, j.eval(x.Index, in))
		return v
	case *syntax.List:
		var parts []value
		for _, item := range x.Items {
			parts = append(parts, j.item(item, in))
		}
		return mixed("list", parts...)
	case *syntax.Range:
		return mixed("..", j.eval(x.From, in), j.eval(x.To, in))
	case *syntax.Pipe, *syntax.Operator:
		return j.list(x, in)
	}
	return value{}
}

// scalar is an expression without the pipe around it that does nothing.
func scalar(x syntax.Expr) syntax.Expr {
	for {
		p, ok := x.(*syntax.Pipe)
		if !ok || len(p.Ops) > 0 || p.Source == nil {
			return x
		}
		x = p.Source
	}
}

// mixed is a value that is made of others in a way that is not followed.
func mixed(how string, parts ...value) value {
	out := value{}
	keys := make([]string, len(parts))
	for i, p := range parts {
		keys[i] = p.key
		if p.border && !out.border {
			out.border, out.line = true, p.line
		}
	}
	out.key = how + "(" + strings.Join(keys, ",") + ")"
	if !out.border {
		out.known = true
		out.sum = &sum{plus: ident(out.key)}
	}
	return out
}

func literal(x *syntax.Literal) value {
	v := value{key: "l:" + x.Text, known: true}
	switch x.Kind {
	case syntax.String:
		v.key, v.text = "s:"+x.Text, &x.Text
	case syntax.Timespan:
		v.key, v.sum = "t:"+x.Span.String(), &sum{off: x.Span}
	case syntax.Datetime:
		v.key = "d:" + x.Time.Format(time.RFC3339Nano)
		v.sum = &sum{plus: ident(v.key)}
	default:
		if n, err := strconv.ParseFloat(x.Text, 64); err == nil {
			v.number = &n
		}
	}
	return v
}

// name follows a name: a column of the row, a let, a border.
func (j *judge) name(x *syntax.Name, in scope) value {
	if in.row != nil && in.row.has(x.Name) {
		c, _ := in.row.column(x.Name, j)
		return c.value()
	}
	if b := in.names.find(x.Name); b != nil {
		if b.value != nil {
			return *b.value
		}
		if b.rows != nil {
			return j.list(x, in)
		}
		switch scalar(b.x).(type) {
		case *syntax.Pipe, *syntax.Operator, *syntax.Function:
			return j.list(x, in)
		}
		return j.eval(b.x, scope{names: b.in})
	}
	if x.Name == startTime || x.Name == endTime {
		return j.border(x)
	}
	if in.row != nil {
		if c, ok := in.row.column(x.Name, j); ok {
			return c.value()
		}
	}
	return value{key: "n:" + x.Name, known: true}
}

func (c column) value() value {
	if c.made != nil {
		return *c.made
	}
	return value{key: string(c.id), sum: &sum{plus: c.id}, known: true}
}

func (j *judge) border(x *syntax.Name) value {
	j.used[x.Name] = true
	if j.snapshot() {
		j.refuse(x.Pos(), "a snapshot is exported whole, so there is no %s: remove it, or remove mode: snapshot", x.Name)
		return value{known: true}
	}
	id := start
	if x.Name == endTime {
		id = end
	}
	return value{key: string(id), sum: &sum{plus: id}, border: true, line: x.Pos()}
}

func (j *judge) unary(x *syntax.Unary, in scope) value {
	v := j.eval(x.X, in)
	if x.Op != "-" {
		return v
	}
	out := mixed("-", v)
	if v.sum != nil && v.sum.constant() {
		out.sum = &sum{off: -v.sum.off}
	}
	if v.number != nil {
		n := -*v.number
		out.number = &n
	}
	return out
}

// item follows one of the items of in ( … ): rows, a value, or what a name stands for.
func (j *judge) item(x syntax.Expr, in scope) value {
	if lit, ok := x.(*syntax.Literal); ok && lit.Strings > 1 {
		j.warn(lit.Pos(), "two strings side by side are one string in KQL: is a comma missing?")
	}
	return j.eval(x, in)
}

// list follows rows that are looked up in, or of which toscalar takes one.
func (j *judge) list(x syntax.Expr, in scope) value {
	r := j.rows(x, in.names)
	v := value{key: "rows" + strconv.Itoa(j.steps), known: true}
	for _, l := range r.legs {
		if l.windowed() && !j.aggregate() && !j.JoinWindow {
			j.refuse(x.Pos(), "this list holds what one window has seen, so that what is found depends on how time is cut: %s", twoSides)
			return v
		}
		for _, c := range l.columns {
			if made := c.border(); made != nil {
				v.border, v.line, v.known = true, made.line, false
			}
		}
	}
	return v
}

const twoSides = `let it see all rows, or accept that by "// join: window" at the head`
