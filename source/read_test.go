package source_test

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/call"
)

func TestPagesTileAndHoldEveryRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		length := rapid.Int64Range(1, int64(72*time.Hour/hunting.Tick)).Draw(rt, "ticks")
		w := hunting.Window{Start: day, End: schema.FromTicks(schema.ToTicks(day) + length)}
		maxRows := rapid.IntRange(3, 50).Draw(rt, "cap")
		f := &fake{maxRows: maxRows}
		if rapid.Bool().Draw(rt, "bytes") {
			f.maxBytes = 20 * rapid.IntRange(2, 2*maxRows).Draw(rt, "rows by bytes")
		}
		// Bursts: some stretches are dense, down to neighbouring ticks.
		for range rapid.IntRange(0, 6).Draw(rt, "bursts") {
			at := rapid.Int64Range(0, length-1).Draw(rt, "at")
			step := rapid.Int64Range(1, 1+length/100).Draw(rt, "step")
			for range rapid.IntRange(1, 120).Draw(rt, "rows") {
				if at < length {
					f.rows = append(f.rows, schema.ToTicks(day)+at)
				}
				at += step
			}
		}
		slices.Sort(f.rows)
		f.rows = slices.Compact(f.rows) // one a tick: everything can be delivered
		trouble := rapid.IntRange(0, 20).Draw(rt, "trouble")
		f.before = func(n int, _ hunting.Window) int {
			return map[int]int{5: http.StatusServiceUnavailable, 7: http.StatusBadGateway, 9: http.StatusTooManyRequests}[(n+trouble)%21]
		}
		concurrency := rapid.IntRange(1, 5).Draw(rt, "concurrency")
		var got collected
		var err error
		synctest.Test(t, func(t *testing.T) {
			r := reader(t, f, func(c *call.Config) { c.MaxRows, c.Concurrency = maxRows, concurrency })
			err = read(t.Context(), r, table, w, got.emit)
		})
		if err = errors.Join(err, got.tiles(w)); err != nil {
			rt.Fatal(err)
		}
		if d := same(f.rows, got.rows); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestFullPageIsTruncated(t *testing.T) {
	t.Parallel()
	w := stretch(time.Minute)
	f := &fake{maxRows: 10, rows: even(w, 10)} // all of them would have been delivered
	var got collected
	if err := read(t.Context(), reader(t, f, func(c *call.Config) { c.MaxRows = 10 }), table, w, got.emit); err != nil {
		t.Fatal(err)
	}
	want := []hunting.Window{{Start: w.Start, End: w.Start.Add(30 * time.Second)}, {Start: w.Start.Add(30 * time.Second), End: w.End}}
	if d := cmp.Diff(want, got.windows); d != "" {
		t.Error(d)
	}
	if d := same(f.rows, got.rows); d != "" {
		t.Error(d)
	}
}

// TestRowsOfOneTickAreSliced: what time cannot cut is cut by hash, and the tick counts as
// read with the last slice only.
func TestRowsOfOneTickAreSliced(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{hunting.Tick, time.Second, 24 * time.Hour} {
		w := stretch(length)
		tick := schema.ToTicks(w.Start) + int64(length/hunting.Tick)/2
		f := &fake{maxRows: 100, rows: slices.Repeat([]int64{tick}, 730)}
		var got collected
		r := reader(t, f, func(c *call.Config) { c.MaxRows = 100 })
		if err := read(t.Context(), r, table, w, got.emit); err != nil {
			t.Fatal(err)
		}
		if err := got.tiles(w); err != nil {
			t.Error(err)
		}
		if len(got.gaps) > 0 || !slices.Equal(got.rows, f.rows) {
			t.Errorf("%s: %d rows, gaps %v", length, len(got.rows), got.gaps)
		}
		if r.Calls() > 40 {
			t.Errorf("%s: %d calls", length, r.Calls())
		}
	}
}

// TestHiddenCapIsFound: the API cuts at fewer rows than SOURCE_MAX_ROWS says. Only the
// count shows it.
func TestHiddenCapIsFound(t *testing.T) {
	t.Parallel()
	w := stretch(24 * time.Hour)
	f := &fake{maxRows: 1_000, rows: even(w, 15_000)}
	r := reader(t, f, func(c *call.Config) { c.MaxRows = 10_000 })
	var got collected
	if err := read(t.Context(), r, table, w, got.emit); err != nil {
		t.Fatal(err)
	}
	if d := same(f.rows, got.rows); d != "" {
		t.Error(d)
	}
	if r.Calls() > 40 {
		t.Errorf("%d calls, 15 at the least", r.Calls())
	}
}

func TestOutageIsNoOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{maxRows: 10, before: func(int, hunting.Window) int { return http.StatusBadGateway }}
		err := read(t.Context(), reader(t, f, nil), table, stretch(time.Hour), func(hunting.Page) error { return nil })
		if !errors.Is(err, call.ErrTransient) || errors.Is(err, call.ErrOverflow) {
			t.Fatalf("got %v", err)
		}
	})
}

