package kql

import (
	"errors"
	"fmt"
	"slices"

	"hunting-exporter/pipeline"
	"hunting-exporter/source/kql/syntax"
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
	tokens   []syntax.Token
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
	j.found = append(j.found, reason{j.tokens[at].Line, fmt.Sprintf(format, args...)})
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
	return i >= 0 && i < len(j.tokens) && j.tokens[i].Is(s)
}

// isWord reports whether token i is a name by itself, not a property of a value.
func (j *judge) isWord(i int, s string) bool {
	return j.is(i, s) && j.tokens[i].Kind == syntax.Word && !j.is(i-1, ".")
}

// isCall reports whether token i is the name of a function that is called.
func (j *judge) isCall(i int) bool {
	return j.tokens[i].Kind == syntax.Word && j.is(i+1, "(") && !j.is(i-1, ".")
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
		case j.isCall(i) && slices.Contains([]string{"rand", "new_guid"}, j.tokens[i].Text):
			j.say(i, "%s() differs at every call, so that rows get lost or doubled: remove it", j.tokens[i].Text)
		case j.mode == pipeline.ModeSnapshot:
		case j.isCall(i) && slices.Contains([]string{"now", "ago"}, j.tokens[i].Text):
			j.say(i, "%s() makes the rows of a window depend on when it is read: count from the window, such as %s - 7d", j.tokens[i].Text, startTime)
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
	return j.tokens[s.from+1].Text, span{s.from + 3, s.to}, true
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
		case t.Kind != syntax.Word || j.is(i-1, "."):
		case t.Text == startTime && !j.offset(i), j.windowedLet(t.Text):
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
