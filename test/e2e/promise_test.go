package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/test/duck"
	"hunting-exporter/test/process"
)

// command runs a command to its end, wants that exit code, and returns what it printed.
func command(t *testing.T, env []string, code int, args ...string) *process.Process {
	t.Helper()
	p := process.Start(t, process.Command{Path: exporter, Args: args, Env: env})
	if exit := p.Wait(t, time.Minute); exit.Code != code {
		t.Fatalf("%s ended with %v, want exit code %d: %s\n%s", strings.Join(args, " "), exit, code, p.Stderr.Tail(), p.Stdout.Tail())
	}
	return p
}

// wantRows checks how many rows a run says that it exported, and how many of them late.
func wantRows(t *testing.T, p *process.Process, rows, late int64) summary {
	t.Helper()
	s := summaryOf(t, p)
	var got int64
	for _, d := range s.Datasets {
		got += d.Late
	}
	if s.Rows != rows || got != late {
		t.Errorf("the report says %d rows, %d of them late, want %d and %d: %s", s.Rows, got, rows, late, p.Stdout.Tail())
	}
	return s
}

// counts reports whether a query asks for counts, not for rows.
func counts(query string) bool { return strings.Contains(query, "summarize") }

// without is rows without one column; names are those of all columns.
func without(names []string, rows [][]string, column string) [][]string {
	at := slices.Index(names, column)
	cut := make([][]string, len(rows))
	for i, row := range rows {
		cut[i] = slices.Delete(slices.Clone(row), at, at+1)
	}
	return cut
}

// checkBut compares every sink with the truth, all columns but the ingestion time.
func (s sinks) checkBut(t *testing.T, from *site, table string) {
	t.Helper()
	names, want := from.truth(table, lakeResolution)
	got := lakeColumns(t, duck.Open(t), s.dir, table, from.Rows(table).Columns, lakeResolution)
	equal(t, "lake "+table, without(names, want, schema.IngestionTime), got)
	_, want = from.truth(table, tick)
	got = from.kafkaRows(t, table, s.events(t, table))
	equal(t, "Kafka "+table, fold(without(names, want, schema.IngestionTime)), fold(without(names, got, schema.IngestionTime)))
}

// days are the partitions of a table in the lake.
func days(t *testing.T, lake, table string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(lake, table))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
