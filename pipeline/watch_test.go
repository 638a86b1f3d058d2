package pipeline_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/hunting"
)

// watcher adds up what it hears.
type watcher struct {
	mu            sync.Mutex
	counted, read int64
	ended         int
}

func (w *watcher) Counted(_ string, rows int64) { w.note(rows, 0, 0) }
func (w *watcher) Read(_ string, rows int64)    { w.note(0, rows, 0) }
func (w *watcher) Ended(string)                 { w.note(0, 0, 1) }

func (w *watcher) note(counted, read int64, ended int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted, w.read, w.ended = w.counted+counted, w.read+read, w.ended+ended
}

// TestWatch: whoever watches hears of as many rows read as were counted before, those of a
// quarter hour that is read again for late ones included, and of each dataset's end.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cap = 10_000
		f := newFleet(hunting.ClockIngestion, 10, cap)
		f.tables = f.tables[:2]
		quarter := f.start.Add(15 * time.Minute)
		run := func(name string, rows int64) {
			t.Helper()
			w := &watcher{}
			f.watch = w
			f.run(t, name, cap)
			if w.counted != rows || w.read != rows || w.ended != len(f.tables) {
				t.Errorf("%s: %d rows counted and %d read of %d, %d datasets ended", name, w.counted, w.read, rows, w.ended)
			}
		}
		for _, ds := range f.tables {
			f.add(t, ds.Name, 50, f.start, quarter, 0, 0)
		}
		time.Sleep(time.Hour)
		run("new", 100)
		f.add(t, f.tables[0].Name, 5, f.start, quarter, 0, 0)
		run("late", 55)
		run("nothing", 0)
		f.exact(t, quarter)
	})
}
