package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/report"
)

func TestPlanForPeople(t *testing.T) {
	t.Parallel()
	to, rows := noon.Add(time.Hour), int64(7)
	p := report.Plan{
		Datasets: []report.PlannedDataset{
			{Dataset: "AlertInfo", From: &noon, To: &to, Rows: &rows, Calls: 1},
			{Dataset: "Sums", From: &noon, To: &to, Calls: 2, Gaps: 3, Note: "Sums: a note"},
			{Dataset: "NoSuchTable", Error: "dataset NoSuchTable: refused"},
		},
		Rows: 7, Calls: 135, Counts: 2, Minutes: 3.04, Code: 3,
	}
	var out strings.Builder
	if err := p.Print(&out, true); err != nil {
		t.Fatal(err)
	}
	want := `
dataset      from                  to                    rows  calls  gaps
AlertInfo    2026-11-24T12:00:00Z  2026-11-24T13:00:00Z  7     1      0
Sums         2026-11-24T12:00:00Z  2026-11-24T13:00:00Z  -     2      3
NoSuchTable  -                     -                     -     0      0
total                                                    7     135
note: Sums: a note
failed: dataset NoSuchTable: refused
135 calls for rows and about 2 to count them: 3m of the quota. Nothing was fetched or written. Exit code 3
`
	var got strings.Builder
	for line := range strings.Lines(out.String()) {
		got.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
