package main

import (
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

// exportHere runs `run` in this process, trusting the tenant's certificate.
func exportHere(t *testing.T, e *embedded, env map[string]string) report {
	t.Helper()
	var out strings.Builder
	cfg, problems := judged(t, nil, env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cfg.Export.Start = env["EXPORT_START"]
	rep := export(t.Context(), t.Context(), cfg, surroundings{log: newLogger(&out, false, cfg.Log), http: e.client()})
	if t.Failed() || rep.Code != 0 {
		t.Log(out.String())
	}
	return rep
}

func TestRunExportsEverythingOnce(t *testing.T) {
	t.Parallel()
	e, env := served(t, tenant.Options{CallsPerMinute: -1})
	began := time.Now()
	fill(t, e.tenant, "AlertInfo", began, 200)
	fill(t, e.tenant, "DeviceLogonEvents", began, 1500)
	for _, name := range []string{"first", "second, which has nothing to do"} {
		rep := exportHere(t, e, env)
		if rep.Code != 0 {
			t.Fatalf("%s run: %+v", name, rep)
		}
		for _, d := range rep.Datasets {
			v, err := verify(env["LAKE_URL"], e.tenant, d.Dataset, began.Add(-time.Hour), *d.Watermark)
			if err != nil || !v.ok() || v.Truth == 0 {
				t.Errorf("%s run: %+v, %v", name, v, err)
			}
		}
		if name != "first" && rep.Rows != 0 {
			t.Errorf("the second run exported %d rows again", rep.Rows)
		}
	}
}
