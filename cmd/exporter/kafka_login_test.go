package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"hunting-exporter/source"
	"hunting-exporter/source/call"
)

// authority is every token server at once.
type authority struct {
	mu    sync.Mutex
	hosts []string
	asked []string // client and scope of each token
}

func (a *authority) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hosts = append(a.hosts, req.URL.Host)
	rec := httptest.NewRecorder()
	base := "https://" + req.URL.Host + "/00000000-0000-0000-0000-000000000001"
	switch {
	case strings.HasSuffix(req.URL.Path, "/discovery/instance"):
		_ = json.NewEncoder(rec).Encode(map[string]any{
			"tenant_discovery_endpoint": base + "/v2.0/.well-known/openid-configuration",
			"metadata":                  []any{map[string]any{"preferred_network": req.URL.Host, "preferred_cache": req.URL.Host, "aliases": []string{req.URL.Host}}},
		})
	case strings.HasSuffix(req.URL.Path, "/openid-configuration"):
		_ = json.NewEncoder(rec).Encode(map[string]string{
			"issuer": base + "/v2.0", "authorization_endpoint": base + "/oauth2/v2.0/authorize", "token_endpoint": base + "/oauth2/v2.0/token",
		})
	default:
		a.asked = append(a.asked, req.FormValue("client_id")+" "+strings.Fields(req.FormValue("scope"))[0])
		_ = json.NewEncoder(rec).Encode(map[string]any{"access_token": "t", "token_type": "Bearer", "expires_in": 3600})
	}
	return rec.Result(), nil
}

// TestOneIdentityForAPIAndKafka: the brokers' token is asked of the cloud that the API's is,
// for the namespace that the brokers are, as the same application, however it is set.
func TestOneIdentityForAPIAndKafka(t *testing.T) {
	t.Parallel()
	const id = "00000000-0000-0000-0000-000000000001"
	kafka := []string{"KAFKA_SASL_MECHANISM", "oauthbearer", "KAFKA_TLS", "true"}
	for name, tt := range map[string]struct {
		flags     map[string]string
		env       []string
		authority string
		asked     []string
	}{
		"public": {
			nil,
			[]string{"KAFKA_BROKERS", "ns.servicebus.windows.net:9093", "AZURE_CLIENT_ID", "app"},
			"login.microsoftonline.com",
			[]string{"app https://graph.microsoft.com/.default", "app https://ns.servicebus.windows.net/.default"},
		},
		"gcchigh": {
			nil,
			[]string{"SOURCE_CLOUD", "gcchigh", "KAFKA_BROKERS", "ns.servicebus.usgovcloudapi.net:9093", "AZURE_CLIENT_ID", "app"},
			"login.microsoftonline.us",
			[]string{"app https://graph.microsoft.us/.default", "app https://ns.servicebus.usgovcloudapi.net/.default"},
		},
		"dod, by flags": {
			map[string]string{"SOURCE_CLOUD": "dod", "AZURE_CLIENT_ID": "flag", "AZURE_CLIENT_SECRET": "s"},
			[]string{"KAFKA_BROKERS", ",ns.servicebus.usgovcloudapi.net:9093", "AZURE_CLIENT_ID", "app"},
			"login.microsoftonline.us",
			[]string{"flag https://dod-graph.microsoft.us/.default", "flag https://ns.servicebus.usgovcloudapi.net/.default"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, problems := judged(t, tt.flags, usable(slices.Concat(kafka, []string{"AZURE_TENANT_ID", id}, tt.env)...))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			a := &authority{}
			identity := call.NewIdentity(cfg.Source, call.Options{HTTP: &http.Client{Transport: a}})
			defer identity.Close()
			reader, err := source.New(cfg.Source, nil, call.Options{Identity: identity})
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			for range 2 { // the second time, both are there
				if err := reader.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := kafkaToken(t.Context(), cfg.Kafka, identity); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(a.asked, tt.asked) {
				t.Errorf("asked for %q, want %q", a.asked, tt.asked)
			}
			for _, host := range a.hosts {
				if host != tt.authority {
					t.Errorf("asked %s, want %s only", host, tt.authority)
				}
			}
		})
	}
}

// TestByHandKafkaTakesAnIdentity: what is not needed for a lake is for such brokers.
func TestByHandKafkaTakesAnIdentity(t *testing.T) {
	t.Parallel()
	env := map[string]string{"STATE_URL": t.TempDir(), "KAFKA_BROKERS": "127.0.0.1:1", "KAFKA_TLS": "true", "KAFKA_SASL_MECHANISM": "oauthbearer"}
	code, out, errs := runChild(t, env, "state", "adopt", "--yes", "AlertInfo")
	if code != codeConfiguration || !strings.Contains(errs, "AZURE_TENANT_ID") || !strings.Contains(errs, "AZURE_CLIENT_SECRET") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
