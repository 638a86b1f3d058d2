package judge

import (
	"maps"
	"slices"

	"hunting-exporter/source/kql/syntax"
)

// Functions whose answer differs from call to call.
var (
	random = []string{"rand", "new_guid"}
	clocks = []string{"now", "ago"}
	// ordered look at the rows around.
	ordered = []string{"row_number", "row_cumsum", "row_rank_dense", "row_rank_min", "row_window_session", "prev", "next"}
)

// callValue follows the call of a scalar function.
func (j *judge) callValue(x *syntax.Call, in scope) value {
	if f, from := j.function(x.Func, in.names); f != nil {
		body, inner := j.body(f, j.call(f, from, x.Args, in, nil))
		switch scalar(body).(type) {
		case nil:
			return value{}
		case *syntax.Pipe, *syntax.Operator:
			return j.listOf(x, j.rows(body, inner))
		}
		return j.eval(body, scope{names: inner})
	}
	j.volatile(x)
	if slices.Contains(ordered, x.Func) {
		j.ordered(x.Pos(), x.Func+"()", in.row)
	}
	if x.Func == "toscalar" && len(x.Args) == 1 {
		return j.list(x.Args[0].Value, in)
	}
	args := make([]value, len(x.Args))
	for i, a := range x.Args {
		args[i] = j.item(a.Value, in)
	}
	switch {
	case in.row == nil:
	case x.Func == "pack_all":
		args = append(args, j.ofRow(in))
	case (x.Func == "column_ifexists" || x.Func == "columnifexists") && len(args) == 2:
		if args[0].text == nil {
			args = append(args, j.ofRow(in))
		} else if in.row.has(*args[0].text) {
			args = append(args, in.row.columns[*args[0].text].value())
		}
	}
	out := mixed(x.Func, args...)
	switch x.Func {
	case "todatetime", "totimespan":
		if len(args) == 1 && args[0].sum != nil {
			out.sum = args[0].sum
			out.key = args[0].key
		}
	case "datetime_add":
		out.sum = both(out.sum, datetimeAdd(args))
	case "not":
		negated(&out, args)
	case "ingestion_time":
		if in.row != nil {
			if c, ok := in.row.column("ingestion_time()", j); ok {
				return c.value()
			}
		}
	}
	return out
}

// ofRow is what is made of all columns of a row, whatever they are called.
func (j *judge) ofRow(in scope) value {
	if in.row == nil {
		return value{}
	}
	var all []value
	for _, name := range slices.Sorted(maps.Keys(in.row.columns)) {
		all = append(all, in.row.columns[name].value())
	}
	return mixed("*", all...)
}

// listOf is list of rows that a function answers.
func (j *judge) listOf(x *syntax.Call, r *relation) value {
	inner := &names{bound: map[string]*binding{"rows": {rows: r}}}
	return j.list(&syntax.Name{Line: x.Line, Name: "rows"}, scope{names: inner})
}

// negated is not(condition).
func negated(out *value, args []value) {
	out.sum = nil
	if len(args) != 1 || !out.border {
		return
	}
	if args[0].known && args[0].plain && len(args[0].holds) == 1 {
		out.holds, out.known = []atom{args[0].holds[0].not()}, true
	}
}

// volatile refuses what differs from call to call.
func (j *judge) volatile(x *syntax.Call) {
	switch {
	case slices.Contains(random, x.Func):
		j.refuse(x.Pos(), "%s() differs at every call, so that rows get lost or doubled: remove it", x.Func)
	case slices.Contains(clocks, x.Func) && !j.snapshot():
		j.refuse(x.Pos(), "%s() makes the rows of a window depend on when it is read: compare with %s and %s instead, and in a look-up with neither", x.Func, startTime, endTime)
	}
}

// ordered refuses what depends on the rows around.
func (j *judge) ordered(line int, what string, l *leg) {
	switch {
	case l == nil || l.single || j.aggregate():
	case j.snapshot():
		j.refuse(line, "%s depends on which rows come with it and in what order: remove it", what)
	case l.windowed():
		j.refuse(line, `%s depends on which rows come with it and in what order: remove it, or put "// mode: aggregate" at the head`, what)
	default:
		l.seal(together(line, what))
	}
}
