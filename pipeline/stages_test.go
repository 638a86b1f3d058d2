package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStop commits what was read completely, and says that it stopped.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		stop, cancel := context.WithCancel(t.Context())
		e := both.exporter(w, &client{w: w}, "stopped")
		e.Limits.Rows = 1000
		e.Source = fakeSource{w: w, page: 7 * time.Second, fail: func(win hunting.Window) error {
			if win.Start.Equal(secondOf(35)) {
				cancel()
				synctest.Wait()
			}
			return nil
		}}
		r := e.Export(t.Context(), stop, []hunting.Dataset{ds})[0]
		if !errors.Is(r.Err, pipeline.ErrStopped) || r.Rows != 35 || !r.Watermark.Equal(secondOf(35)) {
			t.Errorf("rows %d, watermark %v, error %v", r.Rows, r.Watermark, r.Err)
		}
		if next := export(t.Context(), both.exporter(w, &client{w: w}, "next")); next.Err != nil || next.Rows != 35 {
			t.Errorf("next run: rows %d, error %v", next.Rows, next.Err)
		}
		w.check(t, both)
	})
}

// TestSourceFails commits what came before the failure.
func TestSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no such table")
		w := newWorld(1, 70)
		e := onlyLake.exporter(w, &client{w: w}, "run")
		e.Source = fakeSource{w: w, page: 7 * time.Second, fail: func(win hunting.Window) error {
			if win.Start.Equal(secondOf(49)) {
				return broken
			}
			return nil
		}}
		r := export(t.Context(), e)
		if !errors.Is(r.Err, broken) || r.Rows != 49 || !strings.Contains(r.Err.Error(), dataset) {
			t.Errorf("rows %d, error %v", r.Rows, r.Err)
		}
		onlyLake.quiet(t, w)
	})
}

// TestKilledWhileWriting: cancelling drops what is in flight without a trace.
func TestKilledWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		ctx, kill := context.WithCancel(t.Context())
		e := both.exporter(w, &client{w: w}, "run")
		e.Limits.Rows = 1000
		e.Source = fakeSource{w: w, page: 7 * time.Second, fail: func(win hunting.Window) error {
			if win.Start.Equal(secondOf(35)) {
				kill()
			}
			return nil
		}}
		if r := export(ctx, e); r.Err == nil || r.Rows != 0 || len(w.lake)+len(w.kafka)+len(w.uploads) != 0 {
			t.Errorf("rows %d, %d files, %d events, error %v", r.Rows, len(w.lake), len(w.kafka), r.Err)
		}
		time.Sleep(2 * lease)
		both.quiet(t, w)
	})
}

// TestSchemaChange: a commit ends where the schema changes, so that a file has one.
func TestSchemaChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		e := onlyLake.exporter(w, &client{w: w}, "run")
		e.Limits.Rows = 1000
		e.Transformer = transformer{name: func(row int) string { return fmt.Sprint("Row", row/35) }}
		if r := export(t.Context(), e); r.Err != nil || r.Commits != 2 || r.Rows != 70 {
			t.Errorf("%d commits, %d rows, error %v", r.Commits, r.Rows, r.Err)
		}
		w.check(t, onlyLake)
	})
}

// TestCommitInterval: time makes a commit too, even when the source is slow.
func TestCommitInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		e := both.exporter(w, &client{w: w}, "run")
		e.Limits = pipeline.Limits{Rows: 1000, Interval: 3 * time.Minute, Buffer: 1}
		e.Source = fakeSource{w: w, page: 7 * time.Second, fail: func(hunting.Window) error { time.Sleep(2 * time.Minute); return nil }}
		if r := export(t.Context(), e); r.Err != nil || r.Commits < 5 {
			t.Errorf("%d commits, error %v", r.Commits, r.Err)
		}
		w.check(t, both)
	})
}

