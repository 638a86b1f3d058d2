package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

// TestClockAheadLosesNothing: what a pod whose clock is 20 minutes ahead exports ends by
// the API's clock, whichever command it is, and the next run goes on there.
func TestClockAheadLosesNothing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"run"}, {"backfill", "--from", "2h"}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			var ahead atomic.Int64
			ahead.Store(int64(20 * time.Minute))
			server := func() time.Time { return time.Now().Add(-time.Duration(ahead.Load())) }
			e, env := served(t, tenant.Options{CallsPerMinute: -1, Now: server})
			const rows = 3000 // one a second, so a third of them comes while the clock is wrong
			began := time.Now()
			fill(t, e.Tenant, "AlertInfo", began, rows)
			env = with(env, "EXPORT_TABLES", "AlertInfo", "EXPORT_RECONCILE", "0", "EXPORT_START", "2h", "LOG_FORMAT", "json")

			code, out, errs := runChild(t, env, append(args, "--dry-run")...)
			if code != codeDone || strings.Count(errs, "clock is ahead of the server's") != 1 {
				t.Errorf("%v --dry-run: exit code %d\n%s%s", args, code, out, errs)
			}
			code, out, errs = runChild(t, env, args...)
			first := reportOf(t, out)
			seen := rows - 20*60 + int64(time.Since(began).Seconds()) + 1 // by the server's clock, at most
			if code != codeDone || first.Datasets[0].Rows == 0 || first.Datasets[0].Rows > seen {
				t.Errorf("%v: exit code %d, %d rows, which end after the server's time\n%s", args, code, first.Datasets[0].Rows, errs)
			}
			ahead.Store(0)
			code, out, errs = runChild(t, env, "run")
			second := reportOf(t, out)
			if sum := first.Datasets[0].Rows + second.Datasets[0].Rows; code != codeDone || sum != rows {
				t.Errorf("exit code %d, %d + %d rows of %d\n%s", code, first.Datasets[0].Rows, second.Datasets[0].Rows, rows, errs)
			}
		})
	}
}
