package tenant_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

func tableOf(names ...string) []schema.Column {
	var out []schema.Column
	for _, n := range names {
		out = append(out, schema.Column{Name: n, Type: "String"})
	}
	return out
}

func TestTokens(t *testing.T) {
	clk := &clockOf{at: noon}
	tn := tenant.New(tenant.Options{Now: clk.now, CallsPerMinute: -1, TokenLifetime: 10 * time.Minute})
	if err := tn.Seed(tenant.Seed{Tables: []string{"AlertInfo"}, Rows: 1}); err != nil {
		t.Fatal(err)
	}
	c := serve(t, tn)
	status := func(path, token string) int {
		resp, err := c.send(path, token, "AlertInfo | count")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	for _, path := range []string{graph, m365d, mde} {
		for _, other := range []string{graph, m365d, mde} {
			want := 401
			if path == other {
				want = 200
			}
			if got := status(other, c.authorized(path)); got != want {
				t.Errorf("token of %s at %s: %d, want %d", path, other, got, want)
			}
		}
	}
	token := c.authorized(graph)
	for _, bad := range []string{"", "x", token + "x", "a" + token, strings.Replace(token, ".", ".A", 1)} {
		if got := status(graph, bad); got != 401 {
			t.Errorf("a forged token: %d, want 401", got)
		}
	}
	clk.advance(10*time.Minute - time.Second)
	if got := status(graph, token); got != 200 {
		t.Errorf("a second before it expires: %d", got)
	}
	clk.advance(time.Second)
	if got := status(graph, token); got != 401 {
		t.Errorf("expired: %d, want 401", got)
	}
	if part := strings.Split(token, "."); len(part) != 3 || !strings.Contains(decode(t, part[1]), `"roles":["ThreatHunting.Read.All"]`) {
		t.Errorf("the token does not say its roles")
	}
}

func decode(t *testing.T, s string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRefusedClients(t *testing.T) {
	tn := tenant.New(tenant.Options{Assertion: func(a string) bool { return a == "good" }, Roles: []string{"ThreatHunting.Read.All"}})
	c := serve(t, tn)
	for _, tc := range []struct {
		key, value string
		status     int
		code, text string
	}{
		{"client_secret", "wrong", 401, "invalid_client", "AADSTS7000215: Invalid client secret provided."},
		{"client_id", "someone", 400, "unauthorized_client", "AADSTS700016"},
		{"scope", "https://example.com/.default", 400, "invalid_resource", "AADSTS500011"},
		{"grant_type", "password", 400, "unsupported_grant_type", "AADSTS70003"},
		{"client_assertion", "bad", 401, "invalid_client", "AADSTS700213"},
	} {
		form := credentials(scopeOf[graph])
		form.Set(tc.key, tc.value)
		status, body := c.form(form)
		if status != tc.status || body["error"] != tc.code || !strings.Contains(body["error_description"].(string), tc.text) {
			t.Errorf("%s=%s: %d %v", tc.key, tc.value, status, body)
		}
	}
	form := credentials(scopeOf[graph])
	form.Del("client_secret")
	if status, body := c.form(form); status != 401 {
		t.Errorf("no secret: %d %v", status, body)
	}
	form.Set("client_assertion", "good")
	if status, body := c.form(form); status != 200 {
		t.Errorf("a good assertion: %d %v", status, body)
	}
	if status, body := c.query(m365d, "print 1"); status != 403 || !strings.Contains(body, "AdvancedHunting.Read.All") {
		t.Errorf("without the role: %d %s", status, body)
	}
}

// The real client library gets its token here, over TLS, and the API takes it.
func TestAzidentity(t *testing.T) {
	tn := tenant.New(tenant.Options{Now: time.Now})
	if err := tn.Seed(tenant.Seed{Tables: []string{"AlertInfo"}, Rows: 1}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(tn)
	defer srv.Close()
	options := azcore.ClientOptions{
		Transport: srv.Client(),
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: srv.URL},
	}
	secret, err := azidentity.NewClientSecretCredential(tenant.DefaultTenantID, tenant.DefaultClientID, tenant.DefaultClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := azidentity.NewClientAssertionCredential(tenant.DefaultTenantID, tenant.DefaultClientID,
		func(context.Context) (string, error) { return "federated", nil },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, cred := range []azcore.TokenCredential{secret, assertion} {
		token, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scopeOf[graph]}})
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(token.ExpiresOn); left < 55*time.Minute || left > time.Hour {
			t.Errorf("the token lives for %v", left)
		}
		req, err := http.NewRequest(http.MethodPost, srv.URL+graph, strings.NewReader(`{"Query":"AlertInfo | count"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var out struct {
			Results []struct{ Count int }
		}
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != 200 || len(out.Results) != 1 {
			t.Errorf("status %d, %v, %v", resp.StatusCode, out, err)
		}
	}
	wrong, err := azidentity.NewClientSecretCredential(tenant.DefaultTenantID, tenant.DefaultClientID, "wrong",
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scopeOf[graph]}}); err == nil || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("a wrong secret: %v", err)
	}
}
