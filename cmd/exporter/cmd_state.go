package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/config"
	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/report"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

func (c *cli) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look at the state, or settle what no program can",
		Args:  commandsOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.stateShowCommand(), c.stateResolveCommand(), c.stateAdoptCommand())
	return cmd
}

func (c *cli) stateShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [dataset]",
		Short: "Show where each dataset stands, and how its last run ended",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactArgs(1, "one dataset at most")(cmd, args)
			}
			return nil
		},
	}
	output := cmd.Flags().String("output", "text", "text, or json: one object a dataset, each in a line")
	flags := settingFlags(cmd, stateSettings...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		print, ok := map[string]func(io.Writer, []report.State, bool) error{"text": report.StatesText, "json": report.StatesJSON}[*output]
		if !ok {
			return &usageError{fmt.Errorf("--output %q: text or json", *output)}
		}
		for _, name := range args {
			if !schema.ValidName(name) {
				return &usageError{fmt.Errorf("%q is no dataset's name", name)}
			}
		}
		return c.withState(cmd.Context(), config.NewValues(flags(), c.environ), storesOnly, func(ctx context.Context, cfg config.Config, s stores) error {
			ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience))
			defer cancel()
			all, err := standings(ctx, cfg, s, args)
			if all == nil && err != nil {
				return err
			}
			return errors.Join(print(c.out, all, len(args) > 0), err)
		})
	}
	return cmd
}

// standings are those of the datasets named; no names: of all that have a state. One that
// cannot be read does not hide the others.
func standings(ctx context.Context, cfg config.Config, s stores, names []string) (all []report.State, err error) {
	if len(names) == 0 {
		if names, err = s.known(ctx); err != nil {
			return nil, err
		}
	}
	documents := state.NewStore(s.state, state.Lock(cfg.State.Lock), cfg.State.Lease)
	var errs []error
	all = make([]report.State, 0, len(names))
	for _, name := range names {
		doc, err := documents.Load(ctx, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		owner, err := commit.Owner(ctx, s.meta, name)
		errs = append(errs, err)
		all = append(all, report.StateOf(doc, owner, time.Now()))
	}
	if len(all) == 0 && len(names) > 0 {
		all = nil
	}
	return all, errors.Join(errs...)
}

func (c *cli) stateResolveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resolve <dataset> --committed|--not-committed",
		Short: "Say what became of a pending commit, after looking into the topic",
		Long: `Say what became of a pending commit, after looking into the topic.

--committed publishes its files and moves the watermark; --not-committed drops them,
and the next run reads the same windows again. Only Kafka can tell which is true: read
the topic read_committed and look for events of the windows that "state show" names.`,
		Args: exactArgs(1, "one dataset"),
	}
	committed := cmd.Flags().Bool("committed", false, "the topic holds the commit's events")
	dropped := cmd.Flags().Bool("not-committed", false, "the topic holds none of the commit's events")
	flags := settingFlags(cmd, stateSettings...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *committed == *dropped {
			return &usageError{errors.New("state resolve needs one of --committed and --not-committed")}
		}
		return c.byHand(cmd.Context(), config.NewValues(flags(), c.environ), args, func(ctx context.Context, cfg config.Config, _ *connection, e *pipeline.Exporter, name string) error {
			ds, _ := cfg.Named(name)
			if err := e.Resolve(ctx, ds, *committed); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.out, "%s: done\n", name)
			return err
		})
	}
	return cmd
}

// storesOnly judges what a command needs that only looks.
func storesOnly(cfg config.Config) []setting.Problem { return cfg.StoreProblems() }

// withState gives a command the stores; a signal or an unanswered minute ends it.
func (c *cli) withState(ctx context.Context, v *config.Values, judge func(config.Config) []setting.Problem, do func(context.Context, config.Config, stores) error) error {
	c.take(v)
	warn(c.logger(c.err), v.Warnings())
	cfg, err := config.Load(ctx, v, judge)
	if err != nil {
		return err
	}
	ctx, release := untilSignal(ctx, c.signals, c.exit)
	defer release()
	s, err := openStores(ctx, cfg)
	if err == nil {
		err = do(ctx, cfg, s)
	}
	if e := interruption(ctx); err != nil && e != nil {
		return e
	}
	return err
}

// byHand makes changes by a person's word, one a dataset; no names: every dataset that
// has a state.
func (c *cli) byHand(ctx context.Context, v *config.Values, names []string, change func(context.Context, config.Config, *connection, *pipeline.Exporter, string) error) error {
	for _, name := range names {
		if !schema.ValidName(name) {
			return &usageError{fmt.Errorf("%q is no dataset's name", name)}
		}
	}
	judge := func(cfg config.Config) []setting.Problem {
		unset := func(p setting.Problem) bool {
			if cfg.Kafka.TakesToken() && strings.HasPrefix(p.Variable, "AZURE_") { // who logs in there
				return false
			}
			_, ok := v.Lookup(p.Variable)
			return !ok
		}
		all := slices.DeleteFunc(cfg.Problems(time.Now()), unset) // not needed, but it may be recorded
		return slices.Concat(all, cfg.StoreProblems(), cfg.Kafka.Problems())
	}
	return c.withState(ctx, v, judge, func(ctx context.Context, cfg config.Config, s stores) (err error) {
		log := slog.New(slog.DiscardHandler)
		around := surroundings{log: log, http: c.http}
		conn := newConnection(cfg, around)
		defer conn.close()
		conn.stores = s
		if cfg.Kafka.Enabled() {
			if err := conn.connectKafka(ctx, cfg, log); err != nil {
				return err
			}
		}
		if len(names) == 0 {
			if names, err = s.known(ctx); err != nil {
				return err
			}
		}
		e := conn.exporter(cfg, around, c.id)
		var errs []error
		for _, name := range names {
			err := change(ctx, cfg, conn, e, name)
			var held *state.HeldError
			if errors.As(err, &held) {
				err = fmt.Errorf("%w; wait for that run to end, then try again", &heldByRun{held})
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// known are the datasets that have a state.
func (s stores) known(ctx context.Context) (names []string, err error) {
	for key, err := range s.state.List(ctx, "state/") {
		if err != nil {
			return nil, fmt.Errorf("list state: %w", err)
		}
		names = append(names, strings.TrimSuffix(path.Base(key), ".json"))
	}
	return names, nil
}

// heldByRun is another run's claim in the way: unlike for a run, it means that nothing
// was done. It does not unwrap to it.
type heldByRun struct{ claim error }

func (e *heldByRun) Error() string { return e.claim.Error() }
