package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/tenant"
)

func TestUnreachableEndsBeforeStateIsTouched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnding(t)
		e.change("KAFKA_BROKERS", "127.0.0.1:1")
		e.before(codeRetry)
		if found, _ := filepath.Glob(filepath.Join(e.env["LAKE_URL"], "_meta", "state", "*")); len(found) > 0 {
			t.Errorf("state was written: %v", found)
		}
	})
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
	fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
	code, out, errs := runChild(t, with(env, "EXPORT_TABLES", "Nothing", "SOURCE_API", "grap"), "run",
		"--export-tables", "AlertInfo", "--source-api=m365d", "--lake-url", t.TempDir())
	if rep := reportOf(t, out); code != 0 || rep.Rows != 20 || rep.Buffers == 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	slow := func(t *testing.T) (env map[string]string, asked chan struct{}) {
		e, env := served(t, tenant.Options{CallsPerMinute: -1})
		asked = make(chan struct{}, 100)
		fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
		e.Tenant.Fault(func(c tenant.Call) tenant.Fault {
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
