package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/demo"
	"hunting-exporter/report"
	"hunting-exporter/tenant"
)

// exportHere runs `run` in this process, trusting the tenant's certificate.
func exportHere(t *testing.T, e *demo.Server, env map[string]string) report.Run {
	t.Helper()
	var out strings.Builder
	cfg, problems := judged(t, nil, env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cfg.Export.Start = env["EXPORT_START"]
	rep := export(t.Context(), t.Context(), cfg, surroundings{log: report.NewLogger(&out, false, cfg.Log), http: e.Client()})
	if t.Failed() || rep.Code != 0 {
		t.Log(out.String())
	}
	return rep
}

func TestRunExportsEverythingOnce(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	began := time.Now()
	fill(t, e.Tenant, "AlertInfo", began, 200)
	fill(t, e.Tenant, "DeviceLogonEvents", began, 1500)
	fill(t, e.Tenant, "DeviceLogonEvents", began.Add(-2*time.Hour), 10) // before EXPORT_START
	for _, name := range []string{"first", "second, which has nothing to do"} {
		rep := exportHere(t, e, env)
		if rep.Code != 0 {
			t.Fatalf("%s run: %+v", name, rep)
		}
		for _, d := range rep.Datasets {
			v, err := verify(t, env["LAKE_URL"], e.Tenant, d.Dataset, began.Add(-time.Hour), *d.Watermark)
			if want := map[string]int{"AlertInfo": 200, "DeviceLogonEvents": 1500}[d.Dataset]; v.Truth != want {
				t.Errorf("%s: the truth is %d rows, want %d", d.Dataset, v.Truth, want)
			}
			if err != nil || !v.Complete() {
				t.Errorf("%s run: %+v, %v", name, v, err)
			}
		}
		if name != "first" && rep.Rows != 0 {
			t.Errorf("the second run exported %d rows again", rep.Rows)
		}
	}
}

func TestKafkaReceivesEveryRow(t *testing.T) {
	t.Parallel()
	broker, err := demo.StartBroker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	fill(t, e.Tenant, "AlertInfo", time.Now(), 300)
	env = with(env, "EXPORT_TABLES", "AlertInfo", "KAFKA_BROKERS", broker.Address, "LAKE_URL", "", "STATE_URL", t.TempDir())
	for range 2 {
		if rep := exportHere(t, e, env); rep.Code != 0 {
			t.Fatalf("%+v", rep)
		}
	}
	records, err := demo.ReadCommitted(t.Context(), broker.Address, "defender.AlertInfo")
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string]int{}, map[string]int{}
	for _, r := range records {
		var value struct {
			Category   string
			Properties struct{ Timestamp, AlertId, Title string }
		}
		if err := json.Unmarshal(r.Value, &value); err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprint(value.Category, value.Properties)]++
	}
	for row := range e.Tenant.Rows("AlertInfo").Rows {
		cells := map[string]string{}
		for i, c := range e.Tenant.Rows("AlertInfo").Columns {
			cells[c.Name] = row.Cells[i].Text
		}
		want[fmt.Sprint("AdvancedHunting-AlertInfo", struct{ Timestamp, AlertId, Title string }{row.Event.Format("2006-01-02T15:04:05.9999999Z"), cells["AlertId"], cells["Title"]})]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
