package report

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline/commit"
)

// Plan is what a run or a backfill would read: a table for people, one JSON record
// otherwise.
type Plan struct {
	Version  string           `json:"version"`
	Datasets []PlannedDataset `json:"datasets"`
	Rows     int64            `json:"rows"`    // as counted
	Calls    int64            `json:"calls"`   // that fetch rows
	Counts   int64            `json:"counts"`  // calls made to find out; a run makes about as many
	Minutes  float64          `json:"minutes"` // that all of these calls take of the quota
	Error    string           `json:"error,omitempty"`
	Code     int              `json:"exit_code"`
}

// PlannedDataset is what would be read of one dataset.
type PlannedDataset struct {
	Dataset string     `json:"dataset"`
	From    *time.Time `json:"from,omitempty"` // absent: nothing is to be read
	To      *time.Time `json:"to,omitempty"`
	Rows    *int64     `json:"rows"` // null: not counted
	Calls   int64      `json:"calls"`
	Gaps    int        `json:"gaps"` // stretches tried again, in Calls
	// Windows are what is read, each in one call unless it is counted empty.
	Windows []commit.WindowRows `json:"windows,omitempty"`
	Note    string              `json:"note,omitempty"`
	Error   string              `json:"error,omitempty"`
}

// NewPlan is a plan of nothing, yet.
func NewPlan(version string) Plan { return Plan{Version: version, Datasets: []PlannedDataset{}} }

// Fail ends a plan that could not be made.
func (p *Plan) Fail(err error, code int) { p.Error, p.Code = InLine(err.Error()), code }

// ExitCode is how the process ends.
func (p *Plan) ExitCode() int { return p.Code }

// Attrs are its totals, under the summary's names.
func (p *Plan) Attrs() []any {
	attrs := []any{"version", p.Version, "dry_run", true, "dataset_count", len(p.Datasets), "rows", p.Rows, "calls", p.Calls, "counts", p.Counts, "quota", minutes(p.Minutes)}
	if p.Error != "" {
		attrs = append(attrs, "error", p.Error)
	}
	return attrs
}

// Print writes the plan.
func (p *Plan) Print(w io.Writer, terminal bool) error {
	if !terminal {
		return json.NewEncoder(w).Encode(p)
	}
	if p.Error != "" {
		_, err := fmt.Fprintf(w, "\nexporter %s could not plan: %s\nexit code %d\n", p.Version, p.Error, p.Code)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\ndataset\tfrom\tto\trows\tcalls\tgaps\t")
	for _, d := range p.Datasets {
		from, to, rows := "-", "-", "-"
		if d.From != nil {
			from, to = d.From.Format(SecondFormat), d.To.Format(SecondFormat)
		}
		if d.Rows != nil {
			rows = fmt.Sprint(*d.Rows)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t\n", d.Dataset, from, to, rows, d.Calls, d.Gaps)
	}
	fmt.Fprintf(t, "total\t\t\t%d\t%d\t\t\n", p.Rows, p.Calls)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range p.Datasets {
		if d.Error != "" {
			fmt.Fprintf(w, "failed: %s\n", d.Error)
		}
		if d.Note != "" {
			fmt.Fprintf(w, "note: %s\n", d.Note)
		}
	}
	_, err := fmt.Fprintf(w, "%d calls for rows and about %d to count them: %s of the quota. Nothing was fetched or written. Exit code %d\n",
		p.Calls, p.Counts, inMinutes(p.Minutes), p.Code)
	return err
}

// inMinutes says how many minutes those are, at least one.
func inMinutes(minutes float64) string {
	if minutes <= 1 {
		return "a minute"
	}
	return setting.Short(time.Duration(minutes * float64(time.Minute)).Round(time.Minute))
}