// TestPoisonIsAGap: what the API never delivers is narrowed down to its tick, reported as
// a gap, and holds up nothing that follows.
func TestPoisonIsAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := stretch(time.Minute)
		bad := day.Add(5 * time.Second)
		f := &fake{maxRows: 100, rows: even(w, 30), before: func(_ int, w hunting.Window) int {
			if w.Start.Before(w.End) && !bad.Before(w.Start) && bad.Before(w.End) {
				return http.StatusGatewayTimeout
			}
			return 0
		}}
		var got collected
		if err := read(t.Context(), reader(t, f, nil), table, w, got.emit); err != nil {
			t.Fatal(err)
		}
		if err := got.tiles(w); err != nil {
			t.Error(err)
		}
		if len(got.gaps) != 1 || got.gaps[0].Window != (hunting.Window{Start: bad, End: bad.Add(hunting.Tick)}) || got.gaps[0].Reason == "" {
			t.Errorf("gaps %+v", got.gaps)
		}
		if len(got.rows) != 30 { // the tick of the gap holds none
			t.Errorf("%d rows", len(got.rows))
		}
	})
}

// TestExhaustingStretchIsAGap: where every narrower window runs into SOURCE_TIMEOUT too,
// the rest is given up after some minutes, not hours.
func TestExhaustingStretchIsAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := stretch(time.Hour)
		bad := day.Add(30*time.Minute + 1234567*hunting.Tick)
		f := &fake{maxRows: 1000, rows: even(w, 60), delay: func(_ int, w hunting.Window) time.Duration {
			if w.Start.Before(w.End) && !bad.Before(w.Start) && bad.Before(w.End) {
				return time.Hour
			}
			return 0
		}}
		var got collected
		begun := time.Now()
		if err := read(t.Context(), reader(t, f, nil), table, w, got.emit); err != nil {
			t.Fatal(err)
		}
		if err := got.tiles(w); err != nil {
			t.Error(err)
		}
		if len(got.gaps) != 1 || bad.Before(got.gaps[0].Start) || !bad.Before(got.gaps[0].End) {
			t.Errorf("gaps %+v", got.gaps)
		}
		if d := time.Since(begun); d > 20*time.Minute {
			t.Errorf("took %s", d)
		}
	})
}

func TestOwnTimeoutNarrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := stretch(time.Hour)
		f := &fake{maxRows: 1000, rows: even(w, 60), delay: func(_ int, w hunting.Window) time.Duration {
			if w.End.Sub(w.Start) > 20*time.Minute {
				return time.Hour
			}
			return 0
		}}
		var got collected
		begun := time.Now()
		if err := read(t.Context(), reader(t, f, nil), table, w, got.emit); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(got.tiles(w)); err != nil {
			t.Error(err)
		}
		// Half an hour twice, an hour once, each given up after four minutes.
		if d := time.Since(begun); d < 12*time.Minute || d > 13*time.Minute {
			t.Errorf("took %s", d)
		}
	})
}

func TestAnswersOutOfOrderAreDeliveredInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := stretch(24 * time.Hour)
		var mu sync.Mutex
		under, most := 0, 0
		f := &fake{maxRows: 100, rows: even(w, 2000)}
		f.delay = func(n int, _ hunting.Window) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			under++
			most = max(most, under)
			return time.Duration(1+n*7%4) * 10 * time.Second
		}
		f.before = func(int, hunting.Window) int {
			mu.Lock()
			defer mu.Unlock()
			under--
			return 0
		}
		r := reader(t, f, func(c *call.Config) { c.MaxRows = 100 })
		var got collected
		if err := read(t.Context(), r, table, w, got.emit); err != nil {
			t.Fatal(err)
		}
		if err := got.tiles(w); err != nil {
			t.Error(err)
		}
		if d := same(f.rows, got.rows); d != "" {
			t.Error(d)
		}
		if most != 4 {
			t.Errorf("%d calls at once, want 4", most)
		}
		if r.Calls() > 40 { // 20 at the least
			t.Errorf("%d calls", r.Calls())
		}
	})
}

func TestEmptyStretchTakesFewCalls(t *testing.T) {
	t.Parallel()
	w := stretch(30 * 24 * time.Hour)
	r := reader(t, &fake{maxRows: 100_000}, nil)
	var got collected
	if err := read(t.Context(), r, table, w, got.emit); err != nil {
		t.Fatal(err)
	}
	if err := got.tiles(w); err != nil {
		t.Error(err)
	}
	if r.Calls() > 6 {
		t.Errorf("%d calls for 30 empty days", r.Calls())
	}
}

func TestBackfillStaysNearTheFewestCalls(t *testing.T) {
	t.Parallel()
	w := stretch(10 * 24 * time.Hour)
	f := &fake{maxRows: 200, rows: even(w, 40_000)}
	r := reader(t, f, func(c *call.Config) { c.MaxRows = 200 })
	var got collected
	if err := read(t.Context(), r, table, w, got.emit); err != nil {
		t.Fatal(err)
	}
	if d := same(f.rows, got.rows); d != "" {
		t.Error(d)
	}
	if r.Calls() > 260 { // 200 at the least, 250 with windows filled to 80 %
		t.Errorf("%d calls", r.Calls())
	}
}

func TestByteLimitIsLearned(t *testing.T) {
	t.Parallel()
	w := stretch(10 * 24 * time.Hour)
	f := &fake{maxRows: 500, maxBytes: 20 * 150, rows: even(w, 30_000)}
	r := reader(t, f, func(c *call.Config) { c.MaxRows = 500 })
	var got collected
	if err := read(t.Context(), r, table, w, got.emit); err != nil {
		t.Fatal(err)
	}
	if d := same(f.rows, got.rows); d != "" {
		t.Error(d)
	}
	if r.Calls() > 290 { // 200 at the least
		t.Errorf("%d calls", r.Calls())
	}
}
