package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/pool"
	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/sink/kafka"
	"hunting-exporter/sink/s3"
	"hunting-exporter/source"
	"hunting-exporter/state"
	"hunting-exporter/transform"
)

// patience is how long everything that a run needs may take to answer, so that an
// unreachable one ends the run within a minute.
const patience = 45 * time.Second

// connection is everything that a run needs, reached and found usable.
type connection struct {
	reader  *source.Reader
	stores  stores
	cluster *kafka.Cluster
	tenant  string    // whose rows they are
	pool    pool.Pool // of all buffers for rows
}

// stores are the three places objects are kept in. meta and state may be the same one.
type stores struct {
	lake  blob.Store // nil: no lake
	meta  blob.Store
	state blob.Store
}

// openStores opens the stores without asking them anything.
func openStores(ctx context.Context, cfg Config) (s stores, err error) {
	if cfg.Export.Lake != "" {
		if s.lake, err = openStore(ctx, cfg, "LAKE_URL", cfg.Export.Lake); err != nil {
			return stores{}, err
		}
	}
	if s.state, err = openStore(ctx, cfg, cfg.stateVariable(), cfg.stateURL()); err != nil {
		return stores{}, err
	}
	s.meta = s.state
	if s.lake == nil {
		return s, nil
	}
	meta, err := openStore(ctx, cfg, "LAKE_URL", cfg.metaURL())
	if err != nil {
		return stores{}, err
	}
	if meta.URL() != s.state.URL() {
		s.meta = meta
	}
	return s, nil
}

// openStore opens one store. What fails before anything is asked is configuration.
func openStore(ctx context.Context, cfg Config, variable, url string) (blob.Store, error) {
	store, err := blob.Open(ctx, url, cfg.Blob)
	if err != nil {
		return nil, &setting.Error{Problems: []setting.Problem{{
			Variable: variable, Value: redact(url), Reason: err.Error(), Fix: "set s3://bucket/prefix or a directory that can be read and written",
		}}}
	}
	return store, nil
}

// check is one thing that must answer before a run begins.
type check struct {
	name string
	run  func(context.Context) error
}

// connect reaches source, stores and brokers side by side. Nothing of the state is
// read or written.
func connect(ctx context.Context, cfg Config, s surroundings) (*connection, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience))
	defer cancel()
	c := &connection{}
	var err error
	if c.reader, err = source.New(cfg.Source, transform.NewDecoder(cfg.Transform, &c.pool), source.Options{HTTP: s.http, Log: s.log}); err != nil {
		return nil, err
	}
	if c.stores, err = openStores(ctx, cfg); err != nil {
		return nil, err
	}
	checks := []check{{"token server", c.reader.Check}, {"state store", c.probe(cfg, cfg.stateVariable(), c.stores.state)}}
	if c.stores.meta != c.stores.state {
		checks = append(checks, check{"lake", c.probe(cfg, "LAKE_URL", c.stores.meta)})
	}
	if cfg.Kafka.Enabled() {
		checks = append(checks, check{"Kafka", func(ctx context.Context) (err error) {
			c.cluster, err = connectKafka(ctx, cfg, s.log, s.http)
			return err
		}})
	}
	if err := runChecks(ctx, checks); err != nil {
		return nil, err
	}
	if c.tenant, err = c.reader.Tenant(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// probe shows that the store of a variable does what a run needs of it.
func (c *connection) probe(cfg Config, variable string, store blob.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := blob.Probe(ctx, store, cfg.State.Lock != string(state.LockNone)); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
		return nil
	}
}

// runChecks runs all checks at once and returns everything that is wrong. One that
// does not even mind its context is left behind, named.
func runChecks(ctx context.Context, checks []check) error {
	type answer struct {
		name string
		err  error
	}
	answers := make(chan answer, len(checks))
	waiting := make([]string, 0, len(checks))
	for _, k := range checks {
		waiting = append(waiting, k.name)
		go func() {
			defer crash.Exit()
			answers <- answer{k.name, k.run(ctx)}
		}()
	}
	var errs []error
	stuck := make(chan struct{})
	defer context.AfterFunc(ctx, func() { time.AfterFunc(5*time.Second, func() { close(stuck) }) })()
	for len(waiting) > 0 {
		select {
		case a := <-answers:
			waiting = slices.DeleteFunc(waiting, func(name string) bool { return name == a.name })
			if a.err == nil {
				continue
			}
			if ctx.Err() != nil && errors.Is(a.err, ctx.Err()) {
				a.err = fmt.Errorf("%s: %w: %w", a.name, context.Cause(ctx), a.err)
			}
			errs = append(errs, a.err) // it says itself what it is about
		case <-stuck:
			errs = append(errs, fmt.Errorf("%s: %w", strings.Join(waiting, ", "), context.Cause(ctx)))
			return errors.Join(errs...)
		}
	}
	return errors.Join(errs...)
}

// exporter wires the pipeline; the caller adds Start and Horizon.
func (c *connection) exporter(cfg Config, s surroundings, run string) *pipeline.Exporter {
	e := &pipeline.Exporter{
		Run:         run,
		Version:     versionText(),
		Transformer: transform.New(cfg.Transform, s.log),
		Stores: pipeline.Stores{
			State:   state.NewStore(c.stores.state, state.Lock(cfg.State.Lock), cfg.State.Lease),
			Intents: c.stores.state,
			Meta:    c.stores.meta,
		},
		Limits:      cfg.limits(),
		Meaning:     cfg.meaning(c.tenant),
		AtLeastOnce: cfg.Kafka.Enabled() && !cfg.exactlyOnce(),
		Log:         s.log,
		AfterStep:   crashPoint(),
	}
	if c.reader != nil {
		e.Source = c.reader
	}
	if c.stores.lake != nil {
		datasets, _ := cfg.datasets()
		e.Destinations.Lake = c.stores.lake.URL()
		e.Lake = s3.New(c.stores.lake, cfg.Parquet, s3.Info{Version: versionText(), Tenant: cfg.tenantFolder(), Datasets: len(datasets)}, &c.pool, s.log)
	}
	if c.cluster != nil {
		e.Destinations.Cluster, e.Destinations.Topic = c.cluster.ID(), cfg.Kafka.Topic
		e.OpenLog = c.cluster.Log
	}
	return e
}

func (c *connection) close() {
	if c.reader != nil {
		c.reader.Close()
	}
}

// httpOr is client, or the default one.
func httpOr(client *http.Client) *http.Client {
	if client != nil {
		return client
	}
	return http.DefaultClient
}
