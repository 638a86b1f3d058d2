// Package queries holds no code: its tests draw custom queries by a grammar, and compare
// what the judge says of them with what the simulated tenant answers.
package queries_test

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/source/kql"
)

//go:embed testdata/grammar.txt
var grammarText string

var grammar = parseGrammar(grammarText)

// alternative is one way to write what a rule stands for.
type alternative struct {
	weight int
	fault  string   // the kind of what is wrong with it
	words  []string // what it says of the query
	text   string
}

var (
	ruleLine        = regexp.MustCompile(`^([a-z-]+):$`)
	alternativeLine = regexp.MustCompile(`^ (\d+)(?: !(.+?)!)?((?: @[a-z]+)*)(?: (.*))?$`)
	reference       = regexp.MustCompile(`<([a-z-]+)>`)
)

func parseGrammar(text string) map[string][]alternative {
	rules := map[string][]alternative{}
	rule := ""
	for i, line := range strings.Split(text, "\n") {
		if m := ruleLine.FindStringSubmatch(line); m != nil {
			rule = m[1]
			continue
		}
		if rule == "" || line == "" || line[0] == '#' {
			continue
		}
		m := alternativeLine.FindStringSubmatch(line)
		if m == nil {
			panic(fmt.Sprintf("line %d of the grammar is no alternative: %s", i+1, line))
		}
		a := alternative{fault: m[2], words: strings.Fields(m[3]), text: m[4]}
		a.weight, _ = strconv.Atoi(m[1])
		rules[rule] = append(rules[rule], a)
	}
	return rules
}

// drawn is one query, and what is known of how it was made.
type drawn struct {
	text   string
	base   string // of an aggregate: the text as far as its sums
	faults []string
	words  []string
	forms  forms
}

func (q drawn) is(word string) bool { return slices.Contains(q.words, "@"+word) }

func (q drawn) mode() hunting.Mode {
	if q.is("aggregate") {
		return hunting.ModeAggregate
	}
	return hunting.ModeAppend
}

// time is the column by which the answer is cut.
func (q drawn) time() string {
	if q.is("when") {
		return "When"
	}
	return "Timestamp"
}

// kind is what is wrong with it; of more than one thing it cannot be told which it is.
func (q drawn) kind() string {
	switch {
	case q.is("aggregate") && len(q.faults) > 0:
		return "any of these, in mode aggregate"
	case len(q.faults) == 1:
		return q.faults[0]
	case len(q.faults) == 0:
		return "nothing on purpose"
	}
	return "two or more of these"
}

// forms is a query as the exporter sends it, with the belt or without, for any window.
type forms map[form]string

type form struct {
	text string
	belt bool
}

var anyWindow = hunting.Window{Start: time.Unix(0, 0), End: time.Unix(86400, 0)}

// sent is a text as it is sent for one window. It is made once: the borders are put in.
func (q drawn) sent(text string, belt bool, w hunting.Window) string {
	f := form{text, belt}
	if q.forms[f] == "" {
		ds := hunting.Dataset{Name: "Q", Query: text, Mode: hunting.ModeAggregate, Clock: hunting.ClockEvent, TimeColumn: q.time()}
		if belt {
			ds.Mode = hunting.ModeAppend
		}
		q.forms[f] = kql.Page(ds, anyWindow, hunting.Slice{})
	}
	return strings.NewReplacer(literal(anyWindow.Start), literal(w.Start), literal(anyWindow.End), literal(w.End)).Replace(q.forms[f])
}

func literal(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// drawing is a query that is being drawn.
type drawing struct {
	t     *rapid.T
	wrong int // how much more likely alternatives are that are wrong on purpose
	spare int // how many more of them there may be
	count int
	lets  []string
	drawn
}

func draw(t *rapid.T) drawn {
	d := &drawing{t: t}
	d.wrong = []int{0, 0, 1, 3}[d.choose(4)]
	d.spare = []int{1, 1, 1, 9}[d.choose(4)]
	text := d.rule("start")
	lets := strings.Join(append(d.lets, ""), ";\n")
	base, after, _ := strings.Cut(text, "¦")
	d.text, d.base = lets+base+after, lets+base
	d.forms = forms{}
	slices.Sort(d.faults)
	d.faults = slices.Compact(d.faults)
	return d.drawn
}

// rule is one of a rule's alternatives, all that it refers to filled in.
func (d *drawing) rule(name string) string {
	a := d.pick(grammar[name])
	if a.fault != "" {
		d.faults = append(d.faults, a.fault)
		d.spare--
	}
	d.words = append(d.words, a.words...)
	d.count++
	parts := strings.Split(strings.ReplaceAll(a.text, "#", strconv.Itoa(d.count)), ";;")
	for i, p := range parts {
		parts[i] = reference.ReplaceAllStringFunc(strings.Trim(p, " "), func(ref string) string { return d.rule(ref[1 : len(ref)-1]) })
		if i < len(parts)-1 {
			d.lets = append(d.lets, parts[i])
		}
	}
	out := parts[len(parts)-1]
	if strings.HasPrefix(out, "|") {
		return "\n" + out
	}
	return out
}

// pick is one of several alternatives by their weights.
func (d *drawing) pick(of []alternative) alternative {
	weight := func(a alternative) int {
		switch {
		case a.fault == "":
			return a.weight
		case d.spare == 0:
			return 0
		}
		return a.weight * d.wrong
	}
	sum := 0
	for _, a := range of {
		sum += weight(a)
	}
	at := d.choose(sum)
	for _, a := range of {
		if at -= weight(a); at < 0 {
			return a
		}
	}
	panic("the grammar lacks a rule")
}

// choose is a number below n, each as likely as the others: rapid's own ranges prefer small
// ones. It shrinks to 0.
func (d *drawing) choose(n int) int {
	if n <= 1 {
		return 0
	}
	v := 0
	for bits := 1; bits < n*8; bits *= 2 { // what the rest favours is less than an eighth
		v *= 2
		if rapid.Bool().Draw(d.t, "") {
			v++
		}
	}
	return v % n
}
