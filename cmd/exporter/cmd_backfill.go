package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/pipeline"
	"hunting-exporter/report"
)

// stretchFlags say which stretch of the past a backfill reads, and in which order.
type stretchFlags struct{ from, to, order string }

func (c *cli) backfillCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backfill --from <time> [--to <time>]",
		Short: "Export a stretch of the past",
		Long: `Export what of a stretch of the past was never exported, under the same state, lake
and guarantee as run. What was exported is left out, so it can be stopped and started
again at will, and a second one does nothing. A table that was never exported begins
with it: the next run goes on at its end.

Tables that say how things stand now, and queries that sum up each window, have no
past to export: they are left out.

--from and --to are durations back, such as 240h, or times such as 2026-01-31T00:00:00Z.
The API keeps rows for 30 days (720h). Settings and exit codes are those of run.`,
		Args: noArgs,
	}
	var s stretchFlags
	var dryRun bool
	f := cmd.Flags()
	f.StringVar(&s.from, "from", "", "where to begin")
	f.StringVar(&s.to, "to", "", "where to end; empty or later: EXPORT_LAG ago")
	f.StringVar(&s.order, "order", "oldest", "which days come first: oldest or newest")
	f.BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	flags := settingFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.run(cmd.Context(), config.NewValues(flags(), c.environ), task{dryRun: dryRun, stretch: &s})
	}
	return cmd
}

// backfill is the stretch that the flags ask for.
func (s stretchFlags) backfill(now time.Time, lag time.Duration) (*pipeline.Backfill, error) {
	if s.order != "oldest" && s.order != "newest" {
		return nil, &usageError{fmt.Errorf("--order %q: oldest or newest", s.order)}
	}
	from, err := flagTime("--from", s.from, now)
	if err != nil {
		return nil, err
	}
	to := now.Add(-lag)
	if s.to != "" {
		asked, err := flagTime("--to", s.to, now)
		if err != nil {
			return nil, err
		}
		if asked.Before(to) {
			to = asked
		}
	}
	w := hunting.Window{Start: from.UTC().Truncate(hunting.Tick), End: to.UTC().Truncate(hunting.Tick)}
	if !w.Start.Before(w.End) {
		return nil, &usageError{fmt.Errorf("--from %s: nothing lies between it and %s, where the backfill ends", s.from, w.End.Format(report.SecondFormat))}
	}
	return &pipeline.Backfill{Window: w, Newest: s.order == "newest"}, nil
}

func flagTime(flag, value string, now time.Time) (time.Time, error) {
	t, err := config.StartTime(value, now)
	if err != nil {
		return t, &usageError{fmt.Errorf("%s %q %w; set a duration back such as 240h, or a time such as 2026-01-31T00:00:00Z, 30 days (720h) back at most", flag, value, err)}
	}
	return t, nil
}

// reason says why a dataset cannot be backfilled, or nothing.
func reason(ds hunting.Dataset) string {
	switch {
	case ds.Mode == hunting.ModeSnapshot:
		return "left out: it says how things stand now and has no past to export"
	case ds.Mode.ByCut():
		return "left out: it sums up or joins within its windows, and what a backfill gives would depend on how it is cut; run the query for the stretch by hand"
	}
	return ""
}

// chosen are the datasets that are exported, and the report of those that are not.
func (s surroundings) chosen(cfg config.Config) (datasets []hunting.Dataset, leftOut []report.Dataset) {
	all, _ := cfg.Datasets() // judged already
	if s.backfill == nil {
		return all, nil
	}
	for _, ds := range all {
		if why := reason(ds); why != "" {
			leftOut = append(leftOut, report.Dataset{Dataset: ds.Name, Note: ds.Name + ": " + why})
			continue
		}
		datasets = append(datasets, ds)
	}
	return datasets, leftOut
}
