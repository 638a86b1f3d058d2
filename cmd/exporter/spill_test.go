//go:build linux

package main

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hunting-exporter/demo"
	"hunting-exporter/internal/spill"
	"hunting-exporter/tenant"
)

// spilling is a tenant, a lake and the directory where a run's files wait.
type spilling struct {
	*matrix
	dir   string
	calls atomic.Int64
	at    atomic.Pointer[func()] // called at each call, before it is answered; nil: nothing
}

func newSpilling(t *testing.T) *spilling {
	t.Helper()
	s := &spilling{matrix: newMatrix(t), dir: t.TempDir()}
	s.env["PIPELINE_SPILL"], s.env["EXPORT_LAG"] = s.dir, "0s"
	s.tenant.Tenant.Fault(func(tenant.Call) tenant.Fault {
		s.calls.Add(1)
		if at := s.at.Load(); at != nil {
			(*at)()
		}
		return tenant.Fault{}
	})
	return s
}

// left is what lies in the directory.
func (s *spilling) left(t *testing.T) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// run runs a process to its end, and does something at each of its calls.
func (s *spilling) run(cmd *exec.Cmd, do func()) error {
	started := make(chan struct{})
	at := func() {
		<-started
		do()
	}
	s.at.Store(&at)
	defer s.at.Store(nil)
	err := cmd.Start()
	close(started)
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// complete runs once more, to the end, and compares the lake with the tenant.
func (s *spilling) complete(t *testing.T, rows int64) {
	t.Helper()
	code, out, errs := runChild(t, s.env, "run")
	for strings.Contains(out, "holds the claim") { // of the dead run, for a second
		code, out, errs = runChild(t, s.env, "run")
	}
	if rep := reportOf(t, out); code != codeDone || rep.Rows != rows {
		t.Fatalf("the next run: exit code %d\n%s%s", code, out, errs)
	}
	if entries := s.left(t); len(entries) > 0 {
		t.Errorf("left on local disk: %v", entries)
	}
	if s.env["LAKE_URL"] == "" {
		return
	}
	v, err := verify(t, s.env["LAKE_URL"], s.tenant.Tenant, "AlertInfo", s.began.Add(-3*time.Hour), time.Now())
	if err != nil || !v.Complete() || int64(v.Truth) != rows {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestSpillOfDeadRuns: what a killed run leaves on local disk goes with the next one.
func TestSpillOfDeadRuns(t *testing.T) {
	t.Parallel()
	s := newSpilling(t)
	fill(t, s.tenant.Tenant, "AlertInfo", s.began.Add(-30*time.Minute), 2000) // more than wait anywhere
	maps.Copy(s.env, map[string]string{
		"SOURCE_MAX_ROWS": "20", "SOURCE_CONCURRENCY": "1", "PIPELINE_BUFFER": "1", "PARQUET_ROW_GROUP_ROWS": "10", "STATE_LEASE": "1s", "SOURCE_CALLS_PER_MINUTE": "100000",
	})
	cmd, out, errs := child(t, s.env, "run")
	err := s.run(cmd, func() {
		if spill.Taken(s.dir) > 0 {
			_ = cmd.Process.Kill() // or it is dead already
		}
	})
	if err == nil {
		t.Fatalf("it ended before it had anything on local disk\n%s%s", out, errs)
	}
	if spill.Taken(s.dir) == 0 {
		t.Fatal("the killed run has left nothing")
	}
	s.complete(t, 2150)
}

// TestSpillIsProbed: where no files can be kept, no call is made.
func TestSpillIsProbed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir, shell string
		code       int
		says       []string
	}{
		{"/proc/sys", "", codeConfiguration, []string{`PIPELINE_SPILL`, "/proc/sys", "name a writable directory"}},
		{"", "", codeConfiguration, []string{`PIPELINE_SPILL`, "/proc/sys", "name a writable directory"}},
		{"here", "ulimit -f 1", codeRetry, []string{`PIPELINE_SPILL`, "no room in", "make room there"}},
	} {
		t.Run(c.dir+c.shell, func(t *testing.T) {
			t.Parallel()
			s := newSpilling(t)
			if c.dir != "here" {
				s.env["PIPELINE_SPILL"] = c.dir
			} else {
				c.says = append(c.says, s.dir)
			}
			cmd, out, errs := child(t, s.env, "run")
			if c.dir == "" {
				cmd.Env = append(cmd.Env, "TMPDIR=/proc/sys")
			}
			if c.shell != "" {
				cmd.Args = append([]string{"sh", "-c", c.shell + `; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
				cmd.Path = "/bin/sh"
			}
			_ = cmd.Run()
			said := out.String() + errs.String()
			if code := cmd.ProcessState.ExitCode(); code != c.code || s.calls.Load() > 0 {
				t.Errorf("exit code %d after %d calls\n%s", code, s.calls.Load(), said)
			}
			for _, word := range c.says {
				if !strings.Contains(strings.ReplaceAll(said, `\"`, `"`), word) {
					t.Errorf("want %q in\n%s", word, said)
				}
			}
			if entries := s.left(t); len(entries) > 0 {
				t.Errorf("left on local disk: %v", entries)
			}
		})
	}
}

// TestFullDisk: local disk runs out of room while rows come. What is said names it, what
// takes how much and what to do, and the next run exports each row once.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	local := []string{"PIPELINE_SPILL: no room in", "MiB or more for", "EXPORT_COMMIT_ROWS=5000000 rows, which need"}
	for _, c := range []struct {
		name, sink, reconcile string
		says                  []string
	}{
		{"files", "lake", "24h", append(local, "files of AlertInfo")},
		{"events", "kafka", "0", append(local, "events of AlertInfo")},
		{"keys", "kafka", "24h", []string{"no room on the disk of the store", "/seen/AlertInfo/"}}, // which are the largest then
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSpilling(t)
			fill(t, s.tenant.Tenant, "AlertInfo", s.began.Add(-30*time.Minute), 4000)
			s.env["PARQUET_COMPRESSION"], s.env["PARQUET_ROW_GROUP_ROWS"], s.env["SOURCE_MAX_ROWS"] = "none", "100", "500"
			s.env["EXPORT_RECONCILE"] = c.reconcile
			if c.sink == "kafka" {
				s.kafka(t)
				s.env["KAFKA_BROKERS"], s.env["STATE_URL"], s.env["LAKE_URL"] = s.broker, t.TempDir(), ""
			}
			cmd, out, errs := child(t, s.env, "run")
			_ = s.run(cmd, func() {
				limit := unix.Rlimit{Cur: 48 << 10, Max: 48 << 10} // of a file, as a disk that has no more
				if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
					t.Error(err)
				}
			})
			said := reportOf(t, out.String()).Datasets[0].Error
			if code := cmd.ProcessState.ExitCode(); code != codeRetry {
				t.Errorf("exit code %d\n%s%s", code, out, errs)
			}
			for _, word := range append(c.says, "file too large") {
				if !strings.Contains(said, word) {
					t.Errorf("want %q in\n%s", word, said)
				}
			}
			s.complete(t, 4150)
			if c.sink == "kafka" {
				if records, err := demo.ReadCommitted(t.Context(), s.broker, "defender.AlertInfo"); err != nil || len(records) != 4150 {
					t.Errorf("%d events, %v", len(records), err)
				}
			}
		})
	}
}
