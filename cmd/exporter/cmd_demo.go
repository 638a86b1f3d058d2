package main

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/config"
	"hunting-exporter/demo"
	"hunting-exporter/internal/setting"
	"hunting-exporter/report"
)

func (c *cli) demoCommand() *cobra.Command {
	d := &demo.Demo{Out: c.out, Environ: c.environ, Export: c.exportOnce}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Export a simulated tenant into a folder and prove it complete",
		Long: `Export a simulated tenant into a folder and prove it complete.

The tenant runs inside this process and holds one hour of made-up rows up to now. The
folder must be new, empty or one that demo itself wrote; in the last case what demo
wrote there is replaced. Afterwards the files are read back and compared with the
tenant, cell by cell.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.demo(cmd.Context(), d) },
	}
	f := cmd.Flags()
	f.StringVar(&d.Dir, "dir", "lake", "folder to export into")
	f.IntVar(&d.Rows, "rows", 2000, "rows of each table")
	f.Uint64Var(&d.Seed, "seed", 1, "the same seed makes the same rows, but for their times")
	f.StringVar(&d.Truth, "truth", "", "also write what the tenant holds into this folder, one <table>.ndjson each")
	f.BoolVar(&d.Kafka, "kafka", false, "also send events to an embedded broker and show five of them")
	f.BoolVar(&d.Fail, "fail", false, "throttle the run, kill it in the middle, and run again")
	return cmd
}

func (c *cli) demo(ctx context.Context, d *demo.Demo) error {
	ctx, release := untilSignal(ctx, c.signals, c.exit)
	defer release()
	if err := d.Check(); err != nil {
		return &usageError{err}
	}
	rep, err := d.Run(ctx)
	if e := interruption(ctx); e != nil {
		return e
	}
	if err == nil && rep.Code != codeDone {
		if err = rep.Print(c.err, true); err == nil {
			err = &reportedError{code: rep.Code}
		}
	}
	return err
}

// exportOnce exports in this process, by these settings alone.
func (c *cli) exportOnce(ctx context.Context, settings map[string]string, web *http.Client) (report.Run, error) {
	cfg, err := config.Load(ctx, config.NewValues(settings, nil), func(cfg config.Config) []setting.Problem { return cfg.Problems(time.Now()) })
	if err != nil {
		return report.Run{}, err
	}
	term := report.NewConsole(c.err, isTerminal(c.err))
	defer term.Close()
	log := report.NewLogger(term, term.Live, cfg.Log, "run", c.id, "tenant", cfg.Source.TenantID)
	return export(ctx, ctx, cfg, surroundings{run: c.id, log: log, http: web, term: term}), nil
}
