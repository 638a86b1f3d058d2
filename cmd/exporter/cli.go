package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"hunting-exporter/config"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/typo"
	"hunting-exporter/report"
)

// cli is what commands use of the process they run in.
type cli struct {
	out, err io.Writer
	in       io.Reader
	asks     bool // a person sits before in and out
	environ  []string
	signals  <-chan os.Signal
	exit     func(code int)              // at the last signal
	panics   func(say func(line string)) // takes how a panic is said; nil: as it stands
	http     *http.Client                // to API and token server; nil: each one's own
	// standard makes a logger that of the standard library and of what logs by it; nil: it
	// keeps its own.
	standard func(*slog.Logger)

	args   []string   // of this command
	id     string     // of its run
	tenant string     // as it is set
	logs   config.Log // the same
}

// main runs one command line and returns its exit code.
func (c *cli) main(ctx context.Context, args []string) int {
	c.args, c.id = args, runID()
	c.take(config.NewValues(nil, c.environ))
	c.logger(c.err) // for what is logged before there is a run
	root := c.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var reported *reportedError
	if err != nil && !errors.As(err, &reported) {
		c.fail(cmd, err)
	}
	return codeOf(err)
}

// take notes how to log, before anything is judged.
func (c *cli) take(v *config.Values) {
	c.logs.Level, _ = v.Lookup("LOG_LEVEL")
	c.logs.Format, _ = v.Lookup("LOG_FORMAT")
	c.tenant, _ = v.Lookup("AZURE_TENANT_ID")
	if c.panics != nil && c.logs.AsJSON(isTerminal(c.err)) {
		log := c.logger(c.err)
		c.panics(func(line string) { log.Error(line, "exit_code", crash.Code) })
	}
}

// logger logs to w, which leads to stderr, and takes in the standard library's log.
func (c *cli) logger(w io.Writer) *slog.Logger {
	log := report.NewLogger(w, isTerminal(c.err), c.logs, "run", c.id, "tenant", c.tenant)
	if c.standard != nil {
		c.standard(log)
	}
	return log
}

// messageEnded is the last record of a run.
const messageEnded = "run ended"

// fail says why a command ended, in a record where the log has such.
func (c *cli) fail(cmd *cobra.Command, err error) {
	if !c.logs.AsJSON(isTerminal(c.err)) {
		fmt.Fprintf(c.err, "exporter: %v\n", err)
		return
	}
	message := "command failed"
	if name := cmd.Name(); name == "run" || name == "backfill" {
		message = messageEnded
	}
	c.logger(c.err).Error(message, "error", err, "exit_code", codeOf(err))
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "exporter",
		Short:         "Export Microsoft Defender advanced hunting to a data lake and Kafka",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       versionLine(),
		Args:          commandsOnly,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{flagError(cmd, err)} })
	root.AddCommand(c.runCommand(), c.backfillCommand(), c.stateCommand(), c.queryCommand(), c.demoCommand(), c.simulateCommand(), c.versionCommand())
	return root
}

// commandsOnly refuses a command that does not exist, without repeating it: it may be
// anything.
func commandsOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "completion" { // made by cobra
			known[sub.Name()] = true
		}
	}
	list := slices.Sorted(maps.Keys(known))
	group := ""
	if cmd.HasParent() {
		group = cmd.Name() + ": "
	}
	return &usageError{fmt.Errorf("%sunknown command%s; there are %s", group, typo.DidYouMean(args[0], known), strings.Join(list, ", "))}
}

// flagError explains a flag that does not exist. What follows a single dash is not
// repeated: it may be a secret's flag with its value.
func flagError(cmd *cobra.Command, err error) error {
	known := map[string]bool{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known["--"+f.Name] = true })
	var (
		missing *pflag.NotExistError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &syntax), errors.As(err, &missing) && missing.GetSpecifiedShortnames() != "":
		name := ""
		if missing != nil {
			name, _, _ = strings.Cut(missing.GetSpecifiedShortnames(), "=")
		}
		return fmt.Errorf("flags begin with two dashes and a letter%s", typo.DidYouMean("--"+name, known))
	case missing != nil:
		return fmt.Errorf("%w%s", err, typo.DidYouMean("--"+missing.GetSpecifiedName(), known))
	}
	return err
}

// noArgs refuses arguments without repeating them: one may be a secret whose flag
// was mistyped.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Errorf("%s takes no arguments, %d given; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())}
}

// exactArgs demands n arguments.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return &usageError{fmt.Errorf("%s takes %s, %d arguments given; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())}
	}
}

// stateSettings are the settings that commands on the state use, by prefix.
var stateSettings = []string{"EXPORT_TABLES", "EXPORT_QUERIES", "LAKE_", "STATE_", "AWS_", "S3_", "KAFKA_", "AZURE_"}

// code is what an explanation has in quotes.
var code = regexp.MustCompile(`(^|[^\pL])'([^']+)'`)

// settingFlags gives a command a flag for every variable with one of the prefixes
// (none: every variable), and returns what was set, by variable.
func settingFlags(cmd *cobra.Command, prefixes ...string) func() map[string]string {
	flags := cmd.Flags()
	names := map[string]string{} // flag → variable
	add := func(v config.Variable, help, fallback string) {
		if fallback != "" {
			help += " (default " + fallback + ")"
		}
		flags.String(v.Flag(), "", help+" ["+v.Name+"]")
		names[v.Flag()] = v.Name
	}
	for _, v := range config.Variables() {
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(v.Name, p) }) {
			continue
		}
		help := code.ReplaceAllString(v.Explained(), "$1$2")
		if v.Secret {
			help += "; visible in the list of processes, prefer the variable or the file"
			add(config.Variable{Name: v.Name + config.FileSuffix}, "file that holds the secret "+v.Name, "")
		}
		add(v, help, v.Default)
	}
	return func() map[string]string {
		set := map[string]string{}
		for name, variable := range names {
			if f := flags.Lookup(name); f.Changed {
				set[variable] = f.Value.String()
			}
		}
		return set
	}
}

// isTerminal reports whether a person reads w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
