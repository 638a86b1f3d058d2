package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// records reads the log, whose last record tells how the run ended.
func (end ended) records(t *testing.T) (all []map[string]any, last map[string]any) {
	t.Helper()
	all = logged(t, end.err)
	for _, r := range all {
		checkRecord(t, r)
	}
	if n := len(named(all, messageEnded)); n != 1 || all[len(all)-1]["msg"] != messageEnded {
		t.Fatalf("%d records of the end\n%s", n, end.err)
	}
	return all, all[len(all)-1]
}

// levels are those of the last record, by exit code.
var levels = map[int]string{codeDone: "INFO", codeInterrupted: "WARN", codeTerminated: "WARN"}

// summary reads the summary, one line, which the last record of the log repeats.
func (end ended) summary(t *testing.T) map[string]any {
	t.Helper()
	lines := logged(t, end.out)
	if len(lines) != 1 {
		t.Fatalf("%d summaries\n%s%s", len(lines), end.out, end.err)
	}
	sum := lines[0]
	_, last := end.records(t)
	if want := cmp.Or(levels[end.code], "ERROR"); last["level"] != want {
		t.Errorf("level %v, want %s", last["level"], want)
	}
	failed, gaps := 0.0, 0.0
	for _, d := range sum["datasets"].([]any) {
		d := d.(map[string]any)
		if d["error"] != nil {
			failed++
		}
		if n, ok := d["gaps"].(float64); ok {
			gaps += n
		}
	}
	want := maps.Clone(sum)
	delete(want, "datasets")
	want["dataset_count"] = float64(len(sum["datasets"].([]any)))
	if minutes, ok := want["minutes"].(float64); ok { // of a plan
		delete(want, "minutes")
		want["quota_seconds"], want["dry_run"], want["run"] = minutes*60, true, last["run"]
	} else {
		want["failed_count"], want["gaps"] = failed, gaps
	}
	got := maps.Clone(last)
	for _, key := range []string{"time", "level", "msg", "tenant"} {
		delete(got, key)
	}
	if !equal(want, got) {
		t.Errorf("the summary is %v\nthe record is %v", want, got)
	}
	return sum
}

// equal compares up to a nanosecond.
func equal(a, b map[string]any) bool {
	return maps.EqualFunc(a, b, func(x, y any) bool {
		f, ok := x.(float64)
		g, also := y.(float64)
		return ok && also && f-g < 1e-9 && g-f < 1e-9 || x == y
	})
}

// truthful compares a run's summary with what it did.
func (e *ending) truthful(end ended, sum map[string]any, files map[string]int64, manifests int) {
	e.t.Helper()
	after, commits := e.lake()
	number, bytes := len(after), int64(0)
	for path, size := range after {
		if _, old := files[path]; old {
			number--
		} else {
			bytes += size
		}
	}
	want := map[string]any{
		"exit_code": float64(end.code), "version": versionText(), "calls": float64(end.calls), "files": float64(number), "bytes": float64(bytes),
		"commits": float64(commits - manifests), "seconds": min(sum["seconds"].(float64), end.seconds),
	}
	for _, key := range []string{"rows", "rejected", "commits", "files", "bytes", "events", "events_rejected"} {
		total := 0.0
		for _, d := range sum["datasets"].([]any) {
			if n, ok := d.(map[string]any)[key].(float64); ok { // one that is left out has none
				total += n
			}
		}
		if total != sum[key] {
			e.t.Errorf("%s: %v in all, %v of the datasets", key, sum[key], total)
		}
	}
	for key, value := range want {
		if sum[key] != value {
			e.t.Errorf("%s: %v, but it was %v", key, sum[key], value)
		}
	}
}

// untouched fails if a plan did anything.
func (e *ending) untouched(end ended, sum map[string]any, files map[string]int64, manifests int) {
	e.t.Helper()
	after, commits := e.lake()
	if !maps.Equal(files, after) || commits != manifests {
		e.t.Errorf("a plan wrote: %v, then %v", slices.Collect(maps.Keys(files)), slices.Collect(maps.Keys(after)))
	}
	if sum["exit_code"] != float64(end.code) || sum["version"] != versionText() || sum["counts"] != float64(end.calls) && sum["error"] == nil {
		e.t.Errorf("exit code %d, %d calls: %v", end.code, end.calls, sum)
	}
}

// running are the commands that export or plan, in the order of endReason.codes.
var running = [4]string{"run", "backfill --from 2h", "run --dry-run", "backfill --from 2h --dry-run"}

// Each reason to end × each command has its exit code, the same for what exports and for
// what plans, and a summary with that code and the reason, which the log's last record
// repeats.
func TestEveryEnd(t *testing.T) {
	t.Parallel()
	for _, r := range reasons {
		for i, command := range running {
			if r.codes[i] == notAsked {
				continue
			}
			t.Run(r.what+": "+command, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { r.check(t, i, command) })
			})
		}
	}
}

func (r endReason) check(t *testing.T, i int, command string) {
	t.Helper()
	e := newEnding(t)
	r.set(e)
	files, manifests := e.lake()
	end := e.run(strings.Fields(command)...)
	if end.code != r.codes[i] {
		t.Errorf("exit code %d, want %d\n%s%s", end.code, r.codes[i], end.out, end.err)
	}
	sum := end.summary(t)
	if i < 2 {
		e.truthful(end, sum, files, manifests)
	} else {
		e.untouched(end, sum, files, manifests)
	}
	says := r.says[i/2]
	if r.codes[i] == 0 && r.codes[0] != 0 {
		says = ""
	}
	if !strings.Contains(end.out, says) {
		t.Errorf("the summary does not say %q\n%s", says, end.out)
	}
}
