package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"hunting-exporter/internal/crash"
)

// A panic ends each command that calls the tenant with 70 and one line.
func TestEveryEndByAPanic(t *testing.T) {
	t.Parallel()
	for _, command := range append(running[:], byHand[2]) {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			env := usable("LAKE_URL", t.TempDir(), "AZURE_TENANT_ID", "contoso.example", asExporter, "panics")
			code, out, errs := runChild(t, env, strings.Fields(command)...)
			records := logged(t, errs)
			if last := records[len(records)-1]; code != crash.Code || out != "" || len(named(records, messageEnded)) > 0 ||
				!strings.HasPrefix(fmt.Sprint(last["msg"]), "internal error at ends_own_test.go:") || last["exit_code"] != float64(crash.Code) {
				t.Errorf("exit code %d\n%s%s", code, out, errs)
			}
		})
	}
}

// panics is a tenant that makes the exporter panic.
type panics struct{}

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic("a fault of the exporter") }

// panicking is the exporter, as main makes it, with such a tenant.
func panicking() int {
	defer crash.Exit()
	c := &cli{out: os.Stdout, err: os.Stderr, environ: os.Environ(), exit: os.Exit, panics: crash.Tell, http: &http.Client{Transport: panics{}}}
	return c.main(context.Background(), os.Args[1:])
}

// onceWritten sends a signal when the command begins to say something.
type onceWritten struct {
	said    bytes.Buffer
	once    sync.Once
	signals chan<- os.Signal
}

func (w *onceWritten) Write(p []byte) (int, error) {
	w.once.Do(func() { w.signals <- syscall.SIGTERM })
	return w.said.Write(p)
}

const (
	beforeItServes = "at the start"
	whenItSpeaks   = "as soon as it says something"
)

// ownEnds are the ends of commands that need no settings.
var ownEnds = []struct {
	command string
	signal  string // when one comes
	cell
}{
	{"demo --rows 20 --dir new", "", cell{0, "Every cell was compared"}},
	{"demo --rows 0", "", cell{2, "--rows must be"}},
	{"demo --dir /", "", cell{2, "/"}},
	{"demo --rows 20 --dir new", whenItSpeaks, cell{143, "stopped by signal: terminated"}},
	{"simulate --rows 20 --tables AlertInfo", whenItSpeaks, cell{0, "export SOURCE_ENDPOINT="}},
	{"demo --rows 20 --dir new", beforeItServes, cell{143, "stopped by signal: terminated"}},
	{"simulate --rows 20", beforeItServes, cell{0, "export SOURCE_ENDPOINT="}},
	{"simulate --rows -1", "", cell{2, "--rows must be"}},
	{"simulate --rows 20 --listen 192.0.2.1:1", "", cell{1, "192.0.2.1:1"}},
	{"query check new", "", cell{2, "holds no *.kql file"}},
	{"query check", "", cell{2, "takes files or folders"}},
	{"query check none.kql", "", cell{2, "none.kql  -  refused"}},
	{"query check none.kql --output yaml", "", cell{2, "neither text nor json"}},
	{"version", "", cell{0, "exporter "}},
	{"version now", "", cell{2, "takes no arguments"}},
}

// Commands without settings end with their codes as well.
func TestEveryEndOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range ownEnds {
		t.Run(c.command+" "+c.signal, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			signals := make(chan os.Signal)
			out, errs := &onceWritten{signals: signals}, &bytes.Buffer{}
			if c.signal != whenItSpeaks {
				out.once.Do(func() {})
			}
			if c.signal == beforeItServes {
				cancel(&interruptedError{syscall.SIGTERM})
			}
			command := strings.Fields(strings.Replace(c.command, "new", t.TempDir(), 1))
			x := &cli{out: out, err: errs, signals: signals, exit: func(code int) { t.Errorf("ended on the spot with %d", code) }}
			code := x.main(ctx, command)
			if code != c.code || !strings.Contains(out.said.String()+errs.String(), c.says) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", code, c.code, c.says, out.said.String(), errs)
			}
		})
	}
}

// TestEveryCommandHasItsEnds: one that comes up later needs them as well.
func TestEveryCommandHasItsEnds(t *testing.T) {
	t.Parallel()
	judged := map[string]bool{}
	note := func(command string) {
		name, flags, _ := strings.Cut(strings.Replace(command, " AlertInfo", "", 1), " --")
		judged[name] = true
		if strings.Contains(" --"+flags, " --dry-run") {
			judged[name+" --dry-run"] = true
		}
	}
	for _, command := range append(running[:], byHand[:]...) {
		note(command)
	}
	for _, c := range ownEnds {
		note(c.command)
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if name := strings.TrimPrefix(cmd.CommandPath(), "exporter "); !cmd.HasSubCommands() {
			if !judged[name] || cmd.Flags().Lookup("dry-run") != nil && !judged[name+" --dry-run"] {
				t.Errorf("%s: its ends are in no table", name)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&cli{}).root())
}
