package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/blob/open"
	"hunting-exporter/config"
	"hunting-exporter/internal/crash"
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

// crashPoint takes each step of the commit protocol, in builds that tests kill.
var crashPoint = func() func(commit.Step) { return nil }

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

// newConnection has the one identity that logs in to the API, and to brokers that want an
// Azure token.
func newConnection(cfg config.Config, s surroundings) *connection {
	return &connection{identity: call.NewIdentity(cfg.Source, call.Options{HTTP: s.http, Log: s.log})}
}

// open makes the reader and opens the stores. It makes no request.
func (c *connection) open(ctx context.Context, cfg config.Config, s surroundings) (err error) {
	c.reader, err = source.New(cfg.Source, transform.NewDecoder(cfg.Transform, &c.pool), call.Options{HTTP: s.http, Log: s.log, Identity: c.identity})
	if err != nil {
		return err
	}
	c.stores, err = openStores(ctx, cfg)
	return err
}

// connect reaches source, stores and brokers side by side. Nothing of the state is
// read or written.
func connect(ctx context.Context, cfg config.Config, s surroundings) (*connection, error) {
	c := newConnection(cfg, s)
	if err := c.reach(ctx, cfg, s); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *connection) reach(ctx context.Context, cfg config.Config, s surroundings) (err error) {
	if err := c.open(ctx, cfg, s); err != nil {
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
			return c.connectKafka(ctx, cfg, s.log)
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
		e.Publishers = []commit.Publisher{s3.New(c.stores.lake, format, cfg.TenantFolder(), s.log)}
	}
	if c.cluster != nil {
		e.Destinations.Cluster, e.Destinations.Topic = c.cluster.ID(), cfg.Kafka.Topic
		e.OpenDecider = c.cluster.Log
	}
	return e
}

func (c *connection) close() {
	if c.reader != nil {
		c.reader.Close()
	}
	c.identity.Close()
}

// connectKafka connects as the source's identity, where the brokers want an Azure token.
func (c *connection) connectKafka(ctx context.Context, cfg config.Config, log *slog.Logger) (err error) {
	c.cluster, err = kafka.Connect(ctx, cfg.Kafka, kafka.Options{
		Log:      log,
		TenantID: cfg.Source.TenantID,
		Token:    func(ctx context.Context) (string, error) { return kafkaToken(ctx, cfg.Kafka, c.identity) },
	})
	return err
}

// kafkaToken is an access token for the Event Hubs namespace that the first broker is.
func kafkaToken(ctx context.Context, cfg kafka.Config, identity *call.Identity) (string, error) {
	host, _, err := net.SplitHostPort(cfg.Brokers[0])
	if err != nil {
		return "", fmt.Errorf("KAFKA_BROKERS: %w", err)
	}
	token, err := identity.Token(ctx, "https://"+host+"/.default", "")
	if err != nil {
		return "", fmt.Errorf("token for %s: %w", host, err)
	}
	return token, nil
}

// patience is how long everything that a run needs may take to answer, so that an
// unreachable one ends the run within a minute. The token server has its own.
const patience = 45 * time.Second

// check is one thing that must answer before a run begins. Its error says what it is about.
type check func(context.Context) error

// runChecks runs all checks at once and returns everything that is wrong. Once one has
// failed, it gives up those that wait longer than patience.
func runChecks(ctx context.Context, giveUp context.CancelCauseFunc, checks []check) error {
	errs := make([]error, len(checks))
	var wg sync.WaitGroup
	for i, k := range checks {
		wg.Go(func() {
			defer crash.Exit()
			if errs[i] = k(ctx); errs[i] != nil {
				time.AfterFunc(patience, func() {
					defer crash.Exit()
					giveUp(errElse)
				})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

var errElse = errors.New("not waited for any longer, since something else has failed")

// patiently gives an answer patience. What does not even mind its context is left behind.
func patiently(name string, run check) check {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience))
		defer cancel()
		done := make(chan error, 1)
		go func() {
			defer crash.Exit()
			done <- run(ctx)
		}()
		select {
		case err := <-done:
			return late(ctx, name, err)
		case <-ctx.Done():
		}
		select {
		case err := <-done:
			return late(ctx, name, err)
		case <-time.After(5 * time.Second):
			return late(ctx, name, ctx.Err())
		}
	}
}

// whileLoggingIn is the time for tokens: a token server may ask to wait, for as long as the
// run may last.
func whileLoggingIn(ctx context.Context, cfg config.Config) (context.Context, context.CancelCauseFunc) {
	release := context.CancelFunc(func() {})
	if d := cfg.Export.Deadline; d > 0 {
		ctx, release = untilDeadline(ctx, time.Now(), max(d, patience))
	}
	ctx, end := context.WithCancelCause(ctx)
	return ctx, func(cause error) {
		end(cause)
		release()
	}
}

// late is err, with name and reason if it is about the end of the context.
func late(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%s: %w: %w", name, context.Cause(ctx), err)
	}
	return err
}
