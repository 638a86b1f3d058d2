package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"hunting-exporter/internal/setting"
)

func (p *plan) code() int { return p.Code }

func (p *plan) attrs() []any {
	attrs := []any{"version", p.Version, "dry_run", true, "dataset_count", len(p.Datasets), "rows", p.Rows, "calls", p.Calls, "counts", p.Counts, "quota", minutes(p.Minutes)}
	if p.Error != "" {
		attrs = append(attrs, "error", p.Error)
	}
	return attrs
}

// print writes the plan.
func (p *plan) print(w io.Writer, terminal bool) error {
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
			from, to = d.From.Format(secondFormat), d.To.Format(secondFormat)
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
