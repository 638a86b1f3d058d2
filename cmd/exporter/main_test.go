package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hunting-exporter/blob/dir"
	"hunting-exporter/demo"
	_ "hunting-exporter/internal/racetest"
	"hunting-exporter/report"
	"hunting-exporter/schema"
	"hunting-exporter/sink/lake"
	"hunting-exporter/tenant"
)

// asExporter makes the test binary behave as the exporter itself.
const asExporter = "HUNTING_EXPORTER_TEST_MAIN"

func TestMain(m *testing.M) {
	switch os.Getenv(asExporter) {
	case "":
	case "panics":
		os.Exit(panicking())
	default:
		os.Exit(realMain(context.Background(), os.Args[1:]))
	}
	for name, value := range map[string]string{ // of commands in this process: no memory goal, and a store's credentials
		"GOMEMLIMIT": "off", "GOGC": "100", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// exporter runs one command line in this process.
func exporter(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	c := &cli{out: &out, err: &err, environ: environ(env), exit: func(int) {}}
	code = c.main(t.Context(), args)
	return code, out.String(), err.String()
}

// reportOf reads the JSON summary of a run.
func reportOf(t *testing.T, stdout string) report.Run {
	t.Helper()
	var r report.Run
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("summary %q: %v", stdout, err)
	}
	return r
}

// fill puts n rows into a table, one a second and the last just before to, with a
// value of its type in every column.
func fill(t *testing.T, tn *tenant.Tenant, name string, to time.Time, n int) {
	t.Helper()
	table, ok := schema.Lookup(name)
	if !ok {
		t.Fatalf("no table %s", name)
	}
	add(t, tn, name, table.APIColumns(), to, n)
}

// add puts n rows with these columns into a table, of the seconds up to a time.
func add(t *testing.T, tn *tenant.Tenant, name string, columns []schema.Column, to time.Time, n int) {
	t.Helper()
	rows := make([]tenant.Row, n)
	for i := range rows {
		at := to.Add(-time.Duration(n-i) * time.Second).Add(1234567 * 100)
		cells := make([]any, len(columns))
		for k, c := range columns {
			cells[k] = sample(c.Type, at, i*len(columns)+k)
		}
		rows[i] = tenant.Row{Ingested: at.Add(300 * time.Millisecond), Cells: cells}
	}
	if err := tn.Add(name, columns, rows...); err != nil {
		t.Fatal(err)
	}
}

func sample(apiType string, at time.Time, n int) any {
	switch apiType {
	case "DateTime":
		return at.UTC()
	case "SByte", "Boolean":
		return n%2 == 0
	case "Int32", "Int64":
		return int64(n)
	case "Double":
		return float64(n) / 8
	case "Object", "Dynamic":
		return fmt.Sprintf(`{"n":%d,"text":"ü <&>"}`, n)
	case "Guid":
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	case "String":
		return fmt.Sprintf("text %d \"ü\" <&>", n%7)
	}
	return nil
}

// served is a tenant behind TLS, and the environment that leads there.
func served(t *testing.T, o tenant.Options) (*demo.Server, map[string]string) {
	t.Helper()
	e, err := demo.Serve(t.Context(), tenant.New(o), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	cert, err := e.CertFile()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SSL_CERT_FILE": cert, "LAKE_URL": t.TempDir(), "EXPORT_TABLES": "AlertInfo,DeviceLogonEvents",
		"EXPORT_START": "1h", "EXPORT_LAG": "0s", "SOURCE_CALLS_PER_MINUTE": "1000",
	}
	for _, s := range e.Settings() {
		env[s[0]] = s[1]
	}
	return e, env
}

// verify compares a lake on disk with what the tenant holds of [from, to).
func verify(t *testing.T, folder string, truth *tenant.Tenant, table string, from, to time.Time) (demo.Verdict, error) {
	t.Helper()
	return demo.Compare(t.Context(), lakeIn(t, folder), truth, table, from, to)
}

// lakeIn is the lake in a folder.
func lakeIn(t *testing.T, folder string) *lake.Lake {
	t.Helper()
	files, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := dir.Open(filepath.Join(folder, "_meta"))
	if err != nil {
		t.Fatal(err)
	}
	return lake.New(files, meta)
}

// child prepares one command line in a process of its own.
func child(t *testing.T, env map[string]string, args ...string) (cmd *exec.Cmd, out, err *bytes.Buffer) {
	t.Helper()
	self, e := os.Executable()
	if e != nil {
		t.Fatal(e)
	}
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	cmd = exec.CommandContext(t.Context(), self, args...)
	// Where races are looked for, a process would sleep for a second at its end.
	cmd.Env = append(append([]string{asExporter + "=1"}, environ(env)...), "GORACE=atexit_sleep_ms=0", "HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	cmd.Stdout, cmd.Stderr = out, err
	return cmd, out, err
}

// runChild runs one command line to its end.
func runChild(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd, out, errs := child(t, env, args...)
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// with is env with some variables changed.
func with(env map[string]string, pairs ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return env
}
