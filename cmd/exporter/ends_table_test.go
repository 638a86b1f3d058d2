package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hunting-exporter/pipeline"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
)

// ending is a tenant and the settings of a command that comes to an end.
type ending struct {
	*embedded
	t    *testing.T
	env  map[string]string
	stop context.CancelCauseFunc // stops the command
}

// change replaces settings.
func (e *ending) change(pairs ...string) { e.env = with(e.env, pairs...) }

// exported makes a run before the command.
func (e *ending) exported() {
	e.t.Helper()
	if rep := exportHere(e.t, e.embedded, e.env); rep.Code != codeDone {
		e.t.Fatalf("%+v", rep)
	}
}

// rewrite changes AlertInfo's state.
func (e *ending) rewrite(change func(d *state.Document)) {
	e.t.Helper()
	path := filepath.Join(e.env["LAKE_URL"], "_meta", "state", "AlertInfo.json")
	data, err := os.ReadFile(path)
	var doc state.Document
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err == nil {
		change(&doc)
		data, err = json.Marshal(doc)
	}
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

// refuse makes calls for rows or for counts fail.
func (e *ending) refuse(counts, rows func(tenant.Call) tenant.Fault) {
	e.tenant.Fault(func(c tenant.Call) tenant.Fault {
		refusal := rows
		if strings.Contains(c.Query, "count()") {
			refusal = counts
		}
		if c.API == "token" || refusal == nil {
			return tenant.Fault{}
		}
		return refusal(c)
	})
}

// query makes a custom query instead of AlertInfo.
func (e *ending) query(query string) {
	e.t.Helper()
	dir := e.t.TempDir()
	text := fmt.Sprintf("// name: Custom\n%s\n", query)
	if err := os.WriteFile(filepath.Join(dir, "a.kql"), []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	e.change("EXPORT_QUERIES", dir, "EXPORT_TABLES", "")
}

func invalid(tenant.Call) tenant.Fault {
	return tenant.Fault{
		Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
		Body: `{"error":{"code":"BadRequest","message":"the operator is not allowed here"}}`,
	}
}

// endReason is one reason for commands to end, and how each ends: run, backfill, and both as
// dry runs. Exit code -1: it is none for that command.
type endReason struct {
	what  string
	set   func(e *ending)
	codes [4]int
	says  [2]string // in the summary of one that exports, and of one that plans, unless its exit code is 0 there
}

const notAsked = -1

func same(code int) [4]int { return [4]int{code, code, code, code} }

func both(says string) [2]string { return [2]string{says, says} }

var reasons = []endReason{
	{"all is exported", func(*ending) {}, same(0), [2]string{}},
	{"there is nothing new", (*ending).exported, same(0), [2]string{}},
	{"another run has the dataset", held, same(0), [2]string{`"note":"dataset AlertInfo: AlertInfo: already running: other`, ""}},
	{"the deadline passes", func(e *ending) { e.change("EXPORT_DEADLINE", "1ms") }, [4]int{0, 0, notAsked, notAsked}, both(`"stopped":"EXPORT_DEADLINE`)},
	{"SIGTERM", func(e *ending) { e.signal(syscall.SIGTERM) }, same(143), both("stopped by signal: terminated")},
	{"SIGINT", func(e *ending) { e.signal(os.Interrupt) }, same(130), both("stopped by signal: interrupt")},
	{"SIGTERM at the start", func(e *ending) { e.stop(&interruptedError{syscall.SIGTERM}) }, same(143), both(`"error":"stopped by signal: terminated"`)},
	{"wrong secret", func(e *ending) { e.change("AZURE_CLIENT_SECRET", "planted-wrong") }, same(4), both(`"error":"source: `)},
	{"no permission", func(e *ending) { e.refuse(tenant.Call.Forbidden, tenant.Call.Forbidden) }, same(4), both("ThreatHunting.Read.All")},
	{"no such table", func(e *ending) { e.change("EXPORT_TABLES", "NoSuchTable") }, same(3), both("NoSuchTable")},
	{"no such table beside another", func(e *ending) { e.change("EXPORT_TABLES", "AlertInfo,NoSuchTable") }, same(3), both("NoSuchTable")},
	{"no such table in a query that sums up", func(e *ending) {
		e.query("// mode: aggregate\nNoSuchTable\n| where Timestamp >= _startTime and Timestamp < _endTime")
	}, [4]int{3, 0, 3, 0}, both("NoSuchTable")},
	{"no such table as a snapshot", func(e *ending) { e.query("// mode: snapshot\n// identity: A\nNoSuchTable") }, [4]int{3, 0, 3, 0}, both("NoSuchTable")},
	{"counts are refused", func(e *ending) { e.refuse(invalid, nil) }, same(0), [2]string{}},
	{"counts of a snapshot are refused", func(e *ending) { e.snapshot(); e.refuse(invalid, nil) }, same(0), [2]string{}},
	{"counts and rows are refused", func(e *ending) { e.refuse(invalid, invalid) }, same(3), both("not allowed here")},
	{"counts are forbidden", func(e *ending) { e.refuse(tenant.Call.Forbidden, nil) }, same(0), [2]string{}},
	{"counts are too much", func(e *ending) { e.refuse(tenant.Call.LimitsExceeded, nil) }, same(0), [2]string{}},
	{"counts have been refused for long", unchecked, [4]int{3, 0, 3, 0}, both("has not counted the rows since")},
	{"rows have no ingestion time", func(e *ending) { e.exported(); e.unclocked() }, same(3), both("have no ingestion time and are in no window")},
	{"rows have no ingestion time, and nothing is compared", func(e *ending) { e.change("EXPORT_RECONCILE", "0"); e.unclocked() }, same(0), [2]string{}},
	{"gaps", gaps, same(3), both("the API does not deliver 1 stretches")},
	{"rows have expired", expired, [4]int{3, 0, 3, 0}, both("had left the API before it could be read")},
	{"more is exported than the API counts", moved, [4]int{3, 0, 3, 0}, both("rows more are exported than the API counts, in ")},
	{"the ledger is gone", unledgered, same(1), both("which the state names, is gone or was changed")},
	{"the state does not fit", func(e *ending) { e.exported(); e.change("PARQUET_TIMESTAMP", "ns") }, same(2), both("exporter state adopt AlertInfo")},
	{"the lake's _meta is a file", func(e *ending) { metaIsFile(e.t, e.env) }, same(2), both("it is a file")},
	{"no broker there", func(e *ending) { e.change("KAFKA_BROKERS", "127.0.0.1:1") }, [4]int{1, 1, notAsked, notAsked}, both("KAFKA_BROKERS")},
}

func metaIsFile(t *testing.T, env map[string]string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(env["LAKE_URL"], "_meta"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// signal stops the command at the first call that hunts.
func (e *ending) signal(s os.Signal) {
	e.tenant.Fault(func(c tenant.Call) tenant.Fault {
		if c.API == "token" {
			return tenant.Fault{}
		}
		e.stop(&interruptedError{s})
		return tenant.Fault{Delay: time.Minute}
	})
}

func (e *ending) unclocked() {
	e.t.Helper()
	if err := e.tenant.WithoutIngestionTime("AlertInfo"); err != nil {
		e.t.Fatal(err)
	}
}

func (e *ending) snapshot() {
	e.t.Helper()
	e.change("EXPORT_TABLES", "AlertInfo,DeviceTvmSoftwareInventory")
	fill(e.t, e.tenant, "DeviceTvmSoftwareInventory", time.Now(), 5)
}

func held(e *ending) {
	e.exported()
	cfg, _ := judged(e.t, nil, e.env)
	s, err := openStores(e.t.Context(), cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	claim, err := state.NewStore(s.state, state.LockCAS, time.Minute).Acquire(e.t.Context(), "AlertInfo", "other",
		func() state.Document { return state.Document{} }, func(state.Document) error { return nil })
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { claim.Release(context.WithoutCancel(e.t.Context())) })
}

// gaps are of a tick that the API does not deliver.
func gaps(e *ending) {
	for at := range ingested(e.tenant, "AlertInfo") {
		e.tenant.Poison("AlertInfo", at, at.Add(pipeline.Tick), tenant.Call.LimitsExceeded)
		break
	}
	if rep := exportHere(e.t, e.embedded, e.env); rep.Code != codePartial {
		e.t.Fatalf("%+v", rep)
	}
}

func unchecked(e *ending) {
	e.change("EXPORT_RECONCILE", "15m")
	e.exported()
	e.rewrite(func(d *state.Document) {
		d.Checked, d.Ledger.From = d.Watermark.Add(-time.Hour), d.Watermark.Add(-time.Hour)
	})
	e.refuse(invalid, nil)
}

// moved leads to a tenant of the same name without rows.
func moved(e *ending) {
	at := time.Now().Truncate(15 * time.Minute)
	e.change("EXPORT_START", "4h")
	fill(e.t, e.tenant, "AlertInfo", at.Add(-80*time.Minute), 40)
	if rep := exportHere(e.t, e.embedded, e.env); rep.Rows != 80 {
		e.t.Fatalf("%+v", rep)
	}
	other, env := served(e.t, tenant.Options{CallsPerMinute: -1})
	fill(e.t, other.tenant, "AlertInfo", at.Add(-200*time.Minute), 40) // late
	for _, name := range []string{"SOURCE_ENDPOINT", "AZURE_AUTHORITY_HOST"} {
		e.change(name, env[name])
	}
	e.embedded = other
}

func unledgered(e *ending) {
	e.exported()
	files, err := filepath.Glob(filepath.Join(e.env["LAKE_URL"], "_meta", "ledger", "AlertInfo", "*"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err != nil || len(files) == 0 {
		e.t.Fatal(len(files), err)
	}
}

func expired(e *ending) {
	e.exported()
	e.rewrite(func(d *state.Document) {
		back := time.Now().UTC().Add(-32 * 24 * time.Hour).Truncate(pipeline.Tick)
		d.Progress = state.Progress{Watermark: back, Covered: []state.Stretch{{Start: back.Add(-time.Hour), End: back}}}
	})
}

// Each reason to end × each command has its exit code, the same for what exports and for
// what plans, and a summary with that code and the reason.
func TestEveryEnd(t *testing.T) {
	t.Parallel()
	for _, r := range reasons {
		for i, command := range []string{"run", "backfill", "run --dry-run", "backfill --dry-run"} {
			if r.codes[i] == notAsked {
				continue
			}
			t.Run(r.what+": "+command, func(t *testing.T) {
				t.Parallel()
				code, summary := endOf(t, r.set, command)
				if want := r.codes[i]; code != want || !strings.Contains(summary, fmt.Sprintf(`"exit_code":%d}`, want)) {
					t.Errorf("exit code %d, want %d\n%s", code, want, summary)
				}
				says := r.says[i/2]
				if r.codes[i] == 0 && r.codes[0] != 0 {
					says = ""
				}
				if !strings.Contains(summary, says) {
					t.Errorf("the summary does not say %q\n%s", says, summary)
				}
			})
		}
	}
}

// endOf is the exit code and the summary of a command.
func endOf(t *testing.T, set func(*ending), command string) (code int, summary string) {
	t.Helper()
	served, env := served(t, tenant.Options{CallsPerMinute: -1})
	stop, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	e := &ending{served, t, with(env, "EXPORT_TABLES", "AlertInfo"), cancel}
	fill(t, e.tenant, "AlertInfo", time.Now().Add(-10*time.Minute), 40)
	set(e)
	var log, out strings.Builder
	cfg, problems := judged(t, nil, e.env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := surroundings{log: newLogger(&log, false, cfg.Log), http: e.client()}
	if strings.HasPrefix(command, "backfill") {
		var err error
		if s.backfill, err = (stretchFlags{from: "2h", order: "oldest"}).backfill(time.Now(), cfg.Export.Lag); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if strings.HasSuffix(command, "--dry-run") {
		p := makePlan(stop, cfg, s)
		code, err = p.Code, p.print(&out, false)
	} else {
		rep := export(t.Context(), stop, cfg, s)
		code, err = rep.Code, rep.print(&out, false)
	}
	if err = errors.Join(err, context.Cause(t.Context())); err != nil {
		t.Fatal(err)
	}
	return code, strings.TrimSpace(out.String())
}
