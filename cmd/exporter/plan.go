package main

import (
	"cmp"
	"context"
	"sync"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/pool"
	"hunting-exporter/pipeline"
	"hunting-exporter/report"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/state"
	"hunting-exporter/transform"
)

// planning looks into the state and asks the API for counts. It writes nothing and
// fetches no rows.
type planning struct {
	cfg       config.Config
	reader    *source.Reader
	documents *state.Store
	exporter  *pipeline.Exporter // as a run would have it, but for Kafka
	start     time.Time          // of a dataset without state
	now       time.Time
	horizon   time.Time
	backfill  *pipeline.Backfill // nil: what is new
}

// makePlan plans every dataset. It never fails without a plan that says why.
func makePlan(ctx context.Context, cfg config.Config, s surroundings) report.Plan {
	p := report.NewPlan(versionText())
	fail := func(err error) report.Plan {
		if e := interruption(ctx); e != nil {
			err = e
		}
		s.log.Error("cannot plan", "error", err)
		p.Fail(err, codeOf(err))
		return p
	}
	now := time.Now()
	reader, err := source.New(cfg.Source, transform.NewDecoder(cfg.Transform, new(pool.Pool)), call.Options{HTTP: s.http, Log: s.log})
	if err != nil {
		return fail(err)
	}
	defer reader.Close()
	stores, err := openStores(ctx, cfg)
	if err != nil {
		return fail(err)
	}
	login, giveUp := whileLoggingIn(ctx, cfg)
	defer giveUp(nil)
	if err := reader.Check(login); err != nil {
		return fail(late(login, "token server", err))
	}
	conn := &connection{reader: reader, stores: stores}
	if conn.tenant, err = reader.Tenant(ctx); err != nil {
		return fail(err)
	}
	start, err := config.StartTime(cfg.Export.Start, now.Add(-reader.Ahead()))
	if err != nil {
		return fail(err)
	}
	end := horizon(reader, cfg.Export.Lag)
	if s.backfill != nil {
		if s.backfill, err = endBy(s.backfill, end); err != nil {
			return fail(err)
		}
	}
	e := conn.exporter(cfg, s, cmp.Or(s.run, runID()))
	e.Horizon, e.Backfill = func() time.Time { return end }, s.backfill
	pl := &planning{
		cfg: cfg, reader: reader, exporter: e, documents: e.Stores.State,
		start: start.UTC().Truncate(hunting.Tick), now: now.UTC().Truncate(hunting.Tick), horizon: end, backfill: s.backfill,
	}
	datasets, leftOut := s.chosen(cfg)
	results := pl.datasets(ctx, datasets, &p)
	for _, d := range leftOut {
		p.Datasets = append(p.Datasets, report.PlannedDataset{Dataset: d.Dataset, Note: d.Note})
	}
	p.Counts = reader.Stats().Calls
	p.Minutes = cfg.Minutes(float64(p.Calls + p.Counts))
	p.Code = codeOfResults(ctx, results)
	if e := interruption(ctx); e != nil {
		p.Fail(e, codeOf(e))
	}
	return p
}

// datasets plans all at once, so that their counts travel together, and sums up.
func (pl *planning) datasets(ctx context.Context, datasets []hunting.Dataset, sum *report.Plan) []pipeline.Result {
	plans, results := make([]report.PlannedDataset, len(datasets)), make([]pipeline.Result, len(datasets))
	var wg sync.WaitGroup
	for i, ds := range datasets {
		wg.Go(func() {
			defer crash.Exit()
			var err error
			if plans[i], err = pl.dataset(ctx, ds); err != nil {
				plans[i].Error = report.InLine(err.Error())
			}
			results[i] = pipeline.Result{Dataset: ds.Name, Err: err}
		})
	}
	wg.Wait()
	for _, d := range plans {
		sum.Calls += d.Calls
		if d.Rows != nil {
			sum.Rows += *d.Rows
		}
	}
	sum.Datasets = append(sum.Datasets, plans...)
	return results
}
