package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
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
		Short: "Show where each dataset stands",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactArgs(1, "one dataset at most")(cmd, args)
			}
			return nil
		},
	}
	flags := settingFlags(cmd, stateSettings...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.withState(cmd.Context(), newValues(flags(), c.environ), func(ctx context.Context, cfg Config, s stores) error {
			return c.showState(ctx, cfg, s, args)
		})
	}
	return cmd
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
		return c.byHand(cmd.Context(), newValues(flags(), c.environ), args, func(ctx context.Context, cfg Config, _ stores, e *pipeline.Exporter, name string) error {
			ds, _ := cfg.named(name)
			if err := e.Resolve(ctx, ds, *committed); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.out, "%s: done\n", name)
			return err
		})
	}
	return cmd
}

// withState gives a command the stores; a signal or an unanswered minute ends it.
func (c *cli) withState(ctx context.Context, v *values, do func(context.Context, Config, stores) error) error {
	cfg, err := configure(ctx, v, func(cfg Config) []setting.Problem { return cfg.storeProblems() })
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

func (c *cli) showState(ctx context.Context, cfg Config, s stores, names []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience))
	defer cancel()
	one := len(names) > 0
	if !one {
		var err error
		if names, err = s.known(ctx); err != nil {
			return err
		}
	}
	documents := state.NewStore(s.state, state.Lock(cfg.State.Lock), cfg.State.Lease)
	var last state.Document
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "dataset\tseq\twatermark\trows\trejected\tgaps\tpending\tlease\trun\t")
	for _, name := range names {
		if !schema.ValidName(name) {
			return &usageError{fmt.Errorf("%q is no dataset's name", name)}
		}
		doc, err := documents.Load(ctx, name)
		if err != nil {
			return err
		}
		last = doc
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t\n", doc.Dataset, doc.Seq, exportedTo(doc),
			doc.Rows, doc.Rejected, len(doc.Gaps), pending(doc), lease(doc), doc.Run)
	}
	if err := t.Flush(); err != nil || !one {
		return err
	}
	return showDetails(c.out, last)
}

// exportedTo is the watermark, or when the newest snapshot was taken.
func exportedTo(doc state.Document) string {
	if !doc.Snapshot.IsZero() {
		return doc.Snapshot.Format(time.RFC3339Nano)
	}
	return doc.Watermark.Format(time.RFC3339Nano)
}

// showDetails writes what one dataset's state says beyond its line.
func showDetails(w io.Writer, doc state.Document) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "\nclock\t%s\t\n", cmp.Or(doc.Clock, "none yet"))
	if !doc.Snapshot.IsZero() {
		fmt.Fprintf(t, "snapshot\t%s\t\n", doc.Snapshot.Format(time.RFC3339Nano))
	}
	for _, s := range doc.Covered {
		fmt.Fprintf(t, "read\t%s\t\n", pipeline.Window(s))
	}
	for _, g := range doc.Gaps {
		fmt.Fprintf(t, "gap\t%s, %d tries since %s, the last %s: %s\t\n",
			stretchOf(g), g.Tries, g.Since.Format(secondFormat), g.Last.Format(secondFormat), g.Reason)
	}
	if k := doc.Check; k != nil {
		fmt.Fprintf(t, "checked\t%s at %s: the API counted %d rows, %d exported, %d of them late, %d quarter hours differ\t\n",
			pipeline.Window(k.Stretch), k.At.Format(secondFormat), k.Counted, k.Exported, k.Late, k.Differ)
	}
	return t.Flush()
}

// stretchOf is a gap's window, and its slice if it is one.
func stretchOf(g state.Gap) string {
	if g.N > 1 {
		return fmt.Sprintf("%s slice %d of %d", pipeline.Window(g.Stretch), g.I, g.N)
	}
	return pipeline.Window(g.Stretch).String()
}

func pending(doc state.Document) string {
	p := doc.Pending
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("commit %d of %s, %d rows, decided by %s", p.Seq, pipeline.Window{Start: p.From, End: p.To}, p.Rows, p.Decider)
}

func lease(doc state.Document) string {
	if left := time.Until(doc.Lease).Round(time.Second); left > 0 {
		return left.String() + " left"
	}
	return "free"
}

// byHand makes changes by a person's word, one a dataset; no names: every dataset that
// has a state.
func (c *cli) byHand(ctx context.Context, v *values, names []string, change func(context.Context, Config, stores, *pipeline.Exporter, string) error) error {
	for _, name := range names {
		if !schema.ValidName(name) {
			return &usageError{fmt.Errorf("%q is no dataset's name", name)}
		}
	}
	return c.withState(ctx, v, func(ctx context.Context, cfg Config, s stores) (err error) {
		log := slog.New(slog.DiscardHandler)
		problems := cfg.Kafka.Problems()
		if cfg.Export.Queries != "" || len(cfg.Export.Tables) > 0 {
			problems = append(problems, cfg.datasetProblems()...)
		}
		if len(problems) > 0 {
			return &setting.Error{Problems: problems}
		}
		conn := &connection{stores: s}
		if cfg.Kafka.Enabled() {
			if conn.cluster, err = connectKafka(ctx, cfg, log, nil); err != nil {
				return err
			}
		}
		if len(names) == 0 {
			if names, err = s.known(ctx); err != nil {
				return err
			}
		}
		e := conn.exporter(cfg, surroundings{log: log}, runID())
		var errs []error
		for _, name := range names {
			err := change(ctx, cfg, s, e, name)
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
