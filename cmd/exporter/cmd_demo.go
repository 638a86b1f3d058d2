package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/config"
	"hunting-exporter/internal/setting"
	"hunting-exporter/report"
	"hunting-exporter/tenant"
)

// demoTables are what the demo's tenant holds.
var demoTables = []string{
	"DeviceProcessEvents", "DeviceNetworkEvents", "DeviceLogonEvents", "AlertInfo",
	"AlertEvidence", "EmailEvents", "IdentityLogonEvents", "CloudAppEvents",
}

// demoRowCap is the row cap of the demo's tenant with --fail: answers small enough
// that there is a middle to be killed in.
const demoRowCap = 400

// demo is one run of the demo.
type demo struct {
	*cli
	dir   string
	rows  int
	seed  uint64
	truth string
	kafka bool
	fail  bool

	began  time.Time
	server *embedded
	events *demoKafka // nil: no Kafka
}

func (c *cli) demoCommand() *cobra.Command {
	d := &demo{cli: c}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Export a simulated tenant into a folder and prove it complete",
		Long: `Export a simulated tenant into a folder and prove it complete.

The tenant runs inside this process and holds one hour of made-up rows up to now. The
folder must be new, empty or one that demo itself wrote; in the last case what demo
wrote there is replaced. Afterwards the files are read back and compared with the
tenant, cell by cell.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.main(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVar(&d.dir, "dir", "lake", "folder to export into")
	f.IntVar(&d.rows, "rows", 2000, "rows of each table")
	f.Uint64Var(&d.seed, "seed", 1, "the same seed makes the same rows, but for their times")
	f.StringVar(&d.truth, "truth", "", "also write what the tenant holds into this folder, one <table>.ndjson each")
	f.BoolVar(&d.kafka, "kafka", false, "also send events to an embedded broker and show five of them")
	f.BoolVar(&d.fail, "fail", false, "throttle the run, kill it in the middle, and run again")
	return cmd
}

func (d *demo) main(ctx context.Context) (err error) {
	if d.rows < 1 || d.rows > 1_000_000 {
		return &usageError{errors.New("--rows must be a number from 1 to 1000000")}
	}
	ctx, release := untilSignal(ctx, d.signals, d.exit)
	defer release()
	if err := d.prepareDir(); err != nil {
		return err
	}
	d.began = time.Now()
	if err := d.serve(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.close()) }()
	if d.kafka {
		if d.events, err = startDemoKafka(); err != nil {
			return err
		}
		defer d.events.close()
	}
	if d.truth != "" {
		if err := writeTruth(d.truth, d.server.tenant, demoTables); err != nil {
			return err
		}
	}
	rep, err := d.export(ctx)
	if e := interruption(ctx); e != nil {
		return e
	}
	if err != nil {
		return err
	}
	return d.prove(ctx, rep)
}

// serve makes the tenant and serves it.
func (d *demo) serve(ctx context.Context) (err error) {
	o := tenant.Options{}
	if d.fail {
		o.MaxRows, o.CallsPerMinute = demoRowCap, -1
	}
	t := tenant.New(o)
	// Every row has come in by now: real ones may be hours late, and would be new to
	// a later run.
	const latest = 5 * time.Minute
	err = t.Seed(tenant.Seed{
		Tables: demoTables, Rows: d.rows, From: d.began.Add(-latest - time.Hour), To: d.began.Add(-latest), Seed: d.seed,
		Lag: func(row int) time.Duration { return time.Duration(row) * 7919 * time.Millisecond % latest },
	})
	if err != nil {
		return err
	}
	if d.server, err = serveTenant(ctx, t, "127.0.0.1:0"); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "A simulated tenant with %d tables of %d rows, seed %d, at %s\n", len(demoTables), d.rows, d.seed, d.server.URL)
	fmt.Fprintf(d.out, "Exporting into %s\n", d.dir)
	return nil
}

// settings are those of an export of the demo's tenant.
func (d *demo) settings() map[string]string {
	s := map[string]string{
		"EXPORT_START": d.start().Format(time.RFC3339Nano), "EXPORT_LAG": "0s", "LAKE_URL": d.dir, "LOG_LEVEL": "warn",
		"EXPORT_TABLES": joinTables(demoTables),
	}
	for _, pair := range d.server.settings() {
		s[pair[0]] = pair[1]
	}
	if d.events != nil {
		s["KAFKA_BROKERS"] = d.events.broker
	}
	if d.fail {
		maps.Copy(s, map[string]string{
			"SOURCE_MAX_ROWS": strconv.Itoa(demoRowCap), "SOURCE_CALLS_PER_MINUTE": "10000", "EXPORT_COMMIT_ROWS": strconv.Itoa(demoRowCap),
			"STATE_LEASE": demoLease.String(), "LOG_LEVEL": "info", "LOG_FORMAT": "json",
		})
	}
	return s
}

// start is before everything that the tenant holds.
func (d *demo) start() time.Time { return d.began.Add(-2 * time.Hour).UTC() }

func (d *demo) export(ctx context.Context) (report.Run, error) {
	if d.fail {
		return d.exportKilled(ctx)
	}
	cfg, err := config.Load(ctx, config.NewValues(d.settings(), nil), func(cfg config.Config) []setting.Problem { return cfg.Problems(time.Now()) })
	if err != nil {
		return report.Run{}, err
	}
	term := report.NewConsole(d.err, isTerminal(d.err))
	rep := export(ctx, ctx, cfg, surroundings{run: d.id, log: report.NewLogger(term, term.Live, cfg.Log, "run", d.id, "tenant", cfg.Source.TenantID), http: d.server.client(), term: term})
	term.Close()
	return rep, nil
}

// prove compares lake and tenant and says how to look at the lake.
func (d *demo) prove(ctx context.Context, rep report.Run) error {
	if rep.Code != codeDone {
		if err := rep.Print(d.err, true); err != nil {
			return err
		}
		return &reportedError{code: rep.Code}
	}
	t := tabwriter.NewWriter(d.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\ntable\trows in the tenant\trows in the lake\tmissing\textra\tfiles\t")
	total, complete := verdict{Table: "total"}, true
	for _, r := range rep.Datasets {
		v, err := verify(d.dir, d.server.tenant, r.Dataset, d.start(), *r.Watermark)
		if err != nil {
			return err
		}
		complete = complete && v.ok()
		total.Truth, total.Lake, total.Missing, total.Extra, total.Files = total.Truth+v.Truth, total.Lake+v.Lake, total.Missing+v.Missing, total.Extra+v.Extra, total.Files+v.Files
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t\n", v.Table, v.Truth, v.Lake, v.Missing, v.Extra, v.Files)
	}
	fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t\n", total.Table, total.Truth, total.Lake, total.Missing, total.Extra, total.Files)
	if err := t.Flush(); err != nil {
		return err
	}
	if !complete {
		return errors.New("the lake does not hold what the tenant holds: please report this with the seed")
	}
	fmt.Fprintf(d.out, "Every cell was compared: the lake holds what the tenant held, each row once. %d calls, %.1f s.\n", rep.Calls, time.Since(d.began).Seconds())
	if d.events != nil {
		if err := d.events.show(ctx, d.out, rep, total.Lake); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(d.out, "\nLook at it with DuckDB:\n  SELECT count(*) FROM read_parquet('%s/%s/**/*.parquet', union_by_name=true, hive_partitioning=true);\n",
		filepath.ToSlash(d.dir), demoTables[0])
	return err
}
