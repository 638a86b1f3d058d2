package tenant_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// Every row of the truth is served once by windows that tile the ingestion clock,
// and by windows that tile the event clock.
func TestWindowsTileTheTruth(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	from := noon.Add(-72 * time.Hour)
	if err := tn.Seed(tenant.Seed{Tables: []string{"DeviceProcessEvents"}, Rows: 5000, From: from, To: noon.Add(-29 * time.Hour), Seed: 4}); err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, clock := range []string{"ingestion_time()", "Timestamp"} {
		seen := map[string]int{}
		for at := from.Add(-time.Hour); at.Before(noon); {
			next := at.Add(time.Duration(rng.Int64N(int64(8 * time.Hour)))).Truncate(100)
			q := fmt.Sprintf("DeviceProcessEvents | where %s >= datetime(%s) and %s < datetime(%s) | project ReportId, Timestamp, DeviceId, _IngestionTime = ingestion_time()",
				clock, at.Format(time.RFC3339Nano), clock, next.Format(time.RFC3339Nano))
			for _, r := range c.rows(q) {
				seen[fmt.Sprint(r["ReportId"], r["Timestamp"], r["DeviceId"])]++
			}
			at = next
		}
		if len(seen) != 5000 {
			t.Errorf("%s: %d different rows, want 5000", clock, len(seen))
		}
		for k, n := range seen {
			if n != 1 {
				t.Fatalf("%s: row %s came %d times", clock, k, n)
			}
		}
	}
}

// Fraction digits are cut, so neighbours may swap: looking a window of event time
// up must not lose them.
func TestDenseEventWindows(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: fixed, CallsPerMinute: -1})
	from := noon.Add(-2 * time.Hour)
	err := tn.Seed(tenant.Seed{
		Tables: []string{"AlertInfo"}, Rows: 5000, From: from, To: from.Add(10 * time.Second),
		Lag: func(int) time.Duration { return time.Minute },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	rows := slices.Collect(tn.Rows("AlertInfo").Rows)
	for ms := 0; ms < 10_000; ms += 170 {
		lo, hi := from.Add(time.Duration(ms)*time.Millisecond), from.Add(time.Duration(ms+130)*time.Millisecond)
		want := 0
		for _, r := range rows {
			if !r.Event.Before(lo) && r.Event.Before(hi) {
				want++
			}
		}
		got := c.rows(fmt.Sprintf("AlertInfo | where Timestamp >= datetime(%s) and Timestamp < datetime(%s) | count",
			lo.Format(time.RFC3339Nano), hi.Format(time.RFC3339Nano)))[0]["Count"]
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("from %v: %v rows, want %d", lo, got, want)
		}
		// Ranges so near that looking them up finds the same rows twice.
		hole, split := 0, lo.Add(50*time.Millisecond)
		for _, r := range rows {
			if !r.Event.Before(split) && r.Event.Before(split.Add(20*time.Millisecond)) {
				hole++
			}
		}
		got = c.rows(fmt.Sprintf("AlertInfo | where (Timestamp >= %s and Timestamp < %s) or (Timestamp >= %s and Timestamp < %s) | count",
			literal(lo), literal(split), literal(split.Add(20*time.Millisecond)), literal(hi)))[0]["Count"]
		if fmt.Sprint(got) != fmt.Sprint(want-hole) {
			t.Errorf("from %v, in two parts: %v rows, want %d", lo, got, want-hole)
		}
		got = c.rows(fmt.Sprintf("AlertInfo | where Timestamp < %s or Timestamp >= %s | count", literal(lo), literal(hi)))[0]["Count"]
		if fmt.Sprint(got) != fmt.Sprint(5000-want) {
			t.Errorf("all but from %v: %v rows, want %d", lo, got, 5000-want)
		}
	}
}

func TestSeedIsDeterministic(t *testing.T) {
	spec := tenant.Seed{Rows: 40, From: noon.Add(-time.Hour), To: noon, Seed: 7}
	a, b := tenant.New(tenant.Options{Now: fixed}), tenant.New(tenant.Options{Now: fixed})
	for _, tn := range []*tenant.Tenant{a, b} {
		if err := tn.Seed(spec); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range schema.Tables() {
		x, y := fmt.Sprint(dump(a, table.Name)), fmt.Sprint(dump(b, table.Name))
		if x != y {
			t.Errorf("%s differs between two tenants of the same seed", table.Name)
		}
	}
}

func dump(tn *tenant.Tenant, table string) []tenant.TruthRow {
	var out []tenant.TruthRow
	for r := range tn.Rows(table).Rows {
		out = append(out, r)
	}
	return out
}
