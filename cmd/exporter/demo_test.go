package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hunting-exporter/demo"
	"hunting-exporter/tenant"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	dir, truth := filepath.Join(t.TempDir(), "lake"), t.TempDir()
	code, out, errs := exporter(t, nil, "demo", "--dir", dir, "--rows", "100", "--truth", truth)
	if code != 0 || !strings.Contains(out, "Every cell was compared") || !strings.Contains(out, "read_parquet") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, table := range demo.Tables {
		data, err := os.ReadFile(filepath.Join(truth, table+".ndjson"))
		if err != nil || bytes.Count(data, []byte("\n")) != 100 {
			t.Errorf("truth of %s: %d bytes, %v", table, len(data), err)
		}
	}
	code, out, errs = exporter(t, nil, "demo", "--dir", dir, "--rows", "50", "--seed", "2")
	if code != 0 || !strings.Contains(out, "Replacing what an earlier demo left") {
		t.Errorf("again: exit code %d\n%s%s", code, out, errs)
	}
	if code, _, _ = exporter(t, nil, "demo", "--dir", truth); code != 2 {
		t.Errorf("a folder of somebody else's: exit code %d", code)
	}
}

func TestDemoKilledAndWithKafka(t *testing.T) {
	t.Parallel()
	env := map[string]string{asExporter: "1", "LAKE_URL": "s3://never/used", "AZURE_CLIENT_SECRET": "never used"}
	code, out, errs := exporter(t, env, "demo", "--dir", t.TempDir(), "--rows", "500", "--fail", "--kafka")
	if code != 0 || !strings.Contains(out, "killed (SIGKILL)") || !strings.Contains(out, "All topics together hold 4000 events") ||
		!strings.Contains(out, "Every cell was compared") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// A lake that lost, repeats or changes a row must be told from one that holds the truth.
func TestVerifyTellsDifferences(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lake")
	if code, out, errs := exporter(t, nil, "demo", "--dir", dir, "--rows", "50"); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	tn := tenant.New(tenant.Options{})
	if err := tn.Seed(tenant.Seed{Tables: demo.Tables, Rows: 50, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	from := noon.AddDate(-10, 0, 0)
	v, err := verify(t, dir, tn, "AlertInfo", from, noon.AddDate(10, 0, 0))
	if err != nil || v.Complete() || v.Missing != 50 || v.Extra != 50 {
		t.Errorf("rows of other times: %+v, %v", v, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "AlertInfo", "*", "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(files[0]), "twin.parquet"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, dir, tn, "AlertInfo", from, noon); err == nil || !strings.Contains(err.Error(), "in no manifest") {
		t.Errorf("a file that no manifest names: %v", err)
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	load := t.TempDir()
	row := `{"Timestamp":"2026-01-13T09:28:36.2236631Z","AlertId":"a1","Title":"it's one"}` + "\n"
	if err := os.WriteFile(filepath.Join(load, "AlertInfo.ndjson"), []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"made up":  {"--rows", "30", "--tables", "AlertInfo", "--truth", t.TempDir()},
		"recorded": {"--load", load},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w := io.Pipe()
			signals := make(chan os.Signal)
			code := make(chan int)
			c := &cli{out: w, err: io.Discard, signals: signals, exit: func(int) {}}
			go func() { code <- c.main(t.Context(), append([]string{"simulate"}, args...)) }()
			env := map[string]string{"LAKE_URL": t.TempDir(), "EXPORT_START": "48h", "EXPORT_LAG": "0s"}
			for lines := bufio.NewScanner(r); lines.Scan(); {
				pair, ok := strings.CutPrefix(lines.Text(), "export ")
				name, value, _ := strings.Cut(pair, "=")
				if !ok {
					t.Fatalf("no line of a shell: %s", lines.Text())
				}
				env[name] = strings.Trim(value, "'")
			}
			got, out, errs := runChild(t, env, "run")
			if rep := reportOf(t, out); got != 0 || rep.Rows == 0 {
				t.Errorf("exit code %d\n%s%s", got, out, errs)
			}
			signals <- syscall.SIGTERM
			if got := <-code; got != 0 {
				t.Errorf("simulate ended with %d", got)
			}
		})
	}
}

// TestSimulateInOneTerminal runs what the help says, with fewer rows, in the shells there
// are. All of it ends: the terminal is free once the simulator serves.
func TestSimulateInOneTerminal(t *testing.T) {
	t.Parallel()
	const documented = `eval "$(exporter simulate --background)"`
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, help, _ := exporter(t, nil, "simulate", "--help"); !strings.Contains(help, "\n  "+documented+"\n") || !strings.Contains(string(readme), documented) {
		t.Errorf("help and README do not say %s", documented)
	}
	for _, shell := range []string{"sh", "bash"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			self, err := os.Executable()
			if err == nil {
				err = os.Symlink(self, filepath.Join(dir, "exporter"))
			}
			if err != nil {
				t.Fatal(err)
			}
			script := `set -eu
` + strings.Replace(documented, "simulate", "simulate --rows 30 --tables AlertInfo", 1) + `
trap 'kill $SIMULATE_PID' EXIT
LAKE_URL=lake EXPORT_START=48h EXPORT_LAG=0s exporter run
`
			cmd, out, errs := child(t, map[string]string{"PATH": dir + ":" + os.Getenv("PATH")})
			cmd.Path, cmd.Args, cmd.Dir = shell, []string{shell, "-c", script}, dir
			if cmd.Path, err = exec.LookPath(shell); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s%s", err, out, errs)
			}
			if rep := reportOf(t, out.String()); rep.Rows == 0 {
				t.Errorf("no rows\n%s", errs)
			}
		})
	}
}

// TestSimulateThatFailsInTheBackground tells why as it does in the foreground.
func TestSimulateThatFailsInTheBackground(t *testing.T) {
	t.Parallel()
	code, out, errs := runChild(t, nil, "simulate", "--background", "--load", t.TempDir())
	if code != codeConfiguration || out != "" || strings.Count(errs, "no *.ndjson file there") != 1 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestLateRowsOfSimulate(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]int{0: 0, 0.05: 50, 0.3: 300, 1: 1000} {
		late := 0
		for row := range 1000 {
			if (simulation{late: share}).visible(row) > 0 {
				late++
			}
		}
		if late < want-1 || late > want+1 {
			t.Errorf("a share of %v is %d of 1000 rows", share, late)
		}
	}
}
