package main

import (
	"context"
	"fmt"
	"sync"

	"hunting-exporter/blob"
	"hunting-exporter/blob/open"
	"hunting-exporter/config"
	"hunting-exporter/internal/pool"
	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/kafka"
	"hunting-exporter/sink/parquet"
	"hunting-exporter/sink/s3"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/state"
	"hunting-exporter/transform"
)

// connection is everything that a run needs, reached and found usable.
type connection struct {
	identity *call.Identity
	reader   *source.Reader
	stores   stores
	cluster  *kafka.Cluster
	tenant   string    // whose rows they are
	pool     pool.Pool // of all buffers for rows
}

// stores are the three places objects are kept in. meta and state may be the same one.
type stores struct {
	lake  blob.Store // nil: no lake
	meta  blob.Store
	state blob.Store
}

// openStores opens the stores without asking them anything.
func openStores(ctx context.Context, cfg config.Config) (s stores, err error) {
	if cfg.Export.Lake != "" {
		if s.lake, err = openStore(ctx, cfg, "LAKE_URL", cfg.Export.Lake); err != nil {
			return stores{}, err
		}
	}
	if s.state, err = openStore(ctx, cfg, cfg.StateVariable(), cfg.StateURL()); err != nil {
		return stores{}, err
	}
	s.meta = s.state
	if s.lake == nil {
		return s, nil
	}
	meta, err := openStore(ctx, cfg, "LAKE_URL", cfg.MetaURL())
	if err != nil {
		return stores{}, err
	}
	if meta.URL() != s.state.URL() {
		s.meta = meta
	}
	return s, nil
}

// openStore opens one store. What fails before anything is asked is configuration.
func openStore(ctx context.Context, cfg config.Config, variable, url string) (blob.Store, error) {
	store, err := open.Store(ctx, url, cfg.Blob)
	if err != nil {
		return nil, &setting.Error{Problems: []setting.Problem{{
			Variable: variable, Value: setting.Redact(url), Reason: err.Error(), Fix: "set s3://bucket/prefix or a directory that can be read and written",
		}}}
	}
	return store, nil
}

// connect reaches source, stores and brokers side by side. Nothing of the state is
// read or written.
func connect(ctx context.Context, cfg config.Config, s surroundings) (*connection, error) {
	c := &connection{identity: call.NewIdentity(cfg.Source, call.Options{HTTP: s.http, Log: s.log})}
	if err := c.reach(ctx, cfg, s); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *connection) reach(ctx context.Context, cfg config.Config, s surroundings) (err error) {
	c.reader, err = source.New(cfg.Source, transform.NewDecoder(cfg.Transform, &c.pool), call.Options{HTTP: s.http, Log: s.log, Identity: c.identity})
	if err != nil {
		return err
	}
	if c.stores, err = openStores(ctx, cfg); err != nil {
		return err
	}
	login, giveUp := whileLoggingIn(ctx, cfg)
	defer giveUp(nil)
	token := sync.OnceValue(func() error { return late(login, "token server", c.reader.Check(login)) })
	checks := []check{
		func(context.Context) error { return token() },
		patiently("state store", c.probe(cfg, cfg.StateVariable(), c.stores.state)),
	}
	if c.stores.meta != c.stores.state {
		checks = append(checks, patiently("lake", c.probe(cfg, "LAKE_URL", c.stores.meta)))
	}
	if cfg.Kafka.Enabled() {
		connect := patiently("Kafka", func(ctx context.Context) (err error) {
			c.cluster, err = connectKafka(ctx, cfg, s.log, c.identity)
			return err
		})
		checks = append(checks, func(ctx context.Context) error {
			if cfg.Kafka.TakesToken() {
				if token() != nil {
					return nil // told already
				}
				if _, err := kafkaToken(login, cfg.Kafka, c.identity); err != nil {
					return late(login, "Kafka", err)
				}
			}
			return connect(ctx)
		})
	}
	if err := runChecks(ctx, giveUp, checks); err != nil {
		return err
	}
	c.tenant, err = c.reader.Tenant(ctx)
	return err
}

// probe shows that the store of a variable does what a run needs of it.
func (c *connection) probe(cfg config.Config, variable string, store blob.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := blob.Probe(ctx, store, cfg.State.Lock != string(state.LockNone)); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
		return nil
	}
}

// exporter wires the pipeline; the caller adds Start and Horizon.
func (c *connection) exporter(cfg config.Config, s surroundings, run string) *pipeline.Exporter {
	e := &pipeline.Exporter{
		Transformer: transform.New(cfg.Transform, s.log),
		Limits:      cfg.Limits(),
		Protocol: commit.Protocol{
			Run:     run,
			Version: versionText(),
			Stores: commit.Stores{
				State:   state.NewStore(c.stores.state, state.Lock(cfg.State.Lock), cfg.State.Lease),
				Intents: c.stores.state,
				Meta:    c.stores.meta,
			},
			Meaning:     cfg.Meaning(c.tenant),
			AtLeastOnce: cfg.Kafka.Enabled() && !cfg.ExactlyOnce(),
			Log:         s.log,
			AfterStep:   crashPoint(),
		},
	}
	if c.reader != nil {
		e.Source = c.reader
	}
	if c.stores.lake != nil {
		datasets, _ := cfg.Datasets()
		e.Destinations.Lake = c.stores.lake.URL()
		format := parquet.New(cfg.Parquet, parquet.Info{Version: versionText(), Datasets: len(datasets)}, &c.pool)
		e.Lake = s3.New(c.stores.lake, format, cfg.TenantFolder(), s.log)
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
	c.identity.Close()
}
