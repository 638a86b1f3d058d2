package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/test/duck"
	"hunting-exporter/test/process"
)

// TestDemo runs the README's first command in an empty folder: within 10 s, and
// what it wrote equals the tenant's rows, cell by cell, as DuckDB reads both.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	start := time.Now()
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"demo", "--truth", "truth"}, Env: process.Environ(), Dir: dir})
	exit := p.Wait(t, time.Minute)
	took := time.Since(start)
	if exit.Code != 0 {
		t.Fatalf("ended with %v: %s", exit, p.Stderr.Tail())
	}
	t.Logf("demo took %v, CPU %v", took.Round(10*time.Millisecond), exit.CPU.Round(10*time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("demo took %v", took)
	}
	files, err := filepath.Glob(filepath.Join(dir, "truth", "*.ndjson"))
	if err != nil || len(files) != 8 {
		t.Fatalf("%d tables, want 8: %v", len(files), err)
	}
	for _, file := range files {
		table := strings.TrimSuffix(filepath.Base(file), ".ndjson")
		compareWithDuck(t, dir, table, file)
	}
}

// compareWithDuck lets DuckDB read both the lake and the truth, and compare: every
// column of the lake, under the truth's name, as text; times to the microsecond.
func compareWithDuck(t *testing.T, dir, table, truth string) {
	t.Helper()
	db := duck.Open(t)
	lake := duck.Parquet(false, filepath.Join(dir, "lake", table, "dt=*", "*.parquet"))
	db.Exec(t, "CREATE TABLE truth AS SELECT * FROM read_json('"+truth+"', format='newline_delimited', convert_strings_to_integers=false, "+
		"auto_detect=true, sample_size=-1, dateformat='none', timestampformat='none', map_inference_threshold=-1)")
	columns := db.Query(t, "SELECT * FROM "+lake+" LIMIT 0")
	var left, right []string
	for i, c := range columns.Columns {
		name := `"` + c + `"`
		switch columns.Types[i] {
		case "TIMESTAMP WITH TIME ZONE", "TIMESTAMP":
			left = append(left, "strftime("+name+" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f')")
			right = append(right, "left("+name+", 26)")
		default:
			left, right = append(left, name+"::VARCHAR"), append(right, name+"::"+columns.Types[i]+"::VARCHAR")
		}
	}
	rows := db.Query(t, "SELECT "+strings.Join(left, ", ")+" FROM "+lake)
	want := db.Query(t, "SELECT "+strings.Join(right, ", ")+" FROM truth")
	if len(want.Rows) == 0 {
		t.Errorf("the truth of %s is empty", table)
	}
	equal(t, table, want.Rows, rows.Rows)
	t.Logf("%s: %d rows of %d columns equal", table, len(rows.Rows), len(left))
}

// TestDemoFails: throttled and killed, it ends with the same rows.
func TestDemoFails(t *testing.T) {
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"demo", "--fail", "--kafka"}, Env: process.Environ(), Dir: t.TempDir()})
	if exit := p.Wait(t, 2*time.Minute); exit.Code != 0 {
		t.Fatalf("ended with %v: %s", exit, p.Stderr.Tail())
	}
	if out := p.Stdout.String(); !strings.Contains(out, "killed") || !strings.Contains(out, `"category":"AdvancedHunting-`) {
		t.Errorf("it printed %s", out)
	}
}
