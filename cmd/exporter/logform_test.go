package main

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hunting-exporter/internal/crash"
	"hunting-exporter/tenant"
)

// One throttling is one warning, however many calls were under way.
func TestOneWarningAThrottling(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	tables := []string{"AlertInfo", "DeviceLogonEvents", "EmailEvents", "DeviceProcessEvents"}
	for _, name := range tables {
		fill(t, e.Tenant, name, time.Now(), 20)
	}
	var asked atomic.Int64
	all, again := make(chan struct{}), make(chan struct{})
	e.Tenant.Fault(func(c tenant.Call) tenant.Fault {
		if c.API == "token" || strings.Contains(c.Query, "count()") {
			return tenant.Fault{}
		}
		n := asked.Add(1)
		switch n {
		case 4: // the four calls for rows are under way before the first one is refused
			close(all)
		case 8: // all four have heard of it before one is answered
			close(again)
		}
		if n > 4 {
			<-again
			return tenant.Fault{}
		}
		<-all
		return c.CPUExceeded(time.Second)
	})
	code, out, errs := runChild(t, with(env, "EXPORT_TABLES", strings.Join(tables, ",")), "run")
	if rep := reportOf(t, out); code != 0 || rep.Rows != 80 || rep.Refusals != 4 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	records := logged(t, errs)
	warnings := slices.DeleteFunc(slices.Clone(records), func(r map[string]any) bool { return r["level"] != "WARN" })
	if len(warnings) != 1 || warnings[0]["wait_seconds"] != float64(2) {
		t.Errorf("warnings: %v", warnings)
	}
	if over := named(records, "throttling is over"); len(over) != 1 || over[0]["refusals"] != float64(4) {
		t.Errorf("its end: %v", over)
	}
}

// What is wrong with the settings or the command line is said in the form of the log.
func TestErrorsHaveTheFormOfTheLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		args []string
		json bool
	}{
		{nil, []string{"run"}, true},
		{nil, []string{"run", "--log-format", "text"}, false},
		{map[string]string{"LOG_FORMAT": "text"}, []string{"run"}, false},
		{map[string]string{"LOG_FORMAT": "text"}, []string{"run", "--log-format=json"}, true},
		{map[string]string{"LOG_FORMAT": "json"}, []string{"state", "show"}, true},
		{map[string]string{"LOG_FORMAT": "text"}, []string{"state", "show"}, false},
		{map[string]string{"LOG_FORMAT": "text"}, []string{"rnu"}, false},
	} {
		code, _, errs := exporter(t, c.env, c.args...)
		if code != codeConfiguration || strings.HasPrefix(errs, "{") != c.json || strings.HasPrefix(errs, "exporter: ") == c.json {
			t.Errorf("%v %v: exit code %d\n%s", c.env, c.args, code, errs)
		}
		if c.json && strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: more than a line:\n%s", c.args, errs)
		}
	}
}

// A panic is a record as well.
func TestPanicHasTheFormOfTheLog(t *testing.T) {
	t.Parallel()
	for format, wanted := range map[string]int{"json": 1, "": 1, "text": 0} { // as text its line stands by itself
		var out, errs bytes.Buffer
		said := 0
		c := &cli{
			out: &out, err: &errs, environ: environ(map[string]string{"LOG_FORMAT": format}), exit: func(int) {},
			panics: func(say func(string)) { said = 1; say("internal error") },
		}
		if code := c.main(t.Context(), []string{"version"}); code != codeDone || said != wanted {
			t.Errorf("%q: exit code %d, said %d times", format, code, said)
		}
		for _, r := range logged(t, errs.String()) {
			checkRecord(t, r)
			if r["level"] != "ERROR" || r["msg"] != "internal error" || r["exit_code"] != float64(crash.Code) {
				t.Error(r)
			}
		}
	}
}
