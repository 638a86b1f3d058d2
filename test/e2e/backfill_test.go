package e2e_test

import (
	"testing"
	"time"

	"hunting-exporter/tenant"
)

// TestBackfill: the days before the first run, fetched after it: nothing twice, nothing
// missing, and asked for again, nothing.
func TestBackfill(t *testing.T) {
	for _, order := range []string{"oldest", "newest"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			const rows = 2000
			s := combinations[2].on(t, false)
			from := newSite(t, tenant.Options{MaxRows: 300})
			to := time.Now().Add(-time.Hour)
			err := from.Seed(tenant.Seed{
				Tables: []string{table}, Rows: rows, From: to.Add(-9 * 24 * time.Hour), To: to, Seed: 3,
				Lag: func(row int) time.Duration { return time.Duration(row%3000) * time.Second },
			})
			if err != nil {
				t.Fatal(err)
			}
			env := from.env(t, append(s.env, "EXPORT_TABLES="+table, "SOURCE_MAX_ROWS=300", "EXPORT_COMMIT_ROWS=500")...)
			recent := summaryOf(t, command(t, env, 0, "run")).Rows
			if recent == 0 || recent > rows/2 {
				t.Fatalf("the first run exported %d of %d rows", recent, rows)
			}
			again := []string{"backfill", "--from", "240h", "--order", order}
			wantRows(t, command(t, env, 0, again...), rows-recent, 0)
			s.check(t, from, table, equal)
			wantRows(t, command(t, env, 0, again...), 0, 0)
			wantRows(t, command(t, env, 0, "run"), 0, 0)
			s.check(t, from, table, equal)
		})
	}
}
