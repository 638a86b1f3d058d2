package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

func TestExitCodesOfRun(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.tenant, "AlertInfo", time.Now(), 20)
	fill(t, e.tenant, "DeviceLogonEvents", time.Now(), 20)
	denied, deniedEnv := served(t, tenant.Options{CallsPerMinute: -1})
	denied.tenant.Fault(func(c tenant.Call) tenant.Fault {
		if c.API == "token" {
			return tenant.Fault{}
		}
		return c.Forbidden()
	})
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(store.Close)
	for name, c := range map[string]struct {
		env  map[string]string
		code int
		says string
	}{
		"done":                       {env, 0, `"exit_code":0`},
		"wrong secret":               {with(env, "AZURE_CLIENT_SECRET", "planted-wrong"), 4, "source: "},
		"no permission":              {deniedEnv, 4, "ThreatHunting.Read.All"},
		"a table the tenant has not": {with(env, "EXPORT_TABLES", "AlertInfo,NoSuchTable", "LAKE_URL", t.TempDir()), 3, "NoSuchTable"},
		"only such a table":          {with(env, "EXPORT_TABLES", "NoSuchTable", "LAKE_URL", t.TempDir()), 3, "NoSuchTable"},
		"nothing to export":          {with(env, "EXPORT_TABLES", ""), 2, "nothing to export"},
		"no broker there":            {with(env, "KAFKA_BROKERS", "127.0.0.1:1", "LAKE_URL", t.TempDir()), 1, "KAFKA_BROKERS"},
		"store refuses": {with(env, "LAKE_URL", "s3://bucket/lake", "AWS_REGION", "x", "S3_PATH_STYLE", "true", "AWS_ACCESS_KEY_ID", "k",
			"AWS_SECRET_ACCESS_KEY", "s", "AWS_ENDPOINT_URL_S3", store.URL), 4, "s3://bucket/lake"},
		"lake is a file": {with(env, "LAKE_URL", os.Args[0]), 2, "it is a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runChild(t, c.env, "run")
			if code != c.code || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", code, c.code, c.says, out, errs)
			}
		})
	}
}

func TestUnreachableEndsBeforeStateIsTouched(t *testing.T) {
	t.Parallel()
	_, env := served(t, tenant.Options{})
	code, out, errs := runChild(t, with(env, "KAFKA_BROKERS", "127.0.0.1:1"), "run")
	if code != 1 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if found, _ := filepath.Glob(filepath.Join(env["LAKE_URL"], "_meta", "state", "*")); len(found) > 0 {
		t.Errorf("state was written: %v", found)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
	}{
		{nil, 0},
		{[]string{"version"}, 0},
		{[]string{"run", "--help"}, 0},
		{[]string{"rnu"}, 2},
		{[]string{"run", "--export-tabels", "A"}, 2},
		{[]string{"run", "stray"}, 2},
		{[]string{"state", "resolve", "A"}, 2},
		{[]string{"state", "resolve", "A", "--committed", "--not-committed"}, 2},
		{[]string{"state", "adopt"}, 2},
		{[]string{"state", "adopt", "../x"}, 2},
		{[]string{"simulate", "--form", "x"}, 2},
		{[]string{"simulate", "--late", "2"}, 2},
		{[]string{"backfill", "--help"}, 0},
		{[]string{"demo", "--rows", "0"}, 2},
	} {
		code, out, errs := exporter(t, map[string]string{"LAKE_URL": t.TempDir()}, c.args...)
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d\n%s%s", c.args, code, c.code, out, errs)
		}
		if strings.Contains(out+errs, "stray") {
			t.Errorf("%v: an argument is repeated: %s%s", c.args, out, errs)
		}
	}
}

func TestFlagsOfRun(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.tenant, "AlertInfo", time.Now(), 20)
	code, out, errs := runChild(t, with(env, "EXPORT_TABLES", "Nothing", "SOURCE_API", "grap"), "run",
		"--export-tables", "AlertInfo", "--source-api=m365d", "--lake-url", t.TempDir())
	if rep := reportOf(t, out); code != 0 || rep.Rows != 20 || rep.Buffers == 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestSignalsAndDeadline(t *testing.T) {
	t.Parallel()
	slow := func(t *testing.T) (env map[string]string, asked chan struct{}) {
		e, env := served(t, tenant.Options{CallsPerMinute: -1})
		asked = make(chan struct{}, 100)
		fill(t, e.tenant, "AlertInfo", time.Now(), 20)
		e.tenant.Fault(func(c tenant.Call) tenant.Fault {
			if c.API == "token" || !strings.HasPrefix(c.Query, "DeviceLogonEvents") {
				return tenant.Fault{}
			}
			asked <- struct{}{}
			return tenant.Fault{Delay: time.Minute}
		})
		return env, asked
	}
	for _, c := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGTERM, 143}, {syscall.SIGINT, 130}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			t.Parallel()
			env, asked := slow(t)
			cmd, out, errs := child(t, env, "run")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-asked
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Fatalf("exit code %d, want %d\n%s%s", code, c.code, out, errs)
			}
			if rep := reportOf(t, out.String()); rep.Code != c.code || !strings.Contains(rep.Stopped, c.signal.String()) {
				t.Errorf("summary %+v", rep)
			}
		})
	}
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		env, _ := slow(t)
		code, out, errs := runChild(t, with(env, "EXPORT_DEADLINE", "1s"), "run")
		if rep := reportOf(t, out); code != 0 || !strings.Contains(rep.Stopped, "EXPORT_DEADLINE") {
			t.Errorf("exit code %d\n%s%s", code, out, errs)
		}
	})
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	signals, exited := make(chan os.Signal), make(chan int)
	ctx, release := untilSignal(t.Context(), signals, func(code int) { exited <- code })
	defer release()
	signals <- syscall.SIGTERM
	<-ctx.Done()
	if e := interruption(ctx); e == nil || e.code() != 143 {
		t.Errorf("cause %v", e)
	}
	signals <- os.Interrupt
	if code := <-exited; code != 143 {
		t.Errorf("exit code %d", code)
	}
}
