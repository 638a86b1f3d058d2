package main

import (
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

// A quota that allows no further call before the deadline ends a run before the deadline:
// the summary says so all the same.
func TestTheQuotaEndsARunBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.tenant, "AlertInfo", time.Now().Add(-time.Second), 20)
	env = with(env, "EXPORT_TABLES", "AlertInfo", "EXPORT_DEADLINE", "50s", "SOURCE_CALLS_PER_MINUTE", "1")
	for _, args := range [][]string{{"run"}, {"backfill", "--from", "2h"}} {
		code, out, errs := runChild(t, with(env, "LAKE_URL", t.TempDir()), args...)
		if code != codeDone {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
		rep := reportOf(t, out)
		if rep.Code != codeDone || !strings.Contains(rep.Stopped, "EXPORT_DEADLINE") || !strings.Contains(rep.Datasets[0].Note, "no call for") {
			t.Errorf("%v: %+v", args, rep)
		}
	}
}
