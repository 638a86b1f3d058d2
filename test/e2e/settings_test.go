package e2e_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
	"hunting-exporter/test/process"
)

// TestWrongSettings gives every variable a bad value, all in one run: exit 2, and
// one message with each variable, value, reason and fix.
func TestWrongSettings(t *testing.T) {
	bad := map[string]string{
		"SOURCE_API": "soap", "SOURCE_CLOUD": "mars", "SOURCE_ENDPOINT": "http://example.com", "SOURCE_CONCURRENCY": "none",
		"SOURCE_CALLS_PER_MINUTE": "-3", "SOURCE_CALLS_PER_HOUR": "-1", "SOURCE_MAX_ROWS": "0", "SOURCE_TIMEOUT": "soon",
		"AZURE_TENANT_ID": "not a tenant", "AZURE_AUTHORITY_HOST": "ftp://example.com",
		"EXPORT_TABLES": "DeviceInfo,no-name;drop", "EXPORT_QUERIES": "/nowhere", "EXPORT_START": "90d", "EXPORT_CURSOR": "moon", "EXPORT_LAG": "-5m",
		"EXPORT_COMMIT_INTERVAL": "2h", "EXPORT_COMMIT_ROWS": "-1", "EXPORT_DEADLINE": "never",
		"LAKE_URL": "ftp://lake", "STATE_URL": "gs://state", "STATE_LEASE": "1ms", "STATE_LOCK": "rope",
		"S3_CHECKSUM": "always", "PARQUET_COMPRESSION": "rar", "PARQUET_ROW_GROUP_ROWS": "0", "PARQUET_TIMESTAMP": "days",
		"PIPELINE_BUFFER": "-1", "PIPELINE_SPILL": "/nowhere/at/all",
		"KAFKA_BROKERS": "localhost", "KAFKA_TOPIC": "a topic", "KAFKA_FORMAT": "xml", "KAFKA_DELIVERY": "maybe", "KAFKA_TLS": "perhaps",
		"KAFKA_TLS_CA_FILE": "/nowhere.pem", "KAFKA_SASL_MECHANISM": "magic",
		"LOG_LEVEL": "loud", "LOG_FORMAT": "xml",
	}
	var env []string
	for name, value := range bad {
		env = append(env, name+"="+value)
	}
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: process.Environ(env...)})
	exit := p.Wait(t, time.Minute)
	all := p.Stdout.String() + p.Stderr.String()
	if exit.Code != 2 {
		t.Errorf("ended with %v, want exit code 2", exit)
	}
	for name, value := range bad {
		if !strings.Contains(all, name) {
			t.Errorf("nothing is said of %s=%s", name, value)
		}
	}
	for _, missing := range []string{"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"} {
		if !strings.Contains(all, missing) {
			t.Errorf("nothing is said of the missing %s", missing)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}

// TestNoSink: without any sink there is nothing to do, and that is said.
func TestNoSink(t *testing.T) {
	from := newSite(t, tenant.Options{})
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: from.env(t, "EXPORT_TABLES=DeviceInfo")})
	if exit := p.Wait(t, time.Minute); exit.Code != 2 || !strings.Contains(p.Stderr.String()+p.Stdout.String(), "LAKE_URL") {
		t.Errorf("ended with %v: %s", exit, p.Stderr.Tail())
	}
}

// TestWrongSecret: exit 4, what to do, no secret in any output, nothing changed.
func TestWrongSecret(t *testing.T) {
	from := newSite(t, tenant.Options{})
	from.seed(t, 10, table)
	dir := t.TempDir()
	const planted = "planted-secret-5f1c"
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: from.env(t,
		"EXPORT_TABLES="+table, "LAKE_URL="+dir, "AZURE_CLIENT_SECRET="+planted, "LOG_LEVEL=debug")})
	exit := p.Wait(t, time.Minute)
	all := p.Stdout.String() + p.Stderr.String()
	if exit.Code != 4 || !strings.Contains(all, "AADSTS7000215") {
		t.Errorf("ended with %v: %s", exit, all)
	}
	if strings.Contains(all, planted) {
		t.Errorf("the secret is in the output: %s", all)
	}
	unchanged(t, dir)
}

// unchanged checks that there is neither state nor data.
func unchanged(t *testing.T, dir string) {
	t.Helper()
	for _, pattern := range []string{"_meta/state/*", table + "/*", "state/*"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			t.Errorf("the run left %v", found)
		}
	}
}

// TestUnreachable: a store or broker that does not answer ends the run with exit 1
// within a minute, and the state is as it was.
func TestUnreachable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	closed := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}
	s3 := []string{"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=us-east-1", "LAKE_URL=s3://bucket/lake", "S3_PATH_STYLE=true"}
	cases := map[string]func(dir string) []string{
		"broker closed": func(dir string) []string { return []string{"KAFKA_BROKERS=" + closed(), "LAKE_URL=" + dir} },
		"broker silent": func(dir string) []string {
			return []string{"KAFKA_BROKERS=" + silent.Addr().String(), "STATE_URL=" + dir}
		},
		"store closed": func(string) []string { return append(s3, "AWS_ENDPOINT_URL_S3=http://"+closed()) },
		"store silent": func(string) []string { return append(s3, "AWS_ENDPOINT_URL_S3=http://"+silent.Addr().String()) },
		"tenant closed": func(dir string) []string {
			return []string{"LAKE_URL=" + dir, "AZURE_AUTHORITY_HOST=https://" + closed(), "SOURCE_ENDPOINT=https://" + closed()}
		},
	}
	for name, settings := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := newSite(t, tenant.Options{})
			from.seed(t, 10, table)
			dir := t.TempDir()
			start := time.Now()
			p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: from.env(t, append(settings(dir), "EXPORT_TABLES="+table)...)})
			exit := p.Wait(t, 2*time.Minute)
			if took := time.Since(start); exit.Code != 1 || took > time.Minute {
				t.Errorf("ended with %v after %v: %s", exit, took, p.Stderr.Tail())
			}
			unchanged(t, dir)
		})
	}
}

// TestNoSuchTable: a table that the tenant refuses fails alone; the rest is committed.
func TestNoSuchTable(t *testing.T) {
	from := newSite(t, tenant.Options{})
	from.seed(t, 50, table)
	s := combinations[0].on(t, false)
	p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: from.env(t, append(s.env, "EXPORT_TABLES=CloudDnsEvents,"+table)...)})
	if exit := p.Wait(t, time.Minute); exit.Code != 3 || !strings.Contains(p.Stdout.String(), "CloudDnsEvents") {
		t.Errorf("ended with %v: %s", exit, p.Stdout.Tail())
	}
	s.check(t, from, table, equal)
	if _, err := os.Stat(filepath.Join(s.dir, "CloudDnsEvents")); err == nil {
		t.Error("something of the refused table is in the lake")
	}
}
