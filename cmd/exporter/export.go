package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"hunting-exporter/pipeline"
)

// surroundings are what an export uses beside its configuration.
type surroundings struct {
	log       *slog.Logger
	http      *http.Client          // nil: the source's own
	committed func(pipeline.Commit) // nil: nobody listens
}

// export runs every dataset once. It never fails without a report.
func export(ctx, stop context.Context, cfg Config, s surroundings) report {
	started := time.Now()
	rep := report{Version: versionText(), Run: runID(), started: started}
	datasets, _ := cfg.datasets() // judged already
	conn, err := connect(stop, cfg, s)
	if err != nil {
		if e := interruption(stop); e != nil {
			err = e
		}
		s.log.Error("cannot begin", "error", err)
		rep.fail(err)
		return rep
	}
	defer conn.close()
	start, err := startTime(cfg.Export.Start, started)
	if err != nil {
		rep.fail(err)
		return rep
	}
	e := conn.exporter(cfg, s, rep.Run)
	e.Start = func() time.Time { return start }
	e.Horizon = func() time.Time { return time.Now().Add(-cfg.Export.Lag) }
	s.log.Info("run begins", "run", rep.Run, "version", rep.Version, "datasets", len(datasets),
		"lake", e.Destinations.Lake, "cluster", e.Destinations.Cluster)
	until, cancel := untilDeadline(stop, cfg.Export.Deadline)
	defer cancel()
	results := e.Export(ctx, until, datasets)
	for _, r := range results {
		if failure(r.Err) != nil {
			s.log.Error("dataset failed", "dataset", r.Dataset, "error", r.Err)
		} else if r.Err != nil {
			s.log.Info("dataset ended early", "dataset", r.Dataset, "reason", r.Err)
		}
	}
	rep.finish(until, results, conn.reader.Stats())
	return rep
}

// runID names a run in state documents: where, which process, which of its lives.
func runID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6]))
}
