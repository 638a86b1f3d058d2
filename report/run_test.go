package report_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/report"
	"hunting-exporter/state"
)

// reported is the report of results, without what depends on today.
func reported(code int, results ...pipeline.Result) report.Run {
	r := report.Run{Version: "v", Run: "r", Started: noon, Calls: 9}
	for _, res := range results {
		r.Add(res, res.Err != nil)
	}
	r.End(code)
	r.Seconds = 1
	for i := range r.Datasets {
		if lag := r.Datasets[i].Lag; lag != nil {
			*lag = 60
		}
	}
	return r
}

// forPeople is what a terminal shows, without space at the ends of lines.
func forPeople(t *testing.T, r report.Run) string {
	t.Helper()
	var out, trimmed strings.Builder
	if err := r.Print(&out, true); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func checked(at time.Time, counted, exported int64, differ int) *state.Check {
	return &state.Check{Window: hunting.Window{Start: noon.Add(-24 * time.Hour), End: noon}, At: at, Counted: counted, Exported: exported, Differ: differ}
}

func TestSummaryWhenAllIsWell(t *testing.T) {
	t.Parallel()
	after := noon.Add(time.Second)
	first := checked(after, 100, 100, 0)
	first.Start = first.Start.Add(-200 * hunting.Tick) // no fraction of a second is shown
	r := reported(0,
		pipeline.Result{Dataset: "AlertInfo", Rows: 5, Commits: 1, Files: 1, Bytes: 2048, Watermark: noon, Check: first},
		pipeline.Result{Dataset: "EmailEvents", Watermark: noon, Check: checked(after, 20, 20, 0)},
		pipeline.Result{Dataset: "NotCounted", Watermark: noon, Check: checked(noon.Add(-time.Hour), 7, 3, 2)}, // by an earlier run
	)
	want := `
dataset      rows  rejected  commits  files  size     events  watermark             lag
AlertInfo    5     0         1        1      2.0 KiB  0       2026-11-24T12:00:00Z  1m0s
EmailEvents  0     0         0        0      0 B      0       2026-11-24T12:00:00Z  1m0s
NotCounted   0     0         0        0      0 B      0       2026-11-24T12:00:00Z  1m0s
total        5     0         1        1      2.0 KiB  0
The API counted 120 rows in the last 24h, exported 120.
9 calls, 1.0 s, run r, version v, exit code 0
`
	if diff := cmp.Diff(want, forPeople(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestSummaryOfGapsLateRowsAndDifferences(t *testing.T) {
	t.Parallel()
	var gaps []state.Gap
	for i := range 7 {
		start := noon.Add(time.Duration(i) * time.Hour)
		gaps = append(gaps, state.Gap{Window: hunting.Window{Start: start, End: start.Add(time.Minute)}, Tries: 2, Reason: "status 400"})
	}
	gaps[1].I, gaps[1].N = 3, 8
	r := reported(3,
		pipeline.Result{Dataset: "AlertInfo", Rows: 5, Late: 2, Watermark: noon, Check: checked(noon.Add(time.Second), 100, 97, 1)},
		pipeline.Result{Dataset: "EmailEvents", Watermark: noon, Gaps: gaps, Err: errors.Join(&pipeline.GapsError{Gaps: gaps})},
	)
	want := `
dataset      rows  late  gaps  rejected  commits  files  size  events  watermark             lag
AlertInfo    5     2     0     0         0        0      0 B   0       2026-11-24T12:00:00Z  1m0s
EmailEvents  0     0     7     0         0        0      0 B   0       2026-11-24T12:00:00Z  1m0s
total        5                 0         0        0      0 B   0
gap: EmailEvents: 2026-11-24T12:00:00Z/2026-11-24T12:01:00Z after 2 tries: status 400
gap: EmailEvents: 2026-11-24T13:00:00Z/2026-11-24T13:01:00Z slice 3 of 8 after 2 tries: status 400
gap: EmailEvents: 2026-11-24T14:00:00Z/2026-11-24T14:01:00Z after 2 tries: status 400
gap: EmailEvents: 2026-11-24T15:00:00Z/2026-11-24T15:01:00Z after 2 tries: status 400
gap: EmailEvents: 2026-11-24T16:00:00Z/2026-11-24T16:01:00Z after 2 tries: status 400
gap: EmailEvents: … and 2 more, see exporter state show EmailEvents
failed: the API does not deliver 7 stretches, the first 2026-11-24T12:00:00Z/2026-11-24T12:01:00Z after 2 tries: status 400; they are tried again each run, see ` + "`exporter state show`" + `
differs: AlertInfo: the API counts 100 rows from 2026-11-23T12:00:00Z to 2026-11-24T12:00:00Z, 97 are exported, 0 of them not counted, and 1 quarter hours differ
9 calls, 1.0 s, run r, version v, exit code 3
`
	if diff := cmp.Diff(want, forPeople(t, r)); diff != "" {
		t.Error(diff)
	}
	var out strings.Builder
	if err := r.Print(&out, false); err != nil {
		t.Fatal(err)
	}
	var back report.Run
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil {
		t.Fatal(err)
	}
	wantCheck := report.Check{From: noon.Add(-24 * time.Hour), To: noon, At: noon.Add(time.Second), Counted: 100, Exported: 97, Differ: 1}
	if d := back.Datasets; d[0].Late != 2 || d[1].Gaps != 7 || d[0].Check == nil || *d[0].Check != wantCheck || d[1].Check != nil {
		t.Errorf("as JSON: %s", out.String())
	}
}

// A dataset of which nothing is known has no lag: 0 would say that it has caught up.
func TestLagOfADatasetThatDidNotRun(t *testing.T) {
	var out strings.Builder
	r := reported(0, pipeline.Result{Dataset: "Held"})
	if err := r.Print(&out, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "lag_seconds") {
		t.Errorf("the summary says a lag: %s", out.String())
	}
}
