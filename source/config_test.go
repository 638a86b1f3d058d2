package source_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"hunting-exporter/internal/setting"
	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/source/call/calltest"
)

func TestConfigFromEnvironment(t *testing.T) {
	t.Parallel()
	var c call.Config
	err := envconfig.ProcessWith(context.Background(), &envconfig.Config{Target: &c, Lookuper: envconfig.MapLookuper(map[string]string{
		"AZURE_TENANT_ID": "contoso.onmicrosoft.com", "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "s",
	})})
	if err != nil {
		t.Fatal(err)
	}
	want := setting.WithDefaults(call.Config{
		API: "graph", Cloud: "public", Concurrency: 4, CallsPerMinute: 45, MaxRows: 100_000, MaxBody: 512 << 20, Timeout: 4 * time.Minute,
		TenantID: "contoso.onmicrosoft.com", ClientID: "app", ClientSecret: "s",
	})
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
	if p := c.Problems(); len(p) > 0 {
		t.Error(p)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "cert.pem")
	if err := os.WriteFile(garbage, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*call.Config)
		want   []string
	}{
		"none":              {func(*call.Config) {}, nil},
		"loopback":          {func(c *call.Config) { c.Endpoint = "http://127.0.0.1:8080" }, nil},
		"localhost":         {func(c *call.Config) { c.Endpoint = "http://localhost:8080/x" }, nil},
		"ipv6":              {func(c *call.Config) { c.Endpoint = "http://[::1]:8080" }, nil},
		"plain http":        {func(c *call.Config) { c.Endpoint = "http://graph.contoso.test" }, []string{"SOURCE_ENDPOINT"}},
		"looks like it":     {func(c *call.Config) { c.Endpoint = "http://127.0.0.1.contoso.test" }, []string{"SOURCE_ENDPOINT"}},
		"user in it":        {func(c *call.Config) { c.Endpoint = "https://u:S3cr3t@x.test" }, []string{"SOURCE_ENDPOINT"}},
		"no URL":            {func(c *call.Config) { c.Endpoint = "graph" }, []string{"SOURCE_ENDPOINT"}},
		"authority":         {func(c *call.Config) { c.AuthorityHost = "http://localhost" }, []string{"AZURE_AUTHORITY_HOST"}},
		"tenant guid":       {func(c *call.Config) { c.TenantID = "72f988bf-86f1-41af-91ab-2d7cd011db47" }, nil},
		"tenant word":       {func(c *call.Config) { c.TenantID = "common" }, []string{"AZURE_TENANT_ID"}},
		"tenant path":       {func(c *call.Config) { c.TenantID = "a.b/c" }, []string{"AZURE_TENANT_ID"}},
		"no credential":     {func(c *call.Config) { c.ClientSecret = "" }, []string{"AZURE_CLIENT_SECRET"}},
		"secret goes first": {func(c *call.Config) { c.CertificatePath, c.FederatedTokenFile = "nowhere", "nowhere" }, nil},
		"certificate":       {func(c *call.Config) { c.ClientSecret, c.CertificatePath = "", dir+"/none" }, []string{"AZURE_CLIENT_CERTIFICATE_PATH"}},
		"garbage":           {func(c *call.Config) { c.ClientSecret, c.CertificatePath = "", garbage }, []string{"AZURE_CLIENT_CERTIFICATE_PATH"}},
		"token file":        {func(c *call.Config) { c.ClientSecret, c.FederatedTokenFile = "", dir }, []string{"AZURE_FEDERATED_TOKEN_FILE"}},
		"all at once": {func(c *call.Config) {
			*c = setting.WithDefaults(call.Config{API: "x", Cloud: "y", Concurrency: -1, CallsPerMinute: -1, CallsPerHour: -1, MaxRows: -1, MaxBody: 1, Timeout: 1})
		}, []string{
			"SOURCE_API", "SOURCE_CLOUD", "SOURCE_CONCURRENCY", "SOURCE_CALLS_PER_MINUTE", "SOURCE_CALLS_PER_HOUR", "SOURCE_MAX_ROWS", "SOURCE_MAX_BODY_BYTES",
			"SOURCE_TIMEOUT", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
		}},
	} {
		var got []string
		for _, p := range config(tt.change).Problems() {
			got = append(got, p.Variable)
			if p.Reason == "" || p.Fix == "" || strings.Contains(fmt.Sprint(p), "S3cr3t") {
				t.Errorf("%s: %s", name, p)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestNewRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	if _, err := source.New(config(func(c *call.Config) { c.Endpoint = "http://graph.contoso.test" }), calltest.Keeper{}, call.Options{}); err == nil {
		t.Error("taken")
	}
}
