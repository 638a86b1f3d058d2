package source_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"hunting-exporter/source/call"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// spoken is a credential whose token is this.
type spoken string

func (s spoken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// TestTenantHasOneName: however a tenant is named, its rows are known by its id.
func TestTenantHasOneName(t *testing.T) {
	t.Parallel()
	const id = "5f3c2e1a-7b64-4d0e-9c58-2a1b3c4d5e6f"
	says := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".sig"
	}
	for name, c := range map[string]struct{ configured, token, want string }{
		"id":                          {id, "opaque", id},
		"id in capitals":              {"5F3C2E1A-7B64-4D0E-9C58-2A1B3C4D5E6F", "opaque", id},
		"domain":                      {"Contoso.example", says(`{"tid":"5F3C2E1A-7B64-4D0E-9C58-2A1B3C4D5E6F"}`), id},
		"domain, the token is opaque": {"Contoso.example", "opaque", "contoso.example"},
		"domain, the token is silent": {"Contoso.example", says(`{}`), "contoso.example"},
	} {
		cfg := config(func(cfg *call.Config) { cfg.TenantID = c.configured })
		got, err := call.TenantOf(t.Context(), cfg, call.Options{HTTP: &http.Client{}, Credential: spoken(c.token)})
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	bad := config(func(cfg *call.Config) { cfg.ClientSecret = "" })
	if _, err := call.TenantOf(t.Context(), bad, call.Options{}); err == nil {
		t.Error("a domain was looked up without a credential")
	}
}
