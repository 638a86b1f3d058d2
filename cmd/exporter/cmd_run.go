package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"

	"hunting-exporter/config"
	"hunting-exporter/config/query"
	"hunting-exporter/internal/setting"
	"hunting-exporter/pipeline"
	"hunting-exporter/report"
)

func (c *cli) runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Export what is new, then end",
		Long: `Export what is new in every dataset, then end.

What the API did not deliver to earlier runs is tried again, and what came in late is
found by the API's own counts of EXPORT_RECONCILE.

Settings are variables of the environment; each is also a flag, which wins. A secret
is also read from the file that <VARIABLE>_FILE names; both is an error.

Exit codes: 0 done or nothing new, 1 try again, 2 usage or configuration, 3 some
datasets failed or have gaps and the rest is committed, 4 refused by identity or permission,
70 an internal error, 130 and 143 interrupted (what was committed stays).`,
		Args: noArgs,
	}
	var dryRun bool
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	flags := settingFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.run(cmd.Context(), config.NewValues(flags(), c.environ), task{dryRun: dryRun})
	}
	return cmd
}

const dryRunHelp = "only count and plan: fetch no rows and write nothing"

// task is what to do with a configuration.
type task struct {
	dryRun  bool
	stretch *stretchFlags // of a backfill; nil: what is new
}

// run exports or plans once and reports the outcome.
func (c *cli) run(ctx context.Context, v *config.Values, t task) error {
	c.take(v)
	cfg, err := config.Load(ctx, v, func(cfg config.Config) []setting.Problem { return cfg.Problems(time.Now()) })
	var backfill *pipeline.Backfill
	if t.stretch != nil {
		var usage error
		backfill, usage = t.stretch.backfill(time.Now(), cfg.Export.Lag)
		err = errors.Join(err, usage)
	}
	if err != nil {
		warn(c.logger(c.err), v.Warnings()) // the likely reason why something is missing
		return c.cannotBegin(t, err)
	}
	term := report.NewConsole(c.err, isTerminal(c.err))
	defer term.Close()
	log := c.logger(term)
	warn(log, slices.Concat(v.Warnings(), cfg.Kafka.Warnings(), query.Warnings(cfg.Export.Queries)))
	work, stop, release := untilSignals(ctx, c.signals, c.exit)
	defer release()
	s := surroundings{run: c.id, log: log, http: c.http, term: term, backfill: backfill}
	if t.dryRun {
		term.Close()
		p := makePlan(stop, cfg, s)
		return c.report(log, &p)
	}
	limitMemory(log, cfg)
	rep := export(work, stop, cfg, s)
	term.Close()
	return c.report(log, &rep)
}

// cannotBegin reports a run that ends before anything was asked. A log of text says it in
// as many lines as there are wrong settings, and programs get the summary all the same.
func (c *cli) cannotBegin(t task, err error) error {
	var o outcome
	if t.dryRun {
		p := report.NewPlan(versionText())
		p.Fail(err, codeOf(err))
		o = &p
	} else {
		rep := report.Run{Version: versionText(), Run: c.id, Started: time.Now()}
		rep.Fail(err, codeOf(err))
		o = &rep
	}
	if c.logs.AsJSON(isTerminal(c.err)) {
		return c.report(c.logger(c.err), o)
	}
	if !isTerminal(c.out) {
		err = errors.Join(err, o.Print(c.out, false))
	}
	return err
}

func warn(log *slog.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn(w)
	}
}

// outcome is what a run has come to.
type outcome interface {
	ExitCode() int
	// Print writes the summary: a table for people, else one JSON record.
	Print(w io.Writer, terminal bool) error
	// Attrs are its totals, under the summary's names.
	Attrs() []any
}

// report prints an outcome and ends the command with its code. Where people do not read
// the log, its last record tells the outcome as well.
func (c *cli) report(log *slog.Logger, o outcome) error {
	if err := o.Print(c.out, isTerminal(c.out)); err != nil {
		log.Error("print the summary", "error", err)
	}
	level := slog.LevelError
	switch o.ExitCode() {
	case codeDone:
		level = slog.LevelInfo
	case codeInterrupted, codeTerminated:
		level = slog.LevelWarn
	}
	if !c.logs.ForPeople(isTerminal(c.err)) {
		log.Log(context.Background(), level, messageEnded, append(o.Attrs(), "exit_code", o.ExitCode())...)
	}
	if o.ExitCode() == codeDone {
		return nil
	}
	return &reportedError{code: o.ExitCode()}
}

// limitMemory makes the garbage collector mind the pod's memory limit, and without
// one, what a run of this configuration needs beside its buffers, which lie outside of its
// heap. It is a goal of the collector, never a bound that fails. GOMEMLIMIT and GOGC win.
func limitMemory(log *slog.Logger, cfg config.Config) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // the heap is small and has few pointers: collecting is cheap
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	const perDataset, base = 64 << 20, 128 << 20 // dictionaries, keys, encoders, events
	goal := perDataset*int64(len(cfg.Export.Tables)) + base
	limit, err := memlimit.Set(memlimit.WithRatio(0.9), memlimit.WithProvider(memlimit.FromCgroup), memlimit.WithLogger(slog.New(slog.DiscardHandler)))
	if err == nil && limit > 0 {
		goal = min(goal, max(limit-int64(cfg.Export.Memory), base/2))
	}
	debug.SetMemoryLimit(goal)
	log.Debug("memory goal", "bytes", goal)
}
