package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/test/process"
)

// TestMemoryDoesNotGrow exports a number of rows, then four times as many: the peak
// resident set differs by less than 20 %. MEMORY_ROWS=1000000 gives the figure in
// docs/evidence.md; fewer rows come in smaller answers, so that there are as many.
func TestMemoryDoesNotGrow(t *testing.T) {
	rows := rounds(t, "MEMORY_ROWS", 150_000) // more than a run of keys has
	small := peak(t, rows, rows/25)
	large := peak(t, 4*rows, rows/25)
	ratio := float64(large) / float64(small)
	t.Logf("peak of %d rows: %d MiB, of %d rows: %d MiB, ratio %.2f", rows, small>>20, 4*rows, large>>20, ratio)
	if ratio > 1.2 {
		t.Errorf("four times the rows need %.2f times the memory", ratio)
	}
}

// peak is the largest resident set of a run that exports rows, some answers of at most
// limit rows each, into both sinks.
func peak(t *testing.T, rows, limit int) int64 {
	t.Helper()
	limit = min(limit, 100_000)
	bounds := []string{"PIPELINE_MEMORY=256MiB", "PARQUET_ROW_GROUP_ROWS=122880"} // the defaults
	if limit < 40_000 {                                                           // as much less as the answers are smaller
		bounds = []string{"PIPELINE_MEMORY=24MiB", "PARQUET_ROW_GROUP_ROWS=10000"}
	}
	s := combinations[2].on(t, false)
	from := newSite(t, tenant.Options{MaxRows: limit})
	from.seed(t, rows, table)
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: from.env(t, append(append(s.env, bounds...),
		"EXPORT_TABLES="+table, fmt.Sprint("SOURCE_MAX_ROWS=", limit), "EXPORT_COMMIT_ROWS=1000000")...)})
	var highest int64
	for running := true; running; {
		select {
		case <-p.Done():
			running = false
		case <-time.After(50 * time.Millisecond):
			highest = max(highest, highWater(p.Pid()))
		}
	}
	exit := p.Wait(t, time.Minute)
	if exit.Code != 0 || !strings.Contains(p.Stdout.String(), fmt.Sprintf(`"rows":%d`, rows)) {
		t.Fatalf("ended with %v: %s", exit, p.Stdout.Tail())
	}
	buffers := summaryOf(t, p).Buffers
	t.Logf("%d rows: peak %d MiB, %d of them buffers, CPU %v", rows, highest>>20, buffers>>20, exit.CPU)
	return highest
}

// highWater is the largest resident set that a process has had, in bytes. What the
// kernel reports at its end would count the test's own memory at the time of the fork.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // it has ended
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	_, _ = fmt.Sscan(rest, &kib)
	return kib << 10
}
