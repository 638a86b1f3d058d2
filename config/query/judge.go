package query

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hunting-exporter/hunting"
	"hunting-exporter/source/kql/judge"
)

// judgeText reads the head of a file and judges the query in the mode that it gives.
func judgeText(file string, data []byte) File {
	j := File{Path: file}
	text, refused := readable(data)
	j.Refused, j.KQL = refused, strings.TrimSpace(text)
	h := j.readHead(text)
	j.take(h)
	said, warned := speaks(text, j.Custom)
	j.Refused, j.Warned = append(j.Refused, said...), append(j.Warned, warned...)
	if _, given := h["mode"]; len(said) > 0 && !given {
		j.Instead = instead(text, j.Custom)
		j.window(text)
	}
	return j
}

// window says how a query that does not look at the window is accepted once it does.
func (j *File) window(text string) {
	q := j.Custom
	if line, help := window(text, q); help != "" {
		j.refuse(line, "%s: then it is accepted", help)
		return
	}
	q.Mode = hunting.ModeAggregate
	if line, help := window(text, q); help != "" {
		j.refuse(line, "%s, and // mode: aggregate into the head: then it is accepted (sums of each window, which depend on how time is cut)", help)
	}
}

// speaks is what speaks against a query, of the text as it is for the numbers of its lines.
func speaks(text string, q Custom) (refused, warned []Remark) {
	o := judge.Options{Mode: q.Mode, Time: q.Time, JoinWindow: q.JoinWindow}
	if q.Mode == hunting.ModeAggregate && !q.TimeNamed { // sums need no time
		o.Time = ""
	}
	v := judge.Query(text, o)
	return remarks(v.Refused), remarks(v.Warned)
}

func remarks(reasons []judge.Reason) (all []Remark) {
	for _, r := range reasons {
		all = append(all, Remark(r))
	}
	return all
}

// instead is the mode that the query would be accepted with as it stands.
func instead(text string, q Custom) hunting.Mode {
	for _, mode := range []hunting.Mode{hunting.ModeAggregate, hunting.ModeSnapshot} {
		q.Mode = mode
		if refused, _ := speaks(text, q); len(refused) == 0 {
			return mode
		}
	}
	return hunting.ModeAppend
}

// mostTries is how many lines are tried as the place of the window: the tables are at the
// beginning, and a long query takes its time to judge.
const mostTries = 20

// sinceAgo is the line by which published queries look at the latest days.
var sinceAgo = regexp.MustCompile(`^(\s*\|\s*where\s+)(\w+)\s*>=?\s*ago\([^()]*\)\s*$`)

// window finds where the borders of the window make a query accepted, and says what to write.
func window(text string, q Custom) (line int, help string) {
	if strings.Contains(text, "_startTime") || strings.Contains(text, "_endTime") || q.Time == "" {
		return 0, ""
	}
	cut := fmt.Sprintf("where %[1]s >= _startTime and %[1]s < _endTime", q.Time)
	accepted := func(lines []string) bool {
		refused, _ := speaks(strings.Join(lines, "\n"), q)
		return len(refused) == 0
	}
	lines, found := strings.Split(text, "\n"), 0
	for i, l := range lines {
		if m := sinceAgo.FindStringSubmatch(strings.TrimRight(l, "\r")); m != nil && m[2] == q.Time {
			lines[i], found = "| "+cut, i+1
		}
	}
	if found > 0 {
		if accepted(lines) {
			return found, "write instead | " + cut
		}
		return 0, ""
	}
	tries := 0
	for i, l := range lines {
		if comment(l) {
			continue
		}
		if tries++; tries > mostTries {
			break
		}
		if accepted(slices.Concat(lines[:i+1], []string{"| " + cut}, lines[i+1:])) {
			return i + 1, "add below it | " + cut
		}
	}
	return 0, ""
}
