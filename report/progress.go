package report

import (
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline"
)

// Progress tells how far a run is, by the rows that have come and those that the API
// counts: on a terminal all the time, in the log once a minute.
type Progress struct {
	cfg   config.Config
	log   *slog.Logger
	term  *Console     // nil: the log
	calls func() int64 // made so far
	began time.Time

	mu       sync.Mutex
	datasets map[string]*reading
}

// reading is how far a dataset is.
type reading struct {
	counted bool // whether it is known how many rows there are
	ended   bool
	rows    int64 // that have come
	ahead   int64 // of all, as counted
}

var _ pipeline.Watcher = (*Progress)(nil)

// NewProgress tells the progress of datasets on a terminal or in the log; calls counts those made.
func NewProgress(cfg config.Config, log *slog.Logger, term *Console, calls func() int64, datasets []hunting.Dataset) *Progress {
	p := &Progress{cfg: cfg, log: log, term: term, calls: calls, began: time.Now(), datasets: map[string]*reading{}}
	for _, ds := range datasets {
		p.datasets[ds.Name] = &reading{}
	}
	return p
}

// Counted implements pipeline.Watcher.
func (p *Progress) Counted(dataset string, rows int64) {
	p.note(dataset, func(r *reading) { r.counted, r.ahead = true, r.ahead+rows })
}

// Read implements pipeline.Watcher.
func (p *Progress) Read(dataset string, rows int64) {
	p.note(dataset, func(r *reading) { r.rows += rows })
}

// Ended implements pipeline.Watcher.
func (p *Progress) Ended(dataset string) { p.note(dataset, func(r *reading) { r.ended = true }) }

func (p *Progress) note(dataset string, change func(*reading)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p.datasets[dataset])
}

// rows are those that have come, and all that are to come; 0: that is not known.
func (p *Progress) rows() (read, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := true
	for _, r := range p.datasets {
		read += r.rows
		switch {
		case r.ended:
			total += r.rows
		case r.counted:
			total += max(r.rows, r.ahead) // some came in after they were counted
		default:
			known = false
		}
	}
	if !known {
		total = 0
	}
	return read, total
}

// Watch tells, until the function returned is called.
func (p *Progress) Watch() (end func()) {
	every, tell := time.Minute, p.logLine
	if p.term != nil && p.term.Live {
		every, tell = time.Second, p.draw
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

func (p *Progress) logLine() {
	read, total := p.rows()
	args := []any{"calls", p.calls(), "rows", read}
	if total > 0 {
		args = append(args, "of", total, "percent", 100*read/total, "left", p.left(read, total).Round(time.Second))
	}
	p.log.Info("progress", args...)
}

func (p *Progress) draw() {
	read, total := p.rows()
	p.term.draw(p.text(read, total), read, total)
}

func (p *Progress) text(read, total int64) string {
	if total == 0 {
		return fmt.Sprintf("%d rows, %d calls", read, p.calls())
	}
	return fmt.Sprintf("%d of %d rows, %d calls, about %s left", read, total, p.calls(), inMinutes(p.left(read, total).Minutes()))
}

// left is how long the rest takes: as long as the quota makes its calls last, and no
// less than what was done took.
func (p *Progress) left(read, total int64) time.Duration {
	rest, calls := float64(total-read), float64(p.calls())
	if read == 0 {
		return minutes(p.cfg.Minutes(math.Ceil(rest / float64(p.cfg.Source.MaxRows))))
	}
	ratio := rest / float64(read)
	return max(minutes(p.cfg.Minutes(calls*ratio)), time.Duration(float64(time.Since(p.began))*ratio))
}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }
