// Package e2e_test shows the product's promises with the real binary: against the
// simulated tenant over TLS, a real Kafka node, a real S3 server, and readers that
// share no code with it.
package e2e_test

import (
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/test/kafkatest"
	"hunting-exporter/test/process"
	"hunting-exporter/test/s3test"
)

// Built and started once for all tests.
var (
	exporter   string // the binary
	crashing   string // the same, built to stop at a step of the protocol
	kafkaNode  = sync.OnceValues(func() (*kafkatest.Broker, error) { return kafkatest.New(kafkatest.Options{}) })
	s3Server   = sync.OnceValues(s3test.New)
	closeAfter = map[string]func(){}
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, b := range []struct {
		path *string
		tags []string
	}{{&exporter, nil}, {&crashing, []string{"crashpoint"}}} {
		sub := filepath.Join(dir, fmt.Sprint(len(b.tags)))
		if err := os.Mkdir(sub, 0o755); err != nil {
			log.Print(err)
			return 1
		}
		if *b.path, err = process.BuildExporter(sub, b.tags...); err != nil {
			log.Print(err)
			return 1
		}
	}
	defer func() {
		for _, end := range closeAfter {
			end()
		}
	}()
	return m.Run()
}

var closing sync.Mutex

// shared starts a server once and leaves it to run until all tests are done.
func shared[S interface{ Close() }](t *testing.T, start func() (S, error)) S {
	t.Helper()
	closing.Lock()
	defer closing.Unlock()
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	closeAfter[fmt.Sprintf("%T", s)] = s.Close
	return s
}

func broker(t *testing.T) *kafkatest.Broker { return shared(t, kafkaNode) }

func s3(t *testing.T) *s3test.Server { return shared(t, s3Server) }

// site is one tenant with what a run needs to reach it.
type site struct {
	*tenant.Tenant
	url string
	ca  string // file
	// graph: answers come from Graph, which cannot tell an empty bag from null
	graph bool
}

// newSite serves a tenant over TLS until the test ends.
func newSite(t *testing.T, o tenant.Options) *site {
	t.Helper()
	return newSiteBehind(t, o, func(h http.Handler) http.Handler { return h })
}

// newSiteBehind is a tenant whose answers go through a handler of the test's own.
func newSiteBehind(t *testing.T, o tenant.Options, wrap func(http.Handler) http.Handler) *site {
	t.Helper()
	o.CallsPerMinute = -1
	ten := tenant.New(o)
	srv := httptest.NewTLSServer(wrap(ten))
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return &site{Tenant: ten, url: srv.URL, ca: ca, graph: true}
}

// env is what reaches the tenant; pairs come on top.
func (s *site) env(t *testing.T, pairs ...string) []string {
	return process.Environ(append([]string{
		"AZURE_TENANT_ID=" + tenant.DefaultTenantID,
		"AZURE_CLIENT_ID=" + tenant.DefaultClientID,
		"AZURE_CLIENT_SECRET=" + tenant.DefaultClientSecret,
		"AZURE_AUTHORITY_HOST=" + s.url,
		"SOURCE_ENDPOINT=" + s.url,
		"SSL_CERT_FILE=" + s.ca,
		"SOURCE_CALLS_PER_MINUTE=100000",
		"STATE_LEASE=1s",
		"PIPELINE_SPILL=" + t.TempDir(),
	}, pairs...)...)
}

// seed puts rows into tables, ingested within the last hours and at least ten
// minutes ago, so that one run can read them all.
func (s *site) seed(t *testing.T, rows int, tables ...string) {
	t.Helper()
	to := time.Now().Add(-3 * time.Hour)
	err := s.Seed(tenant.Seed{
		Tables: tables, Rows: rows, From: to.Add(-6 * time.Hour), To: to, Seed: 42,
		Lag: func(row int) time.Duration { return time.Duration(row%7000) * time.Second },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// finish runs until a run exits 0 having written nothing new, and returns the last
// run's process. Runs that meet a live lease wait it out.
func finish(t *testing.T, env []string) *process.Process {
	t.Helper()
	for range 10 {
		p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: env})
		if exit := p.Wait(t, 5*time.Minute); exit.Code != 0 {
			t.Fatalf("run ended with %v: %s\n%s", exit, p.Stderr.Tail(), p.Stdout.Tail())
		}
		s := summaryOf(t, p)
		if s.Rows == 0 && !s.Running {
			return p
		}
		if s.Running {
			time.Sleep(time.Second)
		}
	}
	t.Fatal("the exporter never caught up")
	return nil
}
