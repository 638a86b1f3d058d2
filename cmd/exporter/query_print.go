package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"hunting-exporter/pipeline"
)

// checkedQueries are the files that a command has judged.
type checkedQueries struct {
	queries []judgedQuery
	table   bool // there may be several
}

// Verdicts on a query.
const (
	verdictRows    = "rows"
	verdictRefused = "refused"
)

// verdicts are those there are, in the order of a summary.
var verdicts = []string{verdictRows, string(pipeline.ModeAggregate), string(pipeline.ModeSnapshot), verdictRefused}

func (j *judgedQuery) verdict() string {
	if len(j.Refused) > 0 {
		return verdictRefused
	}
	return cmp.Or(string(j.Mode), verdictRows)
}

func (c checkedQueries) refused() (n int) {
	for _, q := range c.queries {
		if len(q.Refused) > 0 {
			n++
		}
	}
	return n
}

// checkedFile is a file in the output of programs: its fields stay.
type checkedFile struct {
	File         string   `json:"file"`
	Name         string   `json:"name"`
	Mode         string   `json:"mode"` // append, aggregate or snapshot
	Verdict      string   `json:"verdict"`
	Reasons      []remark `json:"reasons"`
	AcceptedWith string   `json:"accepted_with,omitempty"` // the mode
	Warnings     []remark `json:"warnings"`
}

// json writes one array.
func (c checkedQueries) json(w io.Writer) error {
	all := make([]checkedFile, len(c.queries))
	for i, q := range c.queries {
		all[i] = checkedFile{q.File, q.Name, cmp.Or(string(q.Mode), "append"), q.verdict(), append([]remark{}, q.Refused...), string(q.Instead), append([]remark{}, q.Warned...)}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

// text writes a line or a table for people, then what is to be said of each file.
func (c checkedQueries) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if c.table {
		fmt.Fprintln(t, "file\tname\tverdict\t")
	}
	for _, q := range c.queries {
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", q.File, cmp.Or(q.Name, "-"), q.verdict())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, q := range c.queries {
		q.remarks(w, c.table)
	}
	if !c.table {
		return nil
	}
	count := map[string]int{}
	for _, q := range c.queries {
		count[q.verdict()]++
	}
	var parts []string
	for _, v := range verdicts {
		parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
	}
	_, err := fmt.Fprintf(w, "\n%d files: %s\n", len(c.queries), strings.Join(parts, ", "))
	return err
}

// remarks writes what is to be said of a file, by line.
func (j *judgedQuery) remarks(w io.Writer, named bool) {
	byLine := func(a, b remark) int { return a.Line - b.Line }
	var lines []string
	for _, r := range slices.SortedStableFunc(slices.Values(j.Refused), byLine) {
		lines = append(lines, r.String())
	}
	if j.Instead != pipeline.ModeAppend {
		lines = append(lines, j.instead())
	}
	for _, r := range slices.SortedStableFunc(slices.Values(j.Warned), byLine) {
		lines = append(lines, "warning: "+r.String())
	}
	if named && len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", j.File)
	}
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", line)
	}
}
