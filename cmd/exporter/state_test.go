package main

import (
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

func TestStateCommands(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	fill(t, e.tenant, "AlertInfo", time.Now(), 20)
	expect := func(env map[string]string, want int, says string, args ...string) {
		t.Helper()
		code, out, errs := runChild(t, env, args...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Fatalf("%v: exit code %d, want %d and %q\n%s%s", args, code, want, says, out, errs)
		}
	}
	expect(env, 0, "dataset", "state", "show")
	expect(env, 1, "no state yet", "state", "show", "AlertInfo")
	expect(env, 0, `"rows":20`, "run")
	expect(env, 0, "AlertInfo  1", "state", "show")
	expect(env, 2, "no pending commit", "state", "resolve", "AlertInfo", "--committed")
	moved := with(env, "STATE_URL", env["LAKE_URL"]+"/_meta", "LAKE_URL", t.TempDir())
	expect(moved, 2, "exporter state adopt AlertInfo", "run")
	expect(moved, 2, "--yes", "state", "adopt", "AlertInfo")
	expect(moved, 2, "exporter state adopt AlertInfo", "run")
	expect(moved, 0, "AlertInfo: done", "state", "adopt", "AlertInfo", "--yes")
	expect(moved, 0, `"exit_code":0`, "run")
	expect(env, 2, "exporter state adopt AlertInfo", "run")
}
