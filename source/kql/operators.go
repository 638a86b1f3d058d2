package kql

import (
	"slices"

	"hunting-exporter/pipeline"
	"hunting-exporter/source/kql/syntax"
)

// root judges the whole query: any number of settings and one statement that answers.
func (j *judge) root() {
	all := j.statements(span{0, len(j.tokens)})
	var answers []span
	for _, s := range all {
		if !slices.Contains(settings, j.tokens[s.from].Text) {
			answers = append(answers, s)
		}
	}
	switch {
	case len(answers) == 0:
		j.found = append(j.found, reason{text: "answers nothing: after the last let there is no query"})
	case len(answers) > 1:
		j.say(answers[1].from, "a second query begins here: put each into a file of its own")
	}
	j.block(all, true, scope{})
}

// block judges statements from the last to the first, so that it is known of a let
// whether its rows are answered.
func (j *judge) block(all []span, exported bool, around scope) {
	for _, s := range slices.Backward(all) {
		if name, value, ok := j.let(s); ok {
			j.pipe(value, j.exported[name], false, scope{})
		} else {
			j.pipe(s, exported, false, around)
		}
	}
}

// scope is what the rows of a row of operators are: those that the query answers, or
// such that see the window, or neither.
type scope struct{ exported, windowed bool }

func (s scope) matters() bool { return s.exported || s.windowed }

// pipe judges one row of operators, or an expression. Exported: its rows are those that
// the query answers. Bare: it begins with an operator, as partition's does. Around is
// the scope that it stands in, which an expression shares.
func (j *judge) pipe(s span, exported, bare bool, around scope) {
	in := scope{exported, j.windowed(s)}
	if !bare && !j.piped(s) {
		in = scope{exported || around.exported, in.windowed || around.windowed}
	}
	operator, source := "", true
	if bare {
		operator, source = j.operator(s.from, in), false
	} else if j.isWord(s.from, "union") {
		operator = "union"
	}
	for i := s.from; i < s.to; i++ {
		switch {
		case j.is(i, "|"):
			operator, source = j.operator(i+1, in), false
		case j.is(i, "(") || j.is(i, "{"):
			end := j.close(i)
			if operator != "mv-apply" { // which works within one row
				rows := exported && (source || operator == "union" || operator == "partition")
				j.inner(span{i + 1, end}, rows, operator, in)
			}
			i = end
		case j.opens(i):
			i = j.close(i)
		case j.tokens[i].Kind != syntax.Word:
		case j.lets[j.tokens[i].Text] != nil && exported && (source || operator == "union"):
			j.exported[j.tokens[i].Text] = true
		case j.isCall(i) && slices.Contains(ordered, j.tokens[i].Text):
			if in.matters() && j.mode != pipeline.ModeAggregate {
				j.say(i, "%s() depends on which rows come with it and in what order: %s", j.tokens[i].Text, j.advice(in))
			}
		}
	}
}

// inner judges what stands in brackets.
func (j *judge) inner(s span, exported bool, operator string, around scope) {
	if operator == "partition" {
		j.pipe(s, exported, true, around)
		return
	}
	j.block(j.statements(s), exported, around)
}

// piped reports whether a span has an operator of its own.
func (j *judge) piped(s span) bool {
	for i := s.from; i < s.to; i++ {
		switch {
		case j.is(i, "|"):
			return true
		case j.opens(i):
			i = j.close(i)
		}
	}
	return false
}

// Functions that look at the rows around.
var ordered = []string{
	"row_number", "row_cumsum", "row_rank_dense", "row_rank_min", "row_window_session", "prev", "next",
}

// Plugins of evaluate that work within one row.
var rowPlugins = []string{"bag_unpack", "ipv4_lookup", "ipv6_lookup"}

// operator judges the operator that begins at i and returns its name.
func (j *judge) operator(i int, in scope) string {
	name := j.operatorName(i)
	switch name {
	case "take", "limit", "top", "top-nested", "top-hitters", "sample", "sample-distinct":
		j.say(i, "%s keeps some rows and drops the others: remove it, or narrow the query with where", name)
	case "getschema", "consume", "render", "fork", "facet":
		j.say(i, "%s does not answer the rows themselves: remove it", name)
	case "summarize", "count", "distinct", "make-series", "reduce", "partition", "evaluate",
		"make-graph", "graph-match", "graph-to-table", "graph-shortest-paths", "graph-mark-components":
		if j.sumsUp(i, name, in) {
			j.say(i, "%s sums up the rows of one window, so that its answer depends on how time is cut: %s", name, j.advice(in))
		}
	case "serialize", "scan":
		if in.matters() && j.mode != pipeline.ModeAggregate {
			j.say(i, "%s depends on which rows come together and in what order: %s", name, j.advice(in))
		}
	case "join":
		if kind := j.joinKind(i); in.matters() && j.mode == pipeline.ModeAppend && (kind == "" || kind == "innerunique") {
			j.say(i, "join without a kind is innerunique, which keeps any one of the left rows that share a key: use join kind=inner or leftouter")
		}
	}
	return name
}

// sumsUp reports whether the operator called name makes one row of several of a window
// where that must not be.
func (j *judge) sumsUp(i int, name string, in scope) bool {
	switch {
	case j.mode != pipeline.ModeAppend || !in.matters():
		return false
	case name == "evaluate":
		return i+1 >= len(j.tokens) || !slices.Contains(rowPlugins, j.tokens[i+1].Text)
	case name == "distinct": // a list to look up in: repeats in it say nothing
		return in.exported
	}
	return true
}

// advice is what to do about an operator that needs more rows than a window has.
func (j *judge) advice(in scope) string {
	switch {
	case j.mode == pipeline.ModeSnapshot:
		return "remove it"
	case !in.exported:
		return "remove it, or let it look back a stretch of its own, such as >= " + startTime + " - 1d"
	}
	return `remove it, or put "// mode: aggregate" at the head`
}

// operatorName is the name at i, of which parts are joined with hyphens.
func (j *judge) operatorName(i int) string {
	if i >= len(j.tokens) || j.tokens[i].Kind != syntax.Word {
		return ""
	}
	name := j.tokens[i].Text
	for k := i + 1; k+1 < len(j.tokens) && j.is(k, "-") && j.tokens[k+1].Kind == syntax.Word; k += 2 {
		name += "-" + j.tokens[k+1].Text
	}
	return name
}

// joinKind is the kind that the join at i names, among other parameters.
func (j *judge) joinKind(i int) string {
	for ; i < len(j.tokens) && !j.is(i, "(") && !j.is(i, "|"); i++ {
		if j.isWord(i, "kind") && j.is(i+1, "=") && i+2 < len(j.tokens) {
			return j.tokens[i+2].Text
		}
	}
	return ""
}
