package source_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/call"
	"hunting-exporter/tenant"
)

// TestForbiddenTableIsCountedApart: tables that are counted in one call with one that the
// tenant forbids get their counts all the same.
func TestForbiddenTableIsCountedApart(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().Truncate(time.Hour).Add(-24 * time.Hour)
	w := hunting.Window{Start: start, End: start.Add(time.Hour)}
	s := newSite(false)
	tables := []string{"First", "Second", "Third", "Fourth", "Fifth"}
	for _, table := range tables {
		rows := []tenant.Row{{Ingested: start.Add(time.Minute), Cells: []any{1}}}
		if err := s.Add(table, []schema.Column{{Name: "N", Type: "Int64"}}, rows...); err != nil {
			t.Fatal(err)
		}
	}
	s.Fault(func(c tenant.Call) tenant.Fault {
		if strings.Contains(c.Query, "Second") {
			return c.Forbidden()
		}
		return tenant.Fault{}
	})
	r := s.reader(t)
	defer r.Close()
	var wg sync.WaitGroup
	for _, table := range tables {
		wg.Go(func() {
			bins, err := r.Count(t.Context(), hunting.Counting{Dataset: hunting.Dataset{Name: table, Clock: hunting.ClockIngestion}, Window: w, Width: time.Hour})
			switch {
			case table == "Second":
				if !errors.Is(err, call.ErrDenied) {
					t.Errorf("the forbidden table: %v, %v", bins, err)
				}
			case err != nil || len(bins) != 1 || bins[0] != (hunting.Count{Start: start, Rows: 1}):
				t.Errorf("%s: %v, %v", table, bins, err)
			}
		})
	}
	wg.Wait()
	if r.Calls() > 8 {
		t.Errorf("%d calls for five counts", r.Calls())
	}
}
