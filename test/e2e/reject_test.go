package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/test/process"
)

// TestOnlyRejects: an answer whose only row cannot be converted. It is kept with the
// reason, counted, and committed like any other, with real Kafka deciding.
func TestOnlyRejects(t *testing.T) {
	from := newSite(t, tenant.Options{})
	from.seed(t, 1, table)
	answered := false
	from.Fault(func(c tenant.Call) tenant.Fault {
		if c.API == "token" || answered || counts(c.Query) {
			return tenant.Fault{}
		}
		answered = true
		return tenant.Fault{Status: 200, Body: `{"schema":[{"name":"Timestamp","type":"DateTime"},{"name":"Count","type":"Int64"}],` +
			`"results":[{"Timestamp":"2026-01-02T03:04:05Z","Count":"many"}]}`}
	})
	s := combinations[2].on(t, false)
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: from.env(t, append(s.env, "EXPORT_TABLES="+table)...)})
	if exit := p.Wait(t, time.Minute); exit.Code != 0 || !strings.Contains(p.Stdout.String(), `"rejected":1,`) {
		t.Fatalf("ended with %v: %s", exit, p.Stdout.Tail())
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "_meta", "rejects", table, "*.ndjson"))
	if err != nil || len(files) != 1 {
		t.Fatalf("reject files %v, %v", files, err)
	}
	kept, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(kept), `"Count":"many"`) || !strings.Contains(string(kept), "reason") {
		t.Errorf("kept %s, %v", kept, err)
	}
	manifest, err := os.ReadFile(filepath.Join(s.dir, "_meta", "manifests", table, "1.json"))
	if err != nil || !strings.Contains(string(manifest), filepath.Base(files[0])) {
		t.Errorf("manifest %s, %v", manifest, err)
	}
}
