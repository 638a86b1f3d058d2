package e2e_test

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/test/process"
)

// comeLate puts rows into a table that the exporter has read already; a set differs from
// those before by its number.
func (s *site) comeLate(t *testing.T, set uint64, rows int, lag time.Duration) {
	t.Helper()
	to := time.Now().Add(-4 * time.Hour)
	err := s.Seed(tenant.Seed{
		Tables: []string{table}, Rows: rows, From: to.Add(-3 * time.Hour), To: to, Seed: set,
		Lag: func(int) time.Duration { return lag }, Duplicates: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLateRows: rows whose ingestion time the watermark has passed when they turn up,
// exact copies among them, are exported by the next run, once, and are told as late.
func TestLateRows(t *testing.T) {
	t.Parallel()
	s := combinations[2].on(t, false)
	from := newSite(t, tenant.Options{})
	from.seed(t, 500, table)
	env := from.env(t, append(s.env, "EXPORT_TABLES="+table)...)
	wantRows(t, command(t, env, 0, "run"), 500, 0)
	from.comeLate(t, 7, 70, time.Minute)
	wantRows(t, command(t, env, 0, "run"), 70, 70)
	s.check(t, from, table, equal)
	wantRows(t, command(t, env, 0, "run"), 0, 0)
	from.seed(t, 500, table) // each row once more
	wantRows(t, command(t, env, 0, "run"), 500, 500)
	wantRows(t, command(t, env, 0, "run"), 0, 0)
	s.check(t, from, table, equal)
}

// TestLateEvents: a table without ingestion times is cut by event time, and rows that
// come in hours after their event are exported by the next run, once.
func TestLateEvents(t *testing.T) {
	t.Parallel()
	s := combinations[2].on(t, false)
	from := newSite(t, tenant.Options{})
	from.seed(t, 500, table)
	if err := from.WithoutIngestionTime(table); err != nil {
		t.Fatal(err)
	}
	env := from.env(t, append(s.env, "EXPORT_TABLES="+table)...)
	wantRows(t, command(t, env, 0, "run"), 500, 0)
	from.comeLate(t, 7, 70, 3*time.Hour)
	from.comeLate(t, 8, 30, 30*time.Minute)
	wantRows(t, command(t, env, 0, "run"), 100, 100)
	s.checkBut(t, from, table)
	wantRows(t, command(t, env, 0, "run"), 0, 0)
	s.checkBut(t, from, table)
}

// TestKilledWhileLate kills a run right after each step of a commit of late rows. Nothing
// is lost by it, and nothing repeated.
func TestKilledWhileLate(t *testing.T) {
	for _, step := range []string{"write", "prepare", "intent", "decide", "publish", "finish"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := combinations[2].on(t, false)
			from := newSite(t, tenant.Options{})
			from.seed(t, 300, table)
			env := from.env(t, append(s.env, "EXPORT_TABLES="+table)...)
			wantRows(t, command(t, env, 0, "run"), 300, 0)
			from.comeLate(t, 7, 70, time.Minute)
			// Nothing is new, so the run's one commit is that of the late rows.
			p := process.Start(t, process.Command{Path: crashing, Args: []string{"run"}, Env: append(env, "EXPORTER_CRASH="+step)})
			if exit := p.Wait(t, time.Minute); exit.Signal != syscall.SIGKILL {
				t.Fatalf("ended with %v: %s", exit, p.Stdout.Tail())
			}
			pending := ""
			if doc := stateOf(t, s); doc.Pending != nil {
				var left struct{ Rows int64 }
				if err := json.Unmarshal(doc.Pending, &left); err != nil {
					t.Fatal(err)
				}
				pending = fmt.Sprint(left.Rows)
			}
			if want := map[string]string{"intent": "70", "decide": "70", "publish": "70"}[step]; pending != want {
				t.Errorf("the kill left a commit of %q rows pending, want %q", pending, want)
			}
			s.check(t, from, table, within)
			time.Sleep(time.Second) // its lease
			finish(t, env)
			s.check(t, from, table, equal)
		})
	}
}
