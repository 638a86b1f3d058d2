package kql

import (
	"errors"
	"fmt"
	"slices"

	"hunting-exporter/pipeline"
)

// The names by which a custom query takes the borders of a window.
const (
	startTime = "_startTime"
	endTime   = "_endTime"
)

// Windowable says why a custom query cannot be exported in its mode, or nothing.
//
// Append: the rows of a long window must be those of the short ones it is made of, or
// else rows get lost or doubled as windows grow and shrink. Aggregate: rows depend on
// how time is cut, yet no row may be counted twice. Snapshot: every call of one
// snapshot must see the same rows, for it may take a slice each.
//
// A part of the query that does not look at the window, such as the right side of a
// join that looks up a device, may sum up what it likes.
func Windowable(query string, mode pipeline.Mode) []error {
	all, err := parse(query)
	switch {
	case err != nil:
		return []error{err}
	case len(all) == 0:
		return []error{errors.New("holds no query")}
	}
	j := judge{tokens: all, mode: mode, lets: map[string][]span{}, sees: map[string]bool{}, exported: map[string]bool{}}
	j.findEnds()
	j.borders()
	j.words()
	j.findLets()
	j.root()
	return j.reasons()
}

// judge collects what speaks against a query.
type judge struct {
	tokens   []token
	ends     []int // of each token that opens a bracket: the one that closes it
	mode     pipeline.Mode
	lets     map[string][]span // what each name is defined as
	sees     map[string]bool   // let names that see the window, as far as found out
	exported map[string]bool   // let names whose rows the query answers
	found    []reason
}

// span is the tokens from one to before another.
type span struct{ from, to int }

type reason struct {
	line int
	text string
}

func (j *judge) say(at int, format string, args ...any) {
	j.found = append(j.found, reason{j.tokens[at].line, fmt.Sprintf(format, args...)})
}

// reasons are what was found, in the order of the lines, each once.
func (j *judge) reasons() []error {
	slices.SortStableFunc(j.found, func(a, b reason) int { return a.line - b.line })
	var errs []error
	for _, r := range slices.Compact(j.found) {
		if r.line == 0 {
			errs = append(errs, errors.New(r.text))
			continue
		}
		errs = append(errs, fmt.Errorf("line %d: %s", r.line, r.text))
	}
	return errs
}

// is reports whether token i is there and reads so.
func (j *judge) is(i int, s string) bool {
	return i >= 0 && i < len(j.tokens) && j.tokens[i].is(s)
}

// isWord reports whether token i is a name by itself, not a property of a value.
func (j *judge) isWord(i int, s string) bool {
	return j.is(i, s) && j.tokens[i].kind == word && !j.is(i-1, ".")
}

// isCall reports whether token i is the name of a function that is called.
func (j *judge) isCall(i int) bool {
	return j.tokens[i].kind == word && j.is(i+1, "(") && !j.is(i-1, ".")
}

// borders checks that the query takes its window and defines no other.
func (j *judge) borders() {
	for _, border := range []string{startTime, endTime} {
		used := false
		for i := range j.tokens {
			if !j.isWord(i, border) {
				continue
			}
			used = true
			if j.is(i+1, "=") || j.is(i+1, ":") {
				j.say(i, "%s is what the exporter sets: give yours another name", border)
			} else if j.mode == pipeline.ModeSnapshot {
				j.say(i, "a snapshot is exported whole, so there is no %s: remove it, or remove mode: snapshot", border)
			}
		}
		if !used && j.mode != pipeline.ModeSnapshot {
			j.found = append(j.found, reason{text: fmt.Sprintf(
				"does not use %s: every window would give the same rows again; add | where Timestamp >= %s and Timestamp < %s", border, startTime, endTime)})
		}
	}
}

// words checks what matters wherever it stands.
func (j *judge) words() {
	for i := range j.tokens {
		switch {
		case j.isCall(i) && slices.Contains([]string{"rand", "new_guid"}, j.tokens[i].text):
			j.say(i, "%s() differs at every call, so that rows get lost or doubled: remove it", j.tokens[i].text)
		case j.mode == pipeline.ModeSnapshot:
		case j.isCall(i) && slices.Contains([]string{"now", "ago"}, j.tokens[i].text):
			j.say(i, "%s() makes the rows of a window depend on when it is read: count from the window, such as %s - 7d", j.tokens[i].text, startTime)
		case j.isWord(i, "between") && j.is(i+1, "("):
			j.between(i)
		case j.isWord(i, endTime):
			if j.is(i-1, "<=") && !j.offset(i) || j.is(i+1, ">=") && !j.is(i-1, "-") {
				j.say(i, "%s belongs to the next window, so its rows would come twice: use < %[1]s", endTime)
			}
		case j.isWord(i, startTime):
			after := j.is(i-1, ">") && !j.offset(i) && !j.is(i-2, endTime)
			if after || j.is(i+1, "<") && !j.is(i-1, "-") && !j.is(i+2, endTime) {
				j.say(i, "rows of the very %s would be left out, for the window before does not hold them: use >= %[1]s", startTime)
			}
		}
	}
}

