package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/demo"
	"hunting-exporter/internal/setting"
	"hunting-exporter/tenant"
	"hunting-exporter/tenant/rows"
)

// simulation is what `simulate` serves.
type simulation struct {
	listen string
	tables []string
	rows   int
	hours  int
	seed   uint64
	load   string
	form   string
	truth  string
	late   float64

	background bool
	detached   bool // this is the process in the background
}

// lateAfter is how long a late row of simulate stays unseen: longer than a run with the
// usual EXPORT_LAG waits for.
const lateAfter = 20 * time.Minute

var forms = map[string]rows.Form{"stream": rows.StreamForm, "graph": rows.GraphForm, "legacy": rows.LegacyForm}

func (c *cli) simulateCommand() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Serve a simulated tenant and print the settings that lead there",
		Long: `Serve a simulated tenant over TLS until a signal comes: the three hunting APIs and the
token endpoint, with quotas. What is printed are shell lines. In one terminal:

  eval "$(exporter simulate --background)"
  LAKE_URL=lake exporter run
  kill $SIMULATE_PID`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.simulate(cmd.Context(), s) },
	}
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:0", "address to listen on")
	f.StringSliceVar(&s.tables, "tables", demo.Tables, "tables to make up")
	f.IntVar(&s.rows, "rows", 10_000, "rows of each table")
	f.IntVar(&s.hours, "hours", 24, "hours up to now that the rows lie in")
	f.Uint64Var(&s.seed, "seed", 1, "the same seed makes the same rows, but for their times")
	f.Float64Var(&s.late, "late", 0, "share of the made-up rows, 0 to 1, that queries see only "+setting.Short(lateAfter)+" after they came in")
	f.StringVar(&s.load, "load", "", "folder of <Table>.ndjson files to serve instead of made-up rows")
	f.StringVar(&s.form, "form", "stream", "how these files write rows: stream (the streaming export), graph or legacy (answers of the APIs)")
	f.StringVar(&s.truth, "truth", "", "also write what the tenant holds into this folder, one <table>.ndjson each")
	f.BoolVar(&s.background, "background", false, "return as soon as it serves")
	f.BoolVar(&s.detached, "detached", false, "")
	_ = f.MarkHidden("detached")
	return cmd
}

func (c *cli) simulate(ctx context.Context, s simulation) (err error) {
	switch {
	case s.detached:
		signal.Ignore(os.Interrupt) // Ctrl-C is meant for what runs before it
	case s.background:
		return c.detach(ctx)
	}
	ctx, release := untilSignal(ctx, c.signals, c.exit)
	defer release()
	if s.rows < 0 || s.hours < 1 {
		return &usageError{errors.New("--rows must be 0 or more, --hours 1 or more")}
	}
	if s.late < 0 || s.late > 1 {
		return &usageError{errors.New("--late must be a number from 0 to 1")}
	}
	if _, ok := forms[s.form]; !ok {
		return &usageError{errors.New("--form must be stream, graph or legacy")}
	}
	t := tenant.New(tenant.Options{})
	tables, err := s.fill(t, time.Now())
	if err != nil {
		return &usageError{err}
	}
	if s.truth != "" {
		if err := demo.WriteTruth(s.truth, t, tables); err != nil {
			return err
		}
	}
	e, err := demo.Serve(ctx, t, s.listen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	cert, err := e.CertFile()
	if err != nil {
		return err
	}
	if err := c.lead(append(e.Settings(), [2]string{"SSL_CERT_FILE", cert}, [2]string{"EXPORT_TABLES", strings.Join(tables, ",")})); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// lead prints what leads to the tenant. The end of the output tells that all is said.
func (c *cli) lead(settings [][2]string) error {
	var text strings.Builder
	for _, pair := range append(settings, [2]string{"SIMULATE_PID", strconv.Itoa(os.Getpid())}) {
		fmt.Fprintf(&text, "export %s=%s\n", pair[0], quote(pair[1]))
	}
	if _, err := io.WriteString(c.out, text.String()); err != nil {
		return fmt.Errorf("print the settings: %w", err)
	}
	fmt.Fprintln(c.err, "serving until a signal comes")
	if out, ok := c.out.(io.Closer); ok {
		return out.Close()
	}
	return nil
}

// quote makes a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// fill gives the tenant its rows and returns the tables it then has. Recorded rows,
// however old, have all come in a minute ago.
func (s simulation) fill(t *tenant.Tenant, now time.Time) ([]string, error) {
	if s.load == "" {
		return s.tables, t.Seed(tenant.Seed{
			Tables: s.tables, Rows: s.rows, From: now.Add(-time.Duration(s.hours) * time.Hour), To: now, Seed: s.seed, Visible: s.visible,
		})
	}
	entries, err := os.ReadDir(s.load)
	var tables []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".ndjson")
		if !ok {
			continue
		}
		if err := s.loadFile(t, name, filepath.Join(s.load, e.Name()), now); err != nil {
			return nil, fmt.Errorf("--load: %w", err)
		}
		tables = append(tables, name)
	}
	if err != nil || len(tables) == 0 {
		return nil, fmt.Errorf("--load %s: no *.ndjson file there", s.load)
	}
	return tables, nil
}

// visible spreads the late rows evenly over all.
func (s simulation) visible(row int) time.Duration {
	if int(s.late*float64(row+1)) > int(s.late*float64(row)) {
		return lateAfter
	}
	return 0
}

func (s simulation) loadFile(t *tenant.Tenant, name, path string, now time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(t.LoadNDJSON(name, f, rows.Load{Form: forms[s.form], Ingested: now.Add(-time.Minute)}), f.Close())
}

// detach simulates in a process of its own, passes on what that says and returns when
// it serves: when it has closed its output.
func (c *cli) detach(ctx context.Context) error {
	signal.Reset() // a signal ends this process, and the other has nobody to print to
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, append(slices.Clone(c.args), "--detached")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("serve in the background: %w", err)
	}
	said, err := io.Copy(c.out, out)
	if err == nil && said > 0 {
		fmt.Fprintf(c.err, "serving in the background; kill %d ends it\n", cmd.Process.Pid)
		return cmd.Process.Release()
	}
	if err != nil {
		err = errors.Join(err, cmd.Process.Kill())
	}
	_, copied := io.Copy(c.err, errs)
	err = errors.Join(err, copied, cmd.Wait())
	if ended := new(exec.ExitError); errors.As(err, &ended) && ended.Exited() {
		return &reportedError{ended.ExitCode()}
	}
	return fmt.Errorf("serve in the background: %w", err)
}
