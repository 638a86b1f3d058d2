package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline"
)

// progress tells how far a backfill is: on a terminal all the time, in the log once a
// minute.
type progress struct {
	cfg   Config
	log   *slog.Logger
	term  *console     // nil: the log
	calls func() int64 // made so far
	total int64        // rows to export, as counted; 0: not known
	rows  atomic.Int64
	began time.Time
}

// committed counts a commit's rows.
func (p *progress) committed(c pipeline.Commit) { p.rows.Add(c.Rows + c.Rejected) }

// watch tells, until the function returned is called.
func (p *progress) watch() (end func()) {
	every, tell := time.Minute, p.logLine
	if p.term != nil && p.term.live {
		every, tell = time.Second, func() { p.term.describe(p.text()) }
		p.term.measure(p.total)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer crash.Exit()
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				tell()
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

func (p *progress) logLine() {
	args := []any{"calls", p.calls(), "rows", p.rows.Load()}
	if p.total > 0 {
		args = append(args, "of", p.total, "percent", p.percent(), "minutes_left", math.Ceil(p.left().Minutes()))
	}
	p.log.Info("backfill goes on", args...)
}

func (p *progress) text() string {
	if p.total == 0 {
		return fmt.Sprintf("%d calls, rows committed", p.calls())
	}
	return fmt.Sprintf("%d calls, %d %%, about %s left", p.calls(), p.percent(), inMinutes(p.left().Minutes()))
}

func (p *progress) percent() int64 {
	if p.total == 0 {
		return 0
	}
	return min(100, 100*p.rows.Load()/p.total) // rows came in after they were counted
}

// left is how long the rest takes: as long as the quota makes its calls last, and no
// less than what was done took.
func (p *progress) left() time.Duration {
	rows, calls := float64(p.rows.Load()), float64(p.calls())
	rest := max(0, float64(p.total)-rows)
	if rows == 0 {
		return minutes(p.cfg.minutes(math.Ceil(rest / float64(p.cfg.Source.MaxRows))))
	}
	return max(minutes(p.cfg.minutes(calls*rest/rows)), time.Duration(float64(time.Since(p.began))*rest/rows))
}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

// rows asks how many rows a backfill has to export, in one call for all tables. 0: that
// cannot be told.
func (pl *planning) rows(ctx context.Context, datasets []pipeline.Dataset, log *slog.Logger) int64 {
	var sum atomic.Int64
	var unknown atomic.Bool
	var wg sync.WaitGroup
	for _, ds := range datasets {
		wg.Go(func() {
			defer crash.Exit()
			rows, err := pl.datasetRows(ctx, ds)
			if err != nil {
				log.Info("it is not known how much there is to backfill", "dataset", ds.Name, "error", err)
				unknown.Store(true)
			}
			sum.Add(rows)
		})
	}
	wg.Wait()
	if unknown.Load() {
		return 0
	}
	return sum.Load()
}

func (pl *planning) datasetRows(ctx context.Context, ds pipeline.Dataset) (rows int64, err error) {
	doc, err := pl.load(ctx, ds)
	if err != nil {
		return 0, err
	}
	if ds, err = pipeline.ClockOf(doc, ds); err != nil {
		return 0, err
	}
	for _, w := range pipeline.Missing(doc.Progress, pl.backfill.Window) {
		counts, err := pl.reader.Count(ctx, pipeline.Counting{Dataset: ds, Window: w})
		if err != nil {
			return 0, err
		}
		rows += total(counts)
	}
	return rows, nil
}