// offset reports whether something is added to or taken from the name at i.
func (j *judge) offset(i int) bool { return j.is(i+1, "+") || j.is(i+1, "-") }

// between refuses a range that ends with the window, since it includes its end.
func (j *judge) between(i int) {
	end := j.close(i + 1)
	for k := i + 2; k < end; k++ {
		if j.is(k, "..") && j.isWord(k+1, endTime) && k+2 == end {
			j.say(i, "between includes its end, so rows at %s would come twice: use >= %s and < %[1]s", endTime, startTime)
		}
	}
}

// close is the token that closes the bracket at i.
func (j *judge) close(i int) int { return j.ends[i] }

// findEnds notes for every bracket where it is closed.
func (j *judge) findEnds() {
	j.ends = make([]int, len(j.tokens))
	var open []int
	for i := range j.tokens {
		switch {
		case j.opens(i):
			open = append(open, i)
		case j.is(i, ")") || j.is(i, "]") || j.is(i, "}"):
			j.ends[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
	}
}

// opens reports whether token i opens a bracket.
func (j *judge) opens(i int) bool { return j.is(i, "(") || j.is(i, "[") || j.is(i, "{") }

// statements cuts a span at its semicolons.
func (j *judge) statements(s span) []span {
	var all []span
	from := s.from
	for i := s.from; i <= s.to; i++ {
		switch {
		case i == s.to || j.is(i, ";"):
			if i > from {
				all = append(all, span{from, i})
			}
			from = i + 1
		case j.opens(i):
			i = j.close(i)
		}
	}
	return all
}

// let is the name and the value of a let statement.
func (j *judge) let(s span) (name string, value span, ok bool) {
	if !j.isWord(s.from, "let") || s.to-s.from < 4 || !j.is(s.from+2, "=") {
		return "", span{}, false
	}
	return j.tokens[s.from+1].text, span{s.from + 3, s.to}, true
}

// findLets notes every let statement, also those inside of functions.
func (j *judge) findLets() {
	for i := range j.tokens {
		if !j.isWord(i, "let") {
			continue
		}
		to := i + 1
		for to < len(j.tokens) && !j.is(to, ";") && !j.isWord(to, "let") {
			if j.opens(to) {
				to = j.close(to)
			}
			to++
		}
		if name, value, ok := j.let(span{i, to}); ok {
			j.lets[name] = append(j.lets[name], value)
		}
	}
}

// windowed reports whether a span sees the window that is read: from its very start,
// itself or by a let. Looking back from it, _startTime - 7d, is something else.
func (j *judge) windowed(s span) bool {
	for i := s.from; i < s.to; i++ {
		t := j.tokens[i]
		switch {
		case t.kind != word || j.is(i-1, "."):
		case t.text == startTime && !j.offset(i), j.windowedLet(t.text):
			return true
		}
	}
	return false
}

// windowedLet is windowed of what a name is defined as, found out once.
func (j *judge) windowedLet(name string) bool {
	sees, known := j.sees[name]
	if known {
		return sees
	}
	j.sees[name] = false // until found out: a name within its own definition adds nothing
	j.sees[name] = slices.ContainsFunc(j.lets[name], j.windowed)
	return j.sees[name]
}

// Statements that set something and answer nothing.
var settings = []string{"let", "set", "declare", "alias", "restrict", "pattern"}

// root judges the whole query: any number of settings and one statement that answers.
func (j *judge) root() {
	all := j.statements(span{0, len(j.tokens)})
	var answers []span
	for _, s := range all {
		if !slices.Contains(settings, j.tokens[s.from].text) {
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
		case j.tokens[i].kind != word:
		case j.lets[j.tokens[i].text] != nil && exported && (source || operator == "union"):
			j.exported[j.tokens[i].text] = true
		case j.isCall(i) && slices.Contains(ordered, j.tokens[i].text):
			if in.matters() && j.mode != pipeline.ModeAggregate {
				j.say(i, "%s() depends on which rows come with it and in what order: %s", j.tokens[i].text, j.advice(in))
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
		return i+1 >= len(j.tokens) || !slices.Contains(rowPlugins, j.tokens[i+1].text)
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
	if i >= len(j.tokens) || j.tokens[i].kind != word {
		return ""
	}
	name := j.tokens[i].text
	for k := i + 1; k+1 < len(j.tokens) && j.is(k, "-") && j.tokens[k+1].kind == word; k += 2 {
		name += "-" + j.tokens[k+1].text
	}
	return name
}

// joinKind is the kind that the join at i names, among other parameters.
func (j *judge) joinKind(i int) string {
	for ; i < len(j.tokens) && !j.is(i, "(") && !j.is(i, "|"); i++ {
		if j.isWord(i, "kind") && j.is(i+1, "=") && i+2 < len(j.tokens) {
			return j.tokens[i+2].text
		}
	}
	return ""
}
