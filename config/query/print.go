package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"hunting-exporter/hunting"
)

// Verdicts on a query.
const (
	verdictRows    = "rows"
	verdictRefused = "refused"
)

// verdicts are those there are, in the order of a summary.
var verdicts = []string{verdictRows, string(hunting.ModeAggregate), string(hunting.ModeSnapshot), verdictRefused}

func (j *File) verdict() string {
	if len(j.Refused) > 0 {
		return verdictRefused
	}
	return cmp.Or(string(j.Mode), verdictRows)
}

// Refused reports whether one cannot be exported.
func (c Checked) Refused() bool {
	return slices.ContainsFunc(c.Files, func(q File) bool { return len(q.Refused) > 0 })
}

// checkedFile is a file in the output of programs: its fields stay.
type checkedFile struct {
	File         string   `json:"file"`
	Name         string   `json:"name"`
	Mode         string   `json:"mode"` // append, aggregate or snapshot
	Verdict      string   `json:"verdict"`
	Reasons      []Remark `json:"reasons"`
	AcceptedWith string   `json:"accepted_with,omitempty"` // the mode
	Warnings     []Remark `json:"warnings"`
}

// JSON writes one array.
func (c Checked) JSON(w io.Writer) error {
	all := make([]checkedFile, len(c.Files))
	for i, q := range c.Files {
		all[i] = checkedFile{q.Path, q.Name, cmp.Or(string(q.Mode), "append"), q.verdict(), append([]Remark{}, q.Refused...), string(q.Instead), append([]Remark{}, q.Warned...)}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

// Text writes a line or a table for people, then what is to be said of each file.
func (c Checked) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if c.table {
		fmt.Fprintln(t, "file\tname\tverdict\t")
	}
	for _, q := range c.Files {
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", q.Path, cmp.Or(q.Name, "-"), q.verdict())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, q := range c.Files {
		q.remarks(w, c.table)
	}
	if !c.table {
		return nil
	}
	count := map[string]int{}
	for _, q := range c.Files {
		count[q.verdict()]++
	}
	var parts []string
	for _, v := range verdicts {
		parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
	}
	_, err := fmt.Fprintf(w, "\n%d files: %s\n", len(c.Files), strings.Join(parts, ", "))
	return err
}

// remarks writes what is to be said of a file, by line.
func (j *File) remarks(w io.Writer, named bool) {
	byLine := func(a, b Remark) int { return a.Line - b.Line }
	var lines []string
	for _, r := range slices.SortedStableFunc(slices.Values(j.Refused), byLine) {
		lines = append(lines, r.String())
	}
	if j.Instead != hunting.ModeAppend {
		lines = append(lines, j.instead())
	}
	for _, r := range slices.SortedStableFunc(slices.Values(j.Warned), byLine) {
		lines = append(lines, "warning: "+r.String())
	}
	if named && len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", j.Path)
	}
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", line)
	}
}
