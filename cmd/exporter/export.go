package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/spill"
	"hunting-exporter/internal/stopping"
	"hunting-exporter/pipeline"
	"hunting-exporter/report"
	"hunting-exporter/source"
)

// surroundings are what an export uses beside its configuration.
type surroundings struct {
	run      string // its id; empty: a new one
	log      *slog.Logger
	http     *http.Client       // nil: the source's own
	term     *report.Console    // nil: nobody watches
	backfill *pipeline.Backfill // nil: what is new
}

// export runs every dataset once. It never fails without a report.
func export(ctx, stop context.Context, cfg config.Config, s surroundings) report.Run {
	started := time.Now()
	rep := report.Run{Version: versionText(), Run: cmp.Or(s.run, runID()), Started: started}
	datasets, leftOut := s.chosen(cfg)
	conn, clean, err := begin(stop, &cfg, s)
	if err != nil {
		if e := interruption(stop); e != nil {
			err = e
		}
		s.log.Error("cannot begin", "error", err)
		rep.Fail(err, codeOf(err))
		return rep
	}
	defer clean()
	start, err := config.StartTime(cfg.Export.Start, started.Add(-conn.reader.Ahead()))
	if err != nil {
		rep.Fail(err, codeOf(err))
		return rep
	}
	e := conn.exporter(cfg, s, rep.Run)
	e.Start = func() time.Time { return start }
	e.Horizon = func() time.Time { return horizon(conn.reader, cfg.Export.Lag) }
	s.log.Info("run begins", "version", rep.Version, "dataset_count", len(datasets),
		"lake", e.Destinations.Lake, "cluster", e.Destinations.Cluster)
	until, cancel := untilDeadline(stop, started, cfg.Export.Deadline)
	defer cancel()
	if s.backfill != nil {
		if s.backfill, err = endBy(s.backfill, e.Horizon()); err != nil {
			rep.Fail(err, codeOf(err))
			return rep
		}
		e.Backfill = s.backfill
		s.log.Info("backfill begins", "window", s.backfill.Window.String())
	}
	p := report.NewProgress(cfg, s.log, s.term, func() int64 { return conn.reader.Stats().Calls }, datasets)
	e.Watch = p
	defer p.Watch()()
	results := dropped(ctx, e.Export(stopping.With(ctx, stop), until, datasets))
	for _, r := range results {
		if failure(r.Err) != nil {
			s.log.Error("dataset failed", "dataset", r.Dataset, "error", r.Err)
		} else if r.Err != nil {
			s.log.Info("dataset ended early", "dataset", r.Dataset, "reason", r.Err)
		}
	}
	finish(until, &rep, results, conn.reader.Stats())
	rep.Buffers = conn.pool.Peak()
	rep.Datasets = append(rep.Datasets, leftOut...)
	return rep
}

// finish sums up. Datasets that stopped say why with the run; another run's claim is no
// failure.
func finish(stop context.Context, rep *report.Run, results []pipeline.Result, stats source.Stats) {
	rep.Datasets = make([]report.Dataset, 0, len(results))
	for _, r := range results {
		rep.Add(r, failure(r.Err) != nil)
		if errors.Is(r.Err, pipeline.ErrStopped) {
			rep.Stopped = whyStopped(stop)
		}
	}
	if e := interruption(stop); e != nil {
		rep.Stopped = e.Error()
	}
	rep.Calls, rep.Refusals = stats.Calls, stats.Refusals
	rep.End(codeOfResults(stop, results))
}

// whyStopped says what ended the reading. It may end before stop does: where the quota
// allows no call before the deadline, nobody waits for it.
func whyStopped(stop context.Context) string {
	if cause := context.Cause(stop); cause != nil {
		return cause.Error()
	}
	return "the quota allows no further call before EXPORT_DEADLINE"
}

// dropped says of datasets that a second signal cut off why they ended.
func dropped(ctx context.Context, results []pipeline.Result) []pipeline.Result {
	for i, r := range results {
		if interruption(ctx) != nil && errors.Is(r.Err, context.Canceled) {
			results[i].Err = fmt.Errorf("dataset %s: %w, and what was under way is dropped", r.Dataset, pipeline.ErrStopped)
		}
	}
	return results
}

// begin makes room on local disk, then reaches everything that a run needs.
func begin(ctx context.Context, cfg *config.Config, s surroundings) (conn *connection, clean func(), err error) {
	local, err := spill.Open(cfg.Export.Spill, s.log)
	if err != nil {
		return nil, nil, err
	}
	remove := func() {
		if err := local.Close(); err != nil {
			s.log.Warn("local files stay there", "error", err)
		}
	}
	cfg.Parquet.Spill, cfg.Kafka.Spill = local.Path(), local.Path()
	if conn, err = connect(ctx, *cfg, s); err != nil {
		remove()
		return nil, nil, err
	}
	return conn, func() { conn.close(); remove() }, nil
}

// horizon is where windows end: behind now by the earlier clock, this machine's or the API's.
func horizon(r *source.Reader, lag time.Duration) time.Time {
	return time.Now().Add(-r.Ahead() - lag).UTC().Truncate(hunting.Tick)
}

// endBy is a backfill that ends by the horizon.
func endBy(b *pipeline.Backfill, horizon time.Time) (*pipeline.Backfill, error) {
	if !b.Window.End.After(horizon) {
		return b, nil
	}
	if !b.Window.Start.Before(horizon) {
		return nil, &usageError{fmt.Errorf("--from %s: nothing lies between it and %s, where the backfill ends by the API's clock",
			b.Window.Start.Format(report.SecondFormat), horizon.Format(report.SecondFormat))}
	}
	sooner := *b
	sooner.Window.End = horizon
	return &sooner, nil
}

// runID names a run in state documents: where, which process, which of its lives.
func runID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6]))
}
