package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/report"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
)

func TestStateCommands(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
	expect := func(env map[string]string, want int, says string, args ...string) {
		t.Helper()
		code, out, errs := runChild(t, env, args...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Fatalf("%v: exit code %d, want %d and %q\n%s%s", args, code, want, says, out, errs)
		}
	}
	expect(env, 0, "dataset", "state", "show")
	expect(env, 1, "no state yet", "state", "show", "AlertInfo")
	expect(with(env, "LAKE_ULR", env["LAKE_URL"], "LAKE_URL", ""), 2, "did you mean LAKE_URL?", "state", "show")
	expect(env, 0, `"rows":20`, "run")
	expect(env, 0, "AlertInfo  1", "state", "show")
	expect(env, 2, "no pending commit", "state", "resolve", "AlertInfo", "--committed")
	moved := with(env, "STATE_URL", env["LAKE_URL"]+"/_meta", "LAKE_URL", t.TempDir())
	expect(moved, 2, "exporter state adopt AlertInfo", "run")
	expect(moved, 2, "--yes", "state", "adopt", "AlertInfo")
	expect(moved, 2, "exporter state adopt AlertInfo", "run")
	expect(moved, 0, "AlertInfo: done", "state", "adopt", "AlertInfo", "--yes")
	expect(moved, 0, `"exit_code":0`, "run")
	expect(env, 2, "exporter state adopt AlertInfo", "run")
}

// shown is what `state show --output json` says of AlertInfo, in this process.
func shown(t *testing.T, env map[string]string) (s report.State, text string) {
	t.Helper()
	code, out, errs := exporter(t, env, "state", "show", "--output", "json")
	if code != 0 || strings.Count(out, "\n") != 1 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	code, text, errs = exporter(t, env, "state", "show", "AlertInfo")
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, text, errs)
	}
	return s, text
}

// claimed is another run's claim of AlertInfo.
func claimed(t *testing.T, env map[string]string, lease time.Duration) *state.Claim {
	t.Helper()
	cfg, _ := judged(t, nil, env)
	s, err := openStores(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	claim, err := state.NewStore(s.state, state.LockCAS, lease).Acquire(t.Context(), "AlertInfo", "other",
		func() state.Document { return state.Document{} }, func(state.Document) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return claim
}

// TestStateShowsHowRunsEnded: last run, last success and last error of a dataset, how far
// behind it is, whose it is and where it goes, for people and for programs.
func TestStateShowsHowRunsEnded(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	env["EXPORT_TABLES"] = "AlertInfo"
	fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
	expect := func(text string, says ...string) {
		t.Helper()
		for _, s := range says {
			if !strings.Contains(text, s) {
				t.Errorf("%q is not in\n%s", s, text)
			}
		}
	}

	good := exportHere(t, e, env)
	first, text := shown(t, env)
	if first.Last == nil || first.Success == nil || *first.Last != *first.Success || first.Last.Run != good.Run || first.Failure != nil {
		t.Errorf("after a good run: %+v", first)
	}
	if first.Lag == nil || *first.Lag < 0 || *first.Lag > 3600 || first.Lease != report.LeaseFree || first.Rows != 20 {
		t.Errorf("after a good run: %+v", first)
	}
	if first.Owner != first.ID || first.ID == "" || first.Destinations.Lake != "file://"+env["LAKE_URL"] || first.Meaning.Tenant == "" {
		t.Errorf("whose and where: %+v", first)
	}
	expect(text, " done ", "owner     this state", "lake      file://"+env["LAKE_URL"], "rows of   tenant "+first.Meaning.Tenant, "success   2", "failure   none yet")

	refuses := true
	e.Tenant.Fault(func(c tenant.Call) tenant.Fault {
		if c.API == "token" || !refuses {
			return tenant.Fault{}
		}
		return c.Forbidden()
	})
	bad := exportHere(t, e, env)
	second, text := shown(t, env)
	if bad.Code != codeDenied || second.Last == nil || second.Failure == nil || *second.Last != *second.Failure || second.Last.Run != bad.Run || *second.Success != *first.Success {
		t.Errorf("after a failed run: exit code %d, %+v", bad.Code, second)
	}
	expect(text, " failed ", "failure   2", "403")
	_, all, _ := exporter(t, env, "state", "show")
	expect(all, "failed: AlertInfo: ", "403")

	refuses = false
	ends := func(held string, want *state.End) {
		t.Helper()
		s, text := shown(t, env)
		if s.Lease != held || s.Last == nil || *s.Last != *want || *s.Failure != *second.Failure {
			t.Errorf("%s: %+v", held, s)
		}
		expect(text, held)
	}
	if rep := exportHere(t, e, with(env, "LAKE_URL", t.TempDir(), "STATE_URL", env["LAKE_URL"]+"/_meta")); rep.Code != codeConfiguration {
		t.Errorf("a run of other settings: %+v", rep)
	}
	ends(report.LeaseFree, second.Last) // it is refused, and changes nothing
	claim := claimed(t, env, time.Hour)
	if rep := exportHere(t, e, env); rep.Code != codeDone {
		t.Errorf("a run beside another: %+v", rep)
	}
	ends(report.LeaseHeld, second.Last) // the other run does the work
	claim.Release(t.Context())
	if again := exportHere(t, e, env); again.Code != codeDone {
		t.Errorf("%+v", again)
	} else if s, _ := shown(t, env); s.Success.Run != again.Run || *s.Last != *s.Success || *s.Failure != *second.Failure {
		t.Errorf("once cured: %+v", s)
	}
}

// TestStateShowGoesOnAfterABrokenDocument: the others are shown all the same.
func TestStateShowGoesOnAfterABrokenDocument(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
	fill(t, e.Tenant, "DeviceLogonEvents", time.Now(), 20)
	if rep := exportHere(t, e, env); rep.Code != codeDone {
		t.Fatalf("%+v", rep)
	}
	broken := filepath.Join(env["LAKE_URL"], "_meta", "state", "AlertInfo.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, output := range []string{"text", "json"} {
		code, out, errs := exporter(t, env, "state", "show", "--output="+output)
		if code != codeRetry || !strings.Contains(out, "DeviceLogonEvents") || !strings.Contains(errs, "AlertInfo.json is not a state document") ||
			!strings.Contains(errs, "`exporter state adopt AlertInfo --start") { // another STATE_URL would be refused: the lake has files
			t.Errorf("exit code %d\n%s%s", code, out, errs)
		}
	}
	if code, _, errs := exporter(t, env, "state", "show", "--output", "yaml"); code != codeConfiguration || !strings.Contains(errs, "text or json") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
