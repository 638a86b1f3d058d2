package query

import (
	"cmp"
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
	o := judge.Options{Mode: q.Mode, Time: q.Time, JoinWindow: q.JoinWindow, Identity: len(q.Identity) > 0}
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

// instead is the mode that the query would be accepted with as it stands. Sums are offered
// to what sums up, and nothing where the reason itself leads to join: window.
func instead(text string, q Custom) hunting.Mode {
	within := q
	within.JoinWindow = true
	refused, _ := speaks(text, within)
	sums := slices.ContainsFunc(refused, func(r Remark) bool { return strings.Contains(r.Text, "mode: aggregate") })
	for _, mode := range []hunting.Mode{hunting.ModeAggregate, hunting.ModeSnapshot} {
		if q.Mode = mode; mode == hunting.ModeAggregate && !sums {
			continue
		}
		if refused, _ := speaks(text, q); len(refused) == 0 {
			return mode
		}
	}
	return hunting.ModeAppend
}

// mostTries is how many lines are tried as the place of the window: the tables are at the
// beginning, and a long query takes its time to judge.
const mostTries = 20

// sinceAgo is how published queries look at the latest days.
var sinceAgo = regexp.MustCompile(`\b(\w+)\s*(?:>=?\s*ago\([^()]*\)|between\s*\(\s*ago\([^()]*\)\s*\.\.\s*(?:ago\([^()]*\)|now\(\))\s*\))`)

// latest is the text with borders where it looks at the latest days, and the first of their
// lines; 0: it does not.
func latest(text, column, cut string) (changed string, line int) {
	var b strings.Builder
	end := 0
	for _, m := range sinceAgo.FindAllStringSubmatchIndex(text, -1) {
		if text[m[2]:m[3]] == column {
			b.WriteString(text[end:m[0]] + cut)
			line, end = cmp.Or(line, 1+strings.Count(text[:m[0]], "\n")), m[1]
		}
	}
	return b.String() + text[end:], line
}

// window finds where the borders of the window make a query accepted, and says what to write.
func window(text string, q Custom) (line int, help string) {
	if strings.Contains(text, "_startTime") || strings.Contains(text, "_endTime") || q.Time == "" {
		return 0, ""
	}
	cut := fmt.Sprintf("%[1]s >= _startTime and %[1]s < _endTime", q.Time)
	q.Identity = []string{q.Time} // whether the head names some says nothing of the place
	_, before := speaks(text, q)
	accepted := func(text string) bool { // and no table lacks the column
		refused, warned := speaks(text, q)
		return len(refused) == 0 && len(warned) <= len(before)
	}
	if changed, first := latest(text, q.Time, cut); first > 0 {
		if !accepted(changed) {
			return 0, ""
		}
		return first, "write " + cut + " instead of the comparison with ago(), wherever it stands"
	}
	lines, tries := strings.Split(text, "\n"), 0
	for i, l := range lines {
		if comment(l) {
			continue
		}
		if tries++; tries > mostTries {
			break
		}
		if accepted(strings.Join(slices.Concat(lines[:i+1], []string{"| where " + cut}, lines[i+1:]), "\n")) {
			return i + 1, "add below it | where " + cut
		}
	}
	return 0, ""
}
