// Package report is what people and machines see of a run, a plan and a state: tables, JSON
// records, progress and log.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/state"
)

// Run is the outcome of a run: a table for people, one JSON record otherwise.
type Run struct {
	Version  string    `json:"version"`
	Run      string    `json:"run"`
	Datasets []Dataset `json:"datasets"`
	Rows     int64     `json:"rows"`
	Rejected int64     `json:"rejected"`
	Commits  int       `json:"commits"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`
	Events   int64     `json:"events"`
	Unsent   int64     `json:"events_rejected"` // too large for their topic
	Calls    int64     `json:"calls"`
	Refusals int64     `json:"refusals"`
	Seconds  float64   `json:"seconds"`
	Buffers  int64     `json:"buffer_bytes"`      // the most memory that rows took at once
	Stopped  string    `json:"stopped,omitempty"` // why the run ended before it had caught up
	Error    string    `json:"error,omitempty"`   // why the run could not begin
	Code     int       `json:"exit_code"`

	Started time.Time `json:"-"`
}

// Dataset is what came of one dataset.
type Dataset struct {
	Dataset   string     `json:"dataset"`
	Rows      int64      `json:"rows"`
	Rejected  int64      `json:"rejected"`
	Commits   int        `json:"commits"`
	Files     int        `json:"files"`
	Bytes     int64      `json:"bytes"`
	Events    int64      `json:"events"`
	Unsent    int64      `json:"events_rejected"` // too large for their topic
	Late      int64      `json:"late"`            // of Rows, not there yet when earlier runs read their time
	Watermark *time.Time `json:"watermark,omitempty"`
	Lag       *float64   `json:"lag_seconds,omitempty"` // absent: nothing is known to be exported
	Gaps      int        `json:"gaps"`                  // stretches that the API does not deliver
	Check     *Check     `json:"check,omitempty"`       // last comparison with the API's counts
	Note      string     `json:"note,omitempty"`        // ended early, and that is no failure
	Error     string     `json:"error,omitempty"`

	Stretches []state.Gap `json:"-"` // the Gaps
}

// Check is a comparison of the API's counts with what was exported.
type Check struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	At       time.Time `json:"at"`
	Counted  int64     `json:"counted"`
	Exported int64     `json:"exported"`
	Surplus  int64     `json:"surplus"` // rows exported that the API does not count
	Differ   int       `json:"differ"`  // quarter hours
}

// Fail ends the report of a run that did not begin.
func (r *Run) Fail(err error, code int) {
	r.Datasets = []Dataset{}
	r.Error = InLine(err.Error())
	r.End(code)
}

// Add takes in what came of a dataset. An error of one that has not failed is a note.
func (r *Run) Add(res pipeline.Result, failed bool) {
	d := Dataset{
		Dataset: res.Dataset, Rows: res.Rows, Rejected: res.Rejected, Commits: res.Commits,
		Files: res.Files, Bytes: res.Bytes, Events: res.Events, Unsent: res.EventsRejected, Late: res.Late,
		Gaps: len(res.Gaps), Stretches: res.Gaps,
	}
	if c := res.Check; c != nil {
		d.Check = &Check{From: c.Start, To: c.End, At: c.At, Counted: c.Counted, Exported: c.Exported, Surplus: c.Surplus, Differ: c.Differ}
	}
	if !res.Watermark.IsZero() {
		lag := time.Since(res.Watermark).Seconds()
		d.Watermark, d.Lag = &res.Watermark, &lag
	}
	switch {
	case failed:
		d.Error = InLine(res.Err.Error())
	case res.Err != nil:
		d.Note = InLine(res.Err.Error())
	}
	r.Datasets = append(r.Datasets, d)
	r.Rows += d.Rows
	r.Rejected += d.Rejected
	r.Commits += d.Commits
	r.Files += d.Files
	r.Bytes += d.Bytes
	r.Events += d.Events
	r.Unsent += d.Unsent
}

// End is called when all is known.
func (r *Run) End(code int) {
	r.Seconds, r.Code = time.Since(r.Started).Seconds(), code
}

// ExitCode is how the process ends.
func (r *Run) ExitCode() int { return r.Code }

// Attrs are its totals, under the summary's names.
func (r *Run) Attrs() []any {
	failed, gaps := 0, 0
	for _, d := range r.Datasets {
		gaps += d.Gaps
		if d.Error != "" {
			failed++
		}
	}
	attrs := []any{
		"version", r.Version, "dataset_count", len(r.Datasets), "failed_count", failed, "rows", r.Rows, "rejected", r.Rejected, "gaps", gaps, "commits", r.Commits,
		"files", r.Files, "bytes", r.Bytes, "events", r.Events, "events_rejected", r.Unsent, "calls", r.Calls, "refusals", r.Refusals, "seconds", r.Seconds, "buffer_bytes", r.Buffers,
	}
	if r.Stopped != "" {
		attrs = append(attrs, "stopped", r.Stopped)
	}
	if r.Error != "" {
		attrs = append(attrs, "error", r.Error)
	}
	return attrs
}

