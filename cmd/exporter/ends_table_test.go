package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
	"hunting-exporter/tenant"
)

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
	{"wrong settings", func(e *ending) { e.change("STATE_LEASE", "1ms", "EXPORT_START", "soon") }, same(2), both("EXPORT_START")},
	{"nothing to export", func(e *ending) { e.change("EXPORT_TABLES", "") }, same(2), both("nothing to export")},
	{"nothing is set", func(e *ending) { e.env = nil }, same(2), both("AZURE_TENANT_ID")},
	{"the deadline passes", func(e *ending) { e.change("EXPORT_DEADLINE", "1ms") }, [4]int{0, 0, notAsked, notAsked}, both(`"stopped":"EXPORT_DEADLINE`)},
	{"the deadline passes after rows", func(e *ending) { e.change("EXPORT_DEADLINE", "1m"); e.hang(e.second()) }, [4]int{0, 0, notAsked, notAsked}, both(`"rows":40,"rejected":0,"commits":1,`)},
	{"the quota ends it", func(e *ending) { e.change("EXPORT_DEADLINE", "50s", "SOURCE_CALLS_PER_MINUTE", "1") }, [4]int{0, 0, notAsked, notAsked}, both("no call for")},
	{"the quota ends it after rows", func(e *ending) {
		e.second()
		e.change("EXPORT_DEADLINE", "50s", "SOURCE_CALLS_PER_MINUTE", "2")
	}, [4]int{0, notAsked, notAsked, notAsked}, both(`"rows":40,"rejected":0,"commits":1,`)},
	{"the quota ends it after rows and the counts of a backfill", func(e *ending) {
		e.second()
		e.change("EXPORT_DEADLINE", "50s", "SOURCE_CALLS_PER_MINUTE", "4")
	}, [4]int{notAsked, 0, notAsked, notAsked}, both(`"rows":40,"rejected":0,"commits":1,`)},
	{"SIGTERM", func(e *ending) { e.signal(hunts, syscall.SIGTERM) }, same(143), both("stopped by signal: terminated")},
	{"SIGTERM twice", func(e *ending) { e.signal(hunts, syscall.SIGTERM, syscall.SIGTERM) }, same(143), both("stopped by signal: terminated")},
	{"SIGINT", func(e *ending) { e.signal(hunts, os.Interrupt) }, same(130), both("stopped by signal: interrupt")},
	{"SIGTERM at the start", func(e *ending) { e.signal(logsIn, syscall.SIGTERM) }, same(143), both(`"error":"stopped by signal: terminated"`)},
	{"SIGTERM after rows", func(e *ending) { e.signal(e.second(), syscall.SIGTERM) }, [4]int{143, 143, notAsked, notAsked}, both(`"rows":40,"rejected":0,"commits":1,`)},
	{"the token server is down", func(e *ending) { e.fail(logsIn) }, same(1), both("status 503")},
	{"the API is down", func(e *ending) { e.fail(hunts) }, same(1), both("status 503")},
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
	e.claim()
}

// claim is another run's, until the end.
func (e *ending) claim() {
	claim := claimed(e.t, e.env, time.Hour)
	e.t.Cleanup(func() { claim.Release(context.WithoutCancel(e.t.Context())) })
}

// gaps are of a tick that the API does not deliver.
func gaps(e *ending) {
	for at := range ingested(e.tenant, "AlertInfo") {
		e.tenant.FailRange("AlertInfo", at, at.Add(hunting.Tick), tenant.Call.LimitsExceeded)
		break
	}
	e.before(codePartial)
}

func unchecked(e *ending) {
	e.change("EXPORT_RECONCILE", "15m")
	e.exported()
	e.rewrite(func(d *state.Document) {
		d.Checked, d.Ledger.From = d.Watermark.Add(-time.Hour), d.Watermark.Add(-time.Hour)
	})
	e.refuse(invalid, nil)
}

// moved leads to a tenant of the same name with other rows.
func moved(e *ending) {
	at := time.Now().Truncate(15 * time.Minute)
	e.change("EXPORT_START", "4h")
	fill(e.t, e.tenant, "AlertInfo", at.Add(-80*time.Minute), 40)
	e.exported()
	e.tenant = tenant.New(tenant.Options{CallsPerMinute: -1})
	fill(e.t, e.tenant, "AlertInfo", at.Add(-200*time.Minute), 40) // late
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
		back := time.Now().UTC().Add(-32 * 24 * time.Hour).Truncate(hunting.Tick)
		d.Progress = state.Progress{Watermark: back, Covered: []hunting.Window{{Start: back.Add(-time.Hour), End: back}}}
	})
}
