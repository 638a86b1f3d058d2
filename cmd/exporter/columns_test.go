package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/demo"
	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

// lacking is a query file, and what is said of its columns; empty: it is exported.
type lacking struct{ head, text, says string }

// check lets a dry run and a run judge it.
func (c lacking) check(t *testing.T, e *demo.Server, env map[string]string) {
	t.Helper()
	dir, lake := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "q.kql"), []byte("// name: Q\n"+c.head+"\n"+c.text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env = with(env, "EXPORT_QUERIES", dir, "LAKE_URL", lake)
	planned, rep := planHere(t, e, env, nil), exportHere(t, e, env)
	if c.says == "" {
		if planned.Code != 0 || rep.Code != 0 || rep.Rows == 0 {
			t.Errorf("%q: %+v, %+v", c.head, planned, rep)
		}
		return
	}
	for _, d := range []struct {
		code int
		says string
	}{{planned.Code, planned.Datasets[0].Error}, {rep.Code, rep.Datasets[0].Error}} {
		if d.code != codeConfiguration || !strings.Contains(d.says, c.says) || strings.Contains(d.says, "licensed") {
			t.Errorf("%q %s: exit code %d, want 2 and %q in %s", c.head, c.text, d.code, c.says, d.says)
		}
	}
	if files, err := filepath.Glob(filepath.Join(lake, "Q", "*", "*")); err != nil || len(files) > 0 {
		t.Errorf("%q: %v, %v", c.head, files, err)
	}
}

// TestColumnsThatTheAnswersLack: a wrong column in a query's head, or a query that drops the
// right one, is refused by the first answer, before a row is written, and by a dry run.
func TestColumnsThatTheAnswersLack(t *testing.T) {
	t.Parallel()
	const (
		cut    = "Alerts_CL | where Timestamp >= _startTime and Timestamp < _endTime"
		quiet  = cut + ` and Title == "no such title"`
		sums   = cut + " | summarize n = count() by Title"
		window = "Alerts_CL | where %[1]s >= _startTime and %[1]s < _endTime"
	)
	for _, api := range []string{"graph", "m365d"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			e, env := served(t, tenant.Options{CallsPerMinute: -1, MaxRows: 15})
			known, ok := schema.Lookup("AlertInfo")
			if !ok {
				t.Fatal("no AlertInfo")
			}
			add(t, e.Tenant, "Alerts_CL", known.APIColumns(), time.Now(), 20)
			env = with(env, "EXPORT_TABLES", "", "SOURCE_API", api, "SOURCE_MAX_ROWS", "15")
			for _, c := range []lacking{
				{"// time: TimeStamp", fmt.Sprintf(window, "TimeStamp"), "no column TimeStamp: keep it, or name another by // time:"},
				{"// time: Title", fmt.Sprintf(window, "Title"), "column Title of the answer is of the type string, and no datetime: make it one by todatetime()"},
				{"// key: DeviceID", cut, "no column DeviceID: keep it, or name another by // key: (it has Timestamp, AlertId,"},
				{"// identity: AlertId, Report", cut, "no column Report: keep it, or name another by // identity:"},
				{"// key: A\n// identity: B, A", cut, "no column B, A: keep it, or name another by // key:, // identity:"},
				{"// mode: aggregate\n// key: DeviceID", quiet, "no column DeviceID: keep it"},
				{"// mode: aggregate\n// time: Title", sums, "column Title of the answer is of the type String"},
				{"// mode: snapshot\n// identity: DeviceID", "Alerts_CL", "no column DeviceID: keep it, or name another by // identity:"}, // in slices
				{"// mode: aggregate", sums, ""},
				{"// time:", cut + " | project AlertId, Title", ""},
				{"// key: AlertId\n// identity: AlertId", cut, ""},
			} {
				c.check(t, e, env)
			}
		})
	}
}

// TestTimeOfUnknownTable: a table that the catalogue does not know goes by the time that
// its columns show, not by the day of ingestion.
func TestTimeOfUnknownTable(t *testing.T) {
	t.Parallel()
	for name, columns := range map[string][]schema.Column{
		"TimeGenerated":       {{Name: "Seen", Type: "DateTime"}, {Name: "TimeGenerated", Type: "DateTime"}},
		"another":             {{Name: "Id", Type: "String"}, {Name: "ObservedAt", Type: "DateTime"}},
		"Timestamp before it": {{Name: "TimeGenerated", Type: "DateTime"}, {Name: "Timestamp", Type: "DateTime"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, env := served(t, tenant.Options{CallsPerMinute: -1})
			now := time.Now().UTC()
			day := now.Add(-50 * time.Hour) // of the event; ingested today
			add := func(ingested time.Time) {
				row := tenant.Row{Ingested: ingested}
				for i, c := range columns {
					switch {
					case c.Type != "DateTime":
						row.Cells = append(row.Cells, "x")
					case i == 1:
						row.Cells = append(row.Cells, day)
					default:
						row.Cells = append(row.Cells, now)
					}
				}
				if err := e.Tenant.Add("NewTable", columns, row); err != nil {
					t.Fatal(err)
				}
			}
			env = with(env, "EXPORT_TABLES", "NewTable")
			for run := range 2 {
				add(time.Now().UTC()) // after the watermark of the run before
				rep := exportHere(t, e, env)
				if rep.Code != 0 || rep.Rows != 1 {
					t.Fatalf("run %d: %+v", run, rep)
				}
				t.Logf("run %d: %d calls, refused %v", run, rep.Calls, rep.Refusals)
				files, err := filepath.Glob(filepath.Join(env["LAKE_URL"], "NewTable", "*", "*.parquet"))
				if err != nil || len(files) != run+1 || !strings.Contains(files[run], "dt="+day.Format("2006-01-02")) {
					t.Errorf("run %d: %v, %v", run, files, err)
				}
			}
		})
	}
}

// TestBloomColumnsOfNoDataset: a column that no dataset has, or of which no filter can be
// made, is refused; one that only one of several has is not.
func TestBloomColumnsOfNoDataset(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.Tenant, "AlertInfo", time.Now(), 20)
	fill(t, e.Tenant, "DeviceLogonEvents", time.Now(), 20)
	for _, c := range []struct{ tables, bloom, says string }{
		{"AlertInfo", "AlertId,SHA256", "no dataset has a column SHA256"},
		{"AlertInfo", "Timestamp", "Timestamp of AlertInfo is"},
		{"AlertInfo,DeviceLogonEvents", "AlertId,DeviceId", ""},
		{"AlertInfo,DeviceLogonEvents", "AlertID", "no dataset has a column AlertID"},
		{"AlertInfo", "none", ""},
	} {
		rep := exportHere(t, e, with(env, "EXPORT_TABLES", c.tables, "PARQUET_BLOOM", c.bloom, "LAKE_URL", t.TempDir()))
		said := ""
		for _, d := range rep.Datasets {
			said += d.Error
		}
		if (rep.Code == 0) != (c.says == "") || !strings.Contains(said, c.says) || strings.Count(said, "PARQUET_BLOOM") > 1 {
			t.Errorf("%s of %s: exit code %d, %q, want %q", c.bloom, c.tables, rep.Code, said, c.says)
		}
		if len(rep.Datasets) == 1 && c.says != "" && rep.Code != codeConfiguration {
			t.Errorf("%s: exit code %d", c.bloom, rep.Code)
		}
	}
}
