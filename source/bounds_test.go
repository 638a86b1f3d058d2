package source_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/source/call"
)

func TestBlockedDatasetStopsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := stretch(24 * time.Hour)
		f := &fake{maxRows: 100, rows: even(w, 2000)}
		r := reader(t, f, func(c *call.Config) { c.MaxRows = 100 })
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			err := read(ctx, r, table, w, func(hunting.Page) error { <-ctx.Done(); return ctx.Err() })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		other := table
		other.Name = "DeviceEvents"
		var got collected
		if err := read(ctx, r, other, w, got.emit); err != nil {
			t.Error(err)
		}
		if err := got.tiles(w); err != nil {
			t.Error(err)
		}
		cancel()
		wg.Wait()
	})
}

// TestBodiesHeldAreBounded: a page in emit and those fetched ahead are SOURCE_CONCURRENCY.
func TestBodiesHeldAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := stretch(24 * time.Hour)
		f := &fake{maxRows: 100, rows: even(w, 5000)}
		r := reader(t, f, func(c *call.Config) { c.MaxRows = 100 })
		if err := read(t.Context(), r, table, stretch(time.Hour), func(p hunting.Page) error { p.Release(); return nil }); err != nil {
			t.Fatal(err) // the rate is known from here on
		}
		for n := range 10 { // Reads that end early keep no place
			enough := errors.New("enough")
			if err := read(t.Context(), r, table, w, func(p hunting.Page) error {
				p.Release()
				if n--; n < 0 {
					return enough
				}
				return nil
			}); !errors.Is(err, enough) {
				t.Fatal(err)
			}
		}
		synctest.Wait() // the fake still answers calls that were given up
		before := f.bodies()
		emitted := 0
		err := read(t.Context(), r, table, w, func(p hunting.Page) error {
			emitted++
			synctest.Wait()
			if held := f.bodies() - before - (emitted - 1); held > 4 || emitted == 5 && held != 4 {
				t.Errorf("page %d: %d bodies are held", emitted, held)
			}
			p.Release()
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestCancelAndEmitErrorsEndARead(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	rapid.Check(t, func(rt *rapid.T) {
		pages := rapid.IntRange(0, 12).Draw(rt, "pages")
		cancels := rapid.Bool().Draw(rt, "cancels")
		synctest.Test(t, func(t *testing.T) { // fails on a goroutine that stays
			w := stretch(24 * time.Hour)
			f := &fake{maxRows: 20, rows: even(w, 600), delay: func(n int, _ hunting.Window) time.Duration {
				return time.Duration(n%5) * time.Second
			}}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var got collected
			err := read(ctx, reader(t, f, func(c *call.Config) { c.MaxRows = 20 }), table, w, func(p hunting.Page) error {
				if err := got.emit(p); err != nil {
					return err
				}
				if len(got.windows) <= pages {
					return nil
				}
				if cancels {
					cancel()
					return nil
				}
				return enough
			})
			want := enough
			if cancels {
				want = context.Canceled
			}
			if !errors.Is(err, want) {
				rt.Errorf("got %v, want %v", err, want)
			}
			if err := got.tiles(hunting.Window{Start: w.Start, End: got.windows[len(got.windows)-1].End}); err != nil {
				rt.Error(err)
			}
		})
	})
}

func TestReadRefusesWhatMustNotBecomeKQL(t *testing.T) {
	t.Parallel()
	r := reader(t, &fake{}, nil)
	for name, ds := range map[string]hunting.Dataset{
		"name":      {Name: "A | union B", Clock: hunting.ClockIngestion},
		"column":    {Name: "A", Clock: hunting.ClockEvent, TimeColumn: "T)//"},
		"no column": {Name: "A", Clock: hunting.ClockEvent},
		"clock":     {Name: "A"},
	} {
		if err := read(t.Context(), r, ds, stretch(time.Hour), nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	off := hunting.Window{Start: day.Add(1), End: day.Add(time.Hour)}
	if err := read(t.Context(), r, table, off, nil); err == nil {
		t.Error("a window off the ticks was taken")
	}
	if r.Calls() != 0 {
		t.Errorf("%d calls", r.Calls())
	}
}
