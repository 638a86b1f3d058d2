package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"hunting-exporter/pipeline"
	"hunting-exporter/source"
)

// report is the outcome of a run: a table for people, one JSON record otherwise.
type report struct {
	Version  string          `json:"version"`
	Run      string          `json:"run"`
	Datasets []datasetReport `json:"datasets"`
	Rows     int64           `json:"rows"`
	Rejected int64           `json:"rejected"`
	Commits  int             `json:"commits"`
	Files    int             `json:"files"`
	Bytes    int64           `json:"bytes"`
	Events   int64           `json:"events"`
	Calls    int64           `json:"calls"`
	Refusals int64           `json:"refusals"`
	Seconds  float64         `json:"seconds"`
	Stopped  string          `json:"stopped,omitempty"` // why the run ended before it had caught up
	Error    string          `json:"error,omitempty"`   // why the run could not begin
	Code     int             `json:"exit_code"`

	started time.Time
}

type datasetReport struct {
	Dataset   string     `json:"dataset"`
	Rows      int64      `json:"rows"`
	Rejected  int64      `json:"rejected"`
	Commits   int        `json:"commits"`
	Files     int        `json:"files"`
	Bytes     int64      `json:"bytes"`
	Events    int64      `json:"events"`
	Watermark *time.Time `json:"watermark,omitempty"`
	Lag       float64    `json:"lag_seconds"`
	Note      string     `json:"note,omitempty"` // ended early, and that is no failure
	Error     string     `json:"error,omitempty"`
}

// fail ends the report of a run that could not begin.
func (r *report) fail(err error) {
	r.Datasets = []datasetReport{}
	r.Error, r.Code = err.Error(), codeOf(err)
	r.Seconds = time.Since(r.started).Seconds()
}

// finish ends the report of a run that reached its datasets.
func (r *report) finish(stop context.Context, results []pipeline.Result, stats source.Stats) {
	now := time.Now()
	r.Datasets = make([]datasetReport, 0, len(results))
	for _, res := range results {
		d := datasetReport{
			Dataset: res.Dataset, Rows: res.Rows, Rejected: res.Rejected, Commits: res.Commits,
			Files: res.Files, Bytes: res.Bytes, Events: res.Events,
		}
		if !res.Watermark.IsZero() {
			d.Watermark, d.Lag = &res.Watermark, now.Sub(res.Watermark).Seconds()
		}
		switch {
		case failure(res.Err) != nil:
			d.Error = res.Err.Error()
		case res.Err != nil:
			d.Note = res.Err.Error()
		}
		r.Datasets = append(r.Datasets, d)
		r.Rows += d.Rows
		r.Rejected += d.Rejected
		r.Commits += d.Commits
		r.Files += d.Files
		r.Bytes += d.Bytes
		r.Events += d.Events
		if errors.Is(res.Err, pipeline.ErrStopped) {
			r.Stopped = context.Cause(stop).Error()
		}
	}
	r.Calls, r.Refusals = stats.Calls, stats.Refusals
	r.Seconds = now.Sub(r.started).Seconds()
	r.Code = codeOfResults(stop, results)
}

// print writes the report.
func (r *report) print(w io.Writer, terminal bool) error {
	if !terminal {
		return json.NewEncoder(w).Encode(r)
	}
	if r.Error != "" {
		_, err := fmt.Fprintf(w, "\nexporter %s could not begin: %s\nexit code %d\n", r.Version, r.Error, r.Code)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\ndataset\trows\trejected\tcommits\tfiles\tsize\tevents\twatermark\tlag\t")
	for _, d := range r.Datasets {
		watermark, lag := "-", "-"
		if d.Watermark != nil {
			watermark = d.Watermark.UTC().Format("2006-01-02T15:04:05Z")
			lag = (time.Duration(d.Lag) * time.Second).String()
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%d\t%s\t%s\t\n", d.Dataset, d.Rows, d.Rejected, d.Commits, d.Files, size(d.Bytes), d.Events, watermark, lag)
	}
	fmt.Fprintf(t, "total\t%d\t%d\t%d\t%d\t%s\t%d\t\t\t\n", r.Rows, r.Rejected, r.Commits, r.Files, size(r.Bytes), r.Events)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range r.Datasets {
		if d.Error != "" {
			fmt.Fprintf(w, "failed: %s\n", d.Error)
		}
		if d.Note != "" {
			fmt.Fprintf(w, "note: %s\n", d.Note)
		}
	}
	if r.Stopped != "" {
		fmt.Fprintf(w, "stopped early: %s; the next run goes on from there\n", r.Stopped)
	}
	_, err := fmt.Fprintf(w, "%d calls, %.1f s, run %s, version %s, exit code %d\n", r.Calls, r.Seconds, r.Run, r.Version, r.Code)
	return err
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