// Print writes the report.
func (r *Run) Print(w io.Writer, terminal bool) error {
	if !terminal {
		return json.NewEncoder(w).Encode(r)
	}
	if r.Error != "" {
		_, err := fmt.Fprintf(w, "\nexporter %s could not begin: %s\nexit code %d\n", r.Version, r.Error, r.Code)
		return err
	}
	if err := r.printTable(w); err != nil {
		return err
	}
	for _, d := range r.Datasets {
		d.printGaps(w)
		if d.Error != "" {
			fmt.Fprintf(w, "failed: %s\n", d.Error)
		}
		if d.Note != "" {
			fmt.Fprintf(w, "note: %s\n", d.Note)
		}
	}
	r.printChecks(w)
	if r.Stopped != "" {
		fmt.Fprintf(w, "stopped early: %s; what was read is committed, and the same command goes on from there\n", r.Stopped)
	}
	_, err := fmt.Fprintf(w, "%d calls, %.1f s, run %s, version %s, exit code %d\n", r.Calls, r.Seconds, r.Run, r.Version, r.Code)
	return err
}

// SecondFormat is a time to the second.
const SecondFormat = "2006-01-02T15:04:05Z"

// printTable writes a line for each dataset. Gaps and late rows are rare: they have
// columns only where there are some.
func (r *Run) printTable(w io.Writer) error {
	gaps := slices.ContainsFunc(r.Datasets, func(d Dataset) bool { return d.Gaps > 0 })
	late := slices.ContainsFunc(r.Datasets, func(d Dataset) bool { return d.Late > 0 })
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(lateCell, gapsCell any, before, after string) {
		if late {
			before += fmt.Sprintf("%v\t", lateCell)
		}
		if gaps {
			before += fmt.Sprintf("%v\t", gapsCell)
		}
		fmt.Fprintln(t, before+after)
	}
	line("late", "gaps", "\ndataset\trows\t", "rejected\tcommits\tfiles\tsize\tevents\twatermark\tlag\t")
	for _, d := range r.Datasets {
		watermark, lag := "-", "-"
		if d.Watermark != nil {
			watermark = d.Watermark.UTC().Format(SecondFormat)
			lag = (time.Duration(*d.Lag) * time.Second).String()
		}
		line(d.Late, d.Gaps, fmt.Sprintf("%s\t%d\t", d.Dataset, d.Rows),
			fmt.Sprintf("%d\t%d\t%d\t%s\t%d\t%s\t%s\t", d.Rejected, d.Commits, d.Files, size(d.Bytes), d.Events, watermark, lag))
	}
	line("", "", fmt.Sprintf("total\t%d\t", r.Rows), fmt.Sprintf("%d\t%d\t%d\t%s\t%d\t\t\t", r.Rejected, r.Commits, r.Files, size(r.Bytes), r.Events))
	return t.Flush()
}

// shownGaps bounds the gaps of a dataset that a terminal shows.
const shownGaps = 5

func (d Dataset) printGaps(w io.Writer) {
	shown := d.Stretches[:min(len(d.Stretches), shownGaps)]
	for _, g := range shown {
		fmt.Fprintf(w, "gap: %s: %s after %d tries: %s\n", d.Dataset, stretchOf(g), g.Tries, g.Reason)
	}
	if more := len(d.Stretches) - len(shown); more > 0 {
		fmt.Fprintf(w, "gap: %s: … and %d more, see exporter state show %s\n", d.Dataset, more, d.Dataset)
	}
}

// printChecks says whether what was exported is what the API counts.
func (r *Run) printChecks(w io.Writer) {
	var all Check
	differ := false
	for _, d := range r.Datasets {
		c := d.Check
		if c == nil || c.At.Before(r.Started) { // of an earlier run
			continue
		}
		if all.From.IsZero() || c.From.Before(all.From) {
			all.From = c.From
		}
		if c.To.After(all.To) {
			all.To = c.To
		}
		all.Counted, all.Exported = all.Counted+c.Counted, all.Exported+c.Exported
		if c.Differ > 0 {
			differ = true
			fmt.Fprintf(w, "differs: %s: the API counts %d rows from %s to %s, %d are exported, %d of them not counted, and %d quarter hours differ\n",
				d.Dataset, c.Counted, c.From.Format(SecondFormat), c.To.Format(SecondFormat), c.Exported, c.Surplus, c.Differ)
		}
	}
	if !differ && all.From.Before(all.To) {
		fmt.Fprintf(w, "The API counted %d rows in the last %s, exported %d.\n", all.Counted, setting.Short(all.To.Sub(all.From).Round(time.Second)), all.Exported)
	}
}

// size gives bytes as people read them.
func size(n int64) string {
	const kib = 1024
	if n < kib {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/kib, "KiB"
	for _, next := range []string{"MiB", "GiB", "TiB"} {
		if f < kib {
			break
		}
		f, unit = f/kib, next
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