// TestBackPressure: a slow sink holds the source; pages in flight stay bounded.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 700)
		var read atomic.Int64
		e := onlyLake.exporter(w, &client{w: w}, "run")
		e.Limits = pipeline.Limits{Rows: 10000, Interval: time.Hour, Buffer: 2}
		e.Source = fakeSource{w: w, page: 7 * time.Second, fail: func(hunting.Window) error { read.Add(1); return nil }}
		slow := &slowLake{Publisher: e.Publishers[0], read: &read}
		e.Publishers = []commit.Publisher{slow}
		if r := export(t.Context(), e); r.Err != nil {
			t.Fatal(r.Err)
		}
		// channels of pages, batches and the sink, one held by each of three stages and the source
		if limit := int64(3*2 + 4); slow.ahead > limit || slow.ahead < 3 {
			t.Errorf("the source was %d pages ahead of the sink, want at most %d", slow.ahead, limit)
		}
		w.check(t, onlyLake)
	})
}

type slowLake struct {
	commit.Publisher
	read    *atomic.Int64
	written int64
	ahead   int64
}

type slowWriter struct {
	commit.Writer
	lake *slowLake
}

func (l *slowLake) Begin(a commit.Attempt) (commit.Writer, error) {
	w, err := l.Publisher.Begin(a)
	return slowWriter{w, l}, err
}

func (w slowWriter) Write(ctx context.Context, b hunting.Batch) error {
	time.Sleep(time.Second)
	w.lake.ahead = max(w.lake.ahead, w.lake.read.Load()-w.lake.written)
	w.lake.written++
	return w.Writer.Write(ctx, b)
}

// TestDatasetsSideBySide: one that fails starves no other.
func TestDatasetsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		e := onlyLake.exporter(w, &client{w: w}, "run")
		good := fakeSource{w: w, page: 7 * time.Second}
		e.Source = perDataset{"DeviceEvents": good, "AlertInfo": fakeSource{w: w, page: time.Second, fail: func(hunting.Window) error {
			return errors.New("refused")
		}}}
		results := e.Export(t.Context(), t.Context(), []hunting.Dataset{{Name: "AlertInfo"}, ds})
		if results[0].Err == nil || results[1].Err != nil || results[1].Rows != 70 {
			t.Errorf("got %+v", results)
		}
		w.check(t, onlyLake)
	})
}

type perDataset map[string]fakeSource

func (p perDataset) Read(ctx context.Context, q hunting.Reading, emit func(hunting.Page) error) error {
	return p[q.Dataset.Name].Read(ctx, q, emit)
}

func (p perDataset) Count(ctx context.Context, q hunting.Counting) ([]hunting.Count, error) {
	return p[q.Dataset.Name].Count(ctx, q)
}

func (p perDataset) Pace(string) hunting.Estimate { return hunting.Estimate{} }

// TestIdleRun: a stretch without rows moves the watermark and writes no file.
func TestIdleRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		both.quiet(t, w)
		files := len(w.lake)
		e := both.exporter(w, &client{w: w}, "idle")
		e.Horizon = func() time.Time { return secondOf(500) }
		if r := export(t.Context(), e); r.Err != nil || r.Commits != 0 || !r.Watermark.Equal(secondOf(500)) || len(w.lake) != files {
			t.Errorf("got %+v, %d files", r, len(w.lake))
		}
		w.check(t, both)
	})
}

// TestEveryRowRejected: a commit without a row to send still commits, decided like any other.
func TestEveryRowRejected(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 70)
				e := m.exporter(w, &client{w: w}, "run")
				e.Transformer = transformer{rejectEvery: 1}
				if r := export(t.Context(), e); r.Err != nil || r.Rejected != 70 || r.Rows != 0 || !r.Watermark.Equal(secondOf(70)) {
					t.Errorf("got %+v", r)
				}
			})
		})
	}
}

// TestNoTransactionStaysOpen: a commit that fails after its events were sent does not
// leave read_committed consumers waiting.
func TestNoTransactionStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		c := &client{w: w}
		c.beforePut = func(key string, _ []byte, _ func()) error {
			if strings.Contains(key, "intents/") {
				return errLost
			}
			return nil
		}
		if r := export(t.Context(), both.exporter(w, c, "run")); r.Err == nil {
			t.Fatal("the intent was never written, yet the run succeeded")
		}
		for id, co := range w.broker {
			if len(co.rows) > 0 {
				t.Errorf("%s has a transaction of %d rows open", id, len(co.rows))
			}
		}
		both.quiet(t, w)
	})
}
