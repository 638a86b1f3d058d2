package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hunting-exporter/state"
	"hunting-exporter/tenant"
)

// ending is a tenant in memory and the settings of a command that comes to an end.
type ending struct {
	t       *testing.T
	tenant  *tenant.Tenant
	env     map[string]string
	signals chan os.Signal // to the command
	calls   atomic.Int64   // that the last command made
}

// newEnding is a tenant with 40 rows that no run has exported.
func newEnding(t *testing.T) *ending {
	t.Helper()
	e := &ending{t: t, tenant: tenant.New(tenant.Options{CallsPerMinute: -1, Domain: "contoso.example"}), signals: make(chan os.Signal, 2)}
	e.env = map[string]string{
		"SOURCE_ENDPOINT": "https://api.test", "AZURE_AUTHORITY_HOST": "https://login.test/", "AZURE_TENANT_ID": e.tenant.TenantID(),
		"AZURE_CLIENT_ID": tenant.DefaultClientID, "AZURE_CLIENT_SECRET": tenant.DefaultClientSecret,
		"LAKE_URL": t.TempDir(), "EXPORT_TABLES": "AlertInfo", "EXPORT_START": "1h", "EXPORT_LAG": "0s", "SOURCE_CALLS_PER_MINUTE": "1000",
		"PARQUET_COMPRESSION": "snappy", // zstd's pool of decoders is no part of a test's time
	}
	fill(t, e.tenant, "AlertInfo", time.Now().Add(-10*time.Minute), 40)
	return e
}

// RoundTrip asks the tenant.
func (e *ending) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "api.test" {
		e.calls.Add(1)
	}
	rec := httptest.NewRecorder()
	served := req.Clone(req.Context())
	served.TLS = &tls.ConnectionState{}
	served.Header.Del("Accept-Encoding") // compression is for others to test
	e.tenant.ServeHTTP(rec, served)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

// ended is what a command left.
type ended struct {
	code     int
	out, err string
	calls    int64
	seconds  float64
}

// run is one command in this process.
func (e *ending) run(args ...string) ended {
	var out, errs bytes.Buffer
	c := &cli{
		out: &out, err: &errs, environ: environ(e.env), signals: e.signals, http: &http.Client{Transport: e},
		exit: func(code int) { e.t.Errorf("%v: ended on the spot with %d", args, code) },
	}
	e.calls.Store(0)
	began := time.Now()
	code := c.main(e.t.Context(), args)
	return ended{code, out.String(), errs.String(), e.calls.Load(), time.Since(began).Seconds()}
}

// change replaces settings.
func (e *ending) change(pairs ...string) { e.env = with(e.env, pairs...) }

// before is a run before the command.
func (e *ending) before(code int) {
	e.t.Helper()
	if end := e.run("run"); end.code != code {
		e.t.Fatalf("exit code %d\n%s%s", end.code, end.out, end.err)
	}
}

func (e *ending) exported() { e.before(codeDone) }

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

// signal sends signals at the first call that at accepts, which is not answered then.
func (e *ending) signal(at func(tenant.Call) bool, signals ...os.Signal) {
	var once sync.Once
	e.tenant.Fault(func(c tenant.Call) tenant.Fault {
		if !at(c) {
			return tenant.Fault{}
		}
		once.Do(func() {
			time.Sleep(time.Second) // what was delivered before is committed
			for _, s := range signals {
				e.signals <- s
			}
		})
		return tenant.Fault{Delay: time.Hour}
	})
}

// hang leaves calls without an answer.
func (e *ending) hang(at func(tenant.Call) bool) { e.signal(at) }

// fail makes calls fail as those of a server that is down.
func (e *ending) fail(at func(tenant.Call) bool) {
	e.tenant.Fault(func(c tenant.Call) tenant.Fault {
		if !at(c) {
			return tenant.Fault{}
		}
		return tenant.Fault{Status: http.StatusServiceUnavailable}
	})
}

func logsIn(c tenant.Call) bool { return c.API == "token" }
func hunts(c tenant.Call) bool  { return c.API != "token" }

// second makes another table, and says of calls whether rows were delivered before.
func (e *ending) second() (after func(tenant.Call) bool) {
	e.change("EXPORT_TABLES", "AlertInfo,DeviceLogonEvents", "SOURCE_CONCURRENCY", "1")
	fill(e.t, e.tenant, "DeviceLogonEvents", time.Now().Add(-10*time.Minute), 40)
	var asked atomic.Int64
	return func(c tenant.Call) bool {
		return hunts(c) && !strings.Contains(c.Query, "count()") && asked.Add(1) > 1
	}
}

// lake is what the lake on disk holds: files of rows with their sizes, and manifests.
func (e *ending) lake() (rows map[string]int64, manifests int) {
	e.t.Helper()
	rows = map[string]int64{}
	if e.env["LAKE_URL"] == "" {
		return rows, 0
	}
	err := filepath.WalkDir(e.env["LAKE_URL"], func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.Contains(path, "/manifests/") {
			manifests++
		}
		if info, err := d.Info(); err != nil {
			return err
		} else if strings.HasSuffix(path, ".parquet") && !strings.Contains(path, "/.") {
			rows[path] = info.Size()
		}
		return nil
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return rows, manifests
}
