package call

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"

	"hunting-exporter/internal/setting"
)

// TenantOf is the id of the tenant that a configuration means; see Identity.Tenant. Only a
// domain takes a call, and so a credential.
func TenantOf(ctx context.Context, c Config, o Options) (string, error) {
	if id := c.TenantGUID(); id != "" {
		return id, nil
	}
	if problems := c.Problems(); len(problems) > 0 {
		return "", &setting.Error{Problems: problems}
	}
	i := NewIdentity(c, o)
	defer i.Close()
	return i.Tenant(ctx)
}

// TenantGUID is AZURE_TENANT_ID in lower case where it is an id; empty: it is a domain.
func (c Config) TenantGUID() string {
	if !guid.MatchString(c.TenantID) {
		return ""
	}
	return strings.ToLower(c.TenantID)
}

// Tenant is the id of the tenant that is read, in lower case, whichever of its names
// AZURE_TENANT_ID gives: what the token says of a domain. A token that does not say leaves
// the domain itself.
func (i *Identity) Tenant(ctx context.Context) (string, error) {
	if id := i.cfg.TenantGUID(); id != "" {
		return id, nil
	}
	token, err := i.Token(ctx, i.cfg.scope(), "") // the one that Check got
	if err != nil {
		return "", err
	}
	if c, ok := claimsOf(token); ok && guid.MatchString(c.Tenant) {
		return strings.ToLower(c.Tenant), nil
	}
	return strings.ToLower(i.cfg.TenantID), nil
}

// Check gets a token, so that a wrong secret is found before anything else is done.
func (i *Identity) Check(ctx context.Context) error {
	token, err := i.Token(ctx, i.cfg.scope(), "")
	if err != nil {
		return err
	}
	f := flavours[i.cfg.API]
	if lacksRole(token, f.permission) {
		i.log.WarnContext(ctx, "the token does not carry the permission that this API needs",
			slog.String("permission", f.permission), slog.String("resource", f.resource))
	}
	return nil
}

// claims are what a token says that matters here.
type claims struct {
	Tenant string   `json:"tid"`
	Roles  []string `json:"roles"`
}

// claimsOf reads a token without checking it, if it can be read.
func claimsOf(token string) (c claims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	return c, err == nil && json.Unmarshal(b, &c) == nil
}

// lacksRole reports whether the token says that the permission was not granted. An
// unreadable token says nothing.
func lacksRole(token, permission string) bool {
	c, ok := claimsOf(token)
	return ok && !slices.Contains(c.Roles, permission)
}
