package source_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/call"
	"hunting-exporter/tenant"
)

// uncountable refuses counts, and hands everything else on.
func uncountable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if bytes.Contains(body, []byte("count()")) {
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(rw, `{"error":{"code":"BadRequest","message":"Query execution has exceeded the allowed limits."}}`)
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(rw, req)
	})
}

// TestLearnedCapHoldsWithoutCounts: once the API was found to cut at fewer rows than
// SOURCE_MAX_ROWS says, an answer of as many is cut, whether it was counted or not.
func TestLearnedCapHoldsWithoutCounts(t *testing.T) {
	t.Parallel()
	first := stretch(24 * time.Hour)
	second := hunting.Window{Start: first.End, End: first.End.Add(24 * time.Hour)}
	f := &fake{maxRows: 1_000, rows: append(even(first, 15_000), even(second, 60_000)...)} // four times as dense
	h := &struct{ http.Handler }{f}
	r := reader(t, h, func(c *call.Config) { c.MaxRows = 10_000 })
	var got collected
	if err := read(t.Context(), r, table, first, got.emit); err != nil {
		t.Fatal(err)
	}
	h.Handler = uncountable(f)
	if err := read(t.Context(), r, table, second, got.emit); err != nil {
		t.Fatal(err)
	}
	if d := same(f.rows, got.rows); d != "" {
		t.Error(d)
	}
}

// TestCutCountsAreNoCounts: an answer to a count that reaches the cap may lack bins; what
// it lacks is not taken for empty.
func TestCutCountsAreNoCounts(t *testing.T) {
	t.Parallel()
	w := stretch(72 * time.Hour)
	f := &fake{maxRows: 20, rows: even(w, 72*25)} // more an hour than an answer holds
	var got collected
	if err := read(t.Context(), reader(t, f, func(c *call.Config) { c.MaxRows = 20 }), table, w, got.emit); err != nil {
		t.Fatal(err)
	}
	if d := same(f.rows, got.rows); d != "" {
		t.Error(d)
	}
}

// TestWindowsBeginWithinBins: counts tell of rows in a bin of which a window has a part; the
// part may hold all of them.
func TestWindowsBeginWithinBins(t *testing.T) {
	t.Parallel()
	counted := hunting.Window{Start: day, End: day.Add(15 * time.Minute)}
	w := hunting.Window{Start: day.Add(3 * time.Minute), End: day.Add(12 * time.Minute)}
	f := &fake{maxRows: 100, rows: even(hunting.Window{Start: w.Start, End: w.Start.Add(time.Minute)}, 30)}
	f.rows = append(f.rows, even(hunting.Window{Start: w.End.Add(-time.Minute), End: w.End}, 120)...) // too many for one answer
	tally := &hunting.Tally{Window: counted, Width: 5 * time.Minute, Bins: []hunting.Count{{Start: day, Rows: 30}, {Start: day.Add(10 * time.Minute), Rows: 120}}}
	var got collected
	r := reader(t, uncountable(f), func(c *call.Config) { c.MaxRows = 100 }) // no better counts than these
	err := r.Read(t.Context(), hunting.Reading{Dataset: table, Parts: []hunting.Part{{Window: w}}, Tally: tally}, got.emit)
	if err != nil {
		t.Fatal(err)
	}
	if d := same(f.rows, got.rows); d != "" {
		t.Error(d)
	}
}

// TestCountsOfEachTable: of tables that are counted in one call each gets its own counts,
// also where one of them cannot be counted, or all are too much for one call.
func TestCountsOfEachTable(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().Truncate(time.Hour).Add(-24 * time.Hour)
	w := hunting.Window{Start: start, End: start.Add(time.Hour)}
	tables := []string{"First", "Second", "Third", "Fourth", "Fifth"}
	for name, tt := range map[string]struct {
		missing string
		fault   func(tenant.Call) tenant.Fault
	}{
		"all":            {},
		"one is missing": {missing: "Second"},
		"too many at once": {fault: func(c tenant.Call) tenant.Fault {
			if strings.Count(c.Query, "count()") > 1 {
				return c.LimitsExceeded()
			}
			return tenant.Fault{}
		}},
		"too many bins at once": {fault: func(c tenant.Call) tenant.Fault {
			if m := ranges.FindStringSubmatch(c.Query); m != nil && strings.Contains(c.Query, "count()") {
				from, _ := time.Parse(time.RFC3339Nano, m[1])
				to, _ := time.Parse(time.RFC3339Nano, m[2])
				if to.Sub(from) > 20*time.Minute {
					return c.ResultTooLarge()
				}
			}
			return tenant.Fault{}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(false)
			for i, table := range tables {
				if table == tt.missing {
					continue
				}
				var rows []tenant.Row
				for minute := range 60 { // i+1 rows a minute
					for range i + 1 {
						rows = append(rows, tenant.Row{Ingested: start.Add(time.Duration(minute) * time.Minute), Cells: []any{minute}})
					}
				}
				if err := s.Add(table, []schema.Column{{Name: "Minute", Type: "Int64"}}, rows...); err != nil {
					t.Fatal(err)
				}
			}
			if tt.fault != nil {
				s.Fault(tt.fault)
			}
			r := s.reader(t)
			defer r.Close()
			var wg sync.WaitGroup
			for i, table := range tables {
				wg.Go(func() {
					bins, err := r.Count(t.Context(), hunting.Counting{Dataset: hunting.Dataset{Name: table, Clock: hunting.ClockIngestion}, Window: w, Width: 5 * time.Minute})
					if table == tt.missing {
						if err == nil {
							t.Errorf("%s is counted: %v", table, bins)
						}
						return
					}
					var want []hunting.Count
					for n := range 12 {
						want = append(want, hunting.Count{Start: start.Add(time.Duration(n) * 5 * time.Minute), Rows: int64(5 * (i + 1))})
					}
					if err != nil || !slices.Equal(bins, want) {
						t.Errorf("%s: %v, %v", table, bins, err)
					}
				})
			}
			wg.Wait()
		})
	}
}
