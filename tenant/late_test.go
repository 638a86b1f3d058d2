package tenant_test

import (
	"fmt"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

// A row whose ingestion_time() is old may turn up later, in rows and in counts.
func TestRowsTurnUpLate(t *testing.T) {
	clk := &clockOf{at: noon}
	tn := tenant.New(tenant.Options{Now: clk.now, CallsPerMinute: -1})
	in := noon.Add(-time.Hour)
	err := tn.Add("Late", tableOf("Name"),
		tenant.Row{Ingested: in, Cells: []any{"at once"}},
		tenant.Row{Ingested: in, Visible: noon.Add(100), Cells: []any{"late"}},
		tenant.Row{Ingested: noon.Add(time.Minute), Visible: in, Cells: []any{"never before it came in"}})
	if err != nil {
		t.Fatal(err)
	}
	err = tn.Seed(tenant.Seed{
		Tables: []string{"AlertInfo"}, Rows: 300, From: in, To: noon, Seed: 2,
		Lag: func(int) time.Duration { return 0 },
		Visible: func(row int) time.Duration {
			if row%3 == 0 {
				return 2 * time.Hour
			}
			return -time.Hour // like none
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	for _, step := range []struct {
		advance      time.Duration
		late, alerts int
	}{{0, 1, 200}, {100, 2, 200}, {time.Minute, 3, 200}, {3 * time.Hour, 3, 300}} {
		clk.advance(step.advance)
		c.token = map[string]string{}
		visible := map[string]int{}
		for _, table := range []string{"Late", "AlertInfo"} {
			for r := range tn.Rows(table).Rows {
				if r.Visible.Before(r.Ingested) {
					t.Fatalf("%s: a row visible at %v, before it came in at %v", table, r.Visible, r.Ingested)
				}
				if !r.Visible.After(clk.now()) {
					visible[table]++
				}
			}
		}
		for table, want := range map[string]int{"Late": step.late, "AlertInfo": step.alerts} {
			window := fmt.Sprintf("%s | where ingestion_time() >= %s", table, literal(in))
			rows := len(c.rows(window))
			count := c.rows(window + " | count")[0]["Count"]
			summed := 0
			for _, n := range counts(t, c.rows(window+" | summarize Rows = count() by Bin = bin(ingestion_time(), 15m)")) {
				summed += n
			}
			if rows != want || fmt.Sprint(count) != fmt.Sprint(want) || summed != want || visible[table] != want {
				t.Errorf("%v, %s: %d rows, count %v, bins %d, truth %d; want %d", clk.now(), table, rows, count, summed, visible[table], want)
			}
		}
	}
	if r := c.rows(`Late | where Name == "late" | extend T = ingestion_time()`)[0]["T"]; r != "2026-08-20T11:00:00Z" {
		t.Errorf("a late row's ingestion time is %v, want the old one", r)
	}
}
