package tenant

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

type claims struct {
	Audience string   `json:"aud"`
	Issuer   string   `json:"iss"`
	Issued   int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	AppID    string   `json:"appid"`
	Tenant   string   `json:"tid"`
	Roles    []string `json:"roles"`
	ID       string   `json:"uti"`
}

var b64 = base64.RawURLEncoding

// identity answers what Entra ID answers: discovery and tokens.
func (t *Tenant) identity(w http.ResponseWriter, r *http.Request) {
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	base := "https://" + r.Host
	if r.TLS == nil {
		base = "http://" + r.Host
	}
	switch {
	case rest == "discovery/instance":
		writeJSON(w, http.StatusOK, map[string]any{
			"tenant_discovery_endpoint": base + "/" + t.o.TenantID + "/v2.0/.well-known/openid-configuration",
			"api-version":               "1.1",
			"metadata":                  []any{map[string]any{"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host}}},
		})
	case !t.named(tenant) && (strings.Contains(rest, "v2.0") || rest == "oauth2/token"):
		writeJSON(w, http.StatusBadRequest, entraError("invalid_request", 90002,
			fmt.Sprintf("Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", tenant)))
	case rest == "v2.0/.well-known/openid-configuration":
		root := base + "/" + tenant
		writeJSON(w, http.StatusOK, map[string]any{
			"token_endpoint": root + "/oauth2/v2.0/token", "authorization_endpoint": root + "/oauth2/v2.0/authorize",
			"device_authorization_endpoint": root + "/oauth2/v2.0/devicecode", "issuer": root + "/v2.0",
			"jwks_uri": root + "/discovery/v2.0/keys", "response_types_supported": []string{"code", "id_token"},
		})
	case (rest == "oauth2/v2.0/token" || rest == "oauth2/token") && r.Method == http.MethodPost:
		t.token(w, r, base)
	default:
		http.NotFound(w, r)
	}
}

// named reports whether a path means this tenant: by its id in any case, or its domain.
func (t *Tenant) named(tenant string) bool {
	return strings.EqualFold(tenant, t.o.TenantID) || t.o.Domain != "" && strings.EqualFold(tenant, t.o.Domain)
}

func (t *Tenant) token(w http.ResponseWriter, r *http.Request, base string) {
	t.stats.token()
	_, fault := t.fault.next(Call{API: "token", Request: r})
	if !wait(r.Context(), fault.Delay) {
		return
	}
	if fault.instead() {
		fault.answer(w)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	if err := r.ParseForm(); err != nil {
		writeJSON(w, http.StatusBadRequest, entraError("invalid_request", 900144, "The request body could not be read."))
		return
	}
	if status, no := t.checkClient(r.PostForm); no != nil {
		writeJSON(w, status, no)
		return
	}
	resource := r.PostForm.Get("resource")
	if scope := r.PostForm.Get("scope"); scope != "" {
		// MSAL adds openid and the like to the scope asked for.
		for s := range strings.FieldsSeq(scope) {
			if cut, ok := strings.CutSuffix(s, "/.default"); ok {
				resource = cut
			}
		}
	}
	at, err := url.Parse(resource)
	api, ok := flavour(""), false
	if err == nil {
		api, ok = flavourOf(at.Host)
	}
	if !ok {
		writeJSON(w, http.StatusBadRequest, entraError("invalid_resource", 500011,
			fmt.Sprintf("The resource principal named %s was not found in the tenant.", resource)))
		return
	}
	seconds := int64(t.o.TokenLifetime / time.Second)
	writeJSON(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
		"access_token": t.sign(api, resource, base),
	})
}

// checkClient is nil where the client proves who it is.
func (t *Tenant) checkClient(form url.Values) (int, map[string]any) {
	switch {
	case form.Get("grant_type") != "client_credentials":
		return http.StatusBadRequest, entraError("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
	case form.Get("client_id") != t.o.ClientID:
		return http.StatusBadRequest, entraError("unauthorized_client", 700016,
			fmt.Sprintf("Application with identifier '%s' was not found in the directory.", form.Get("client_id")))
	case form.Has("client_assertion"):
		a := form.Get("client_assertion")
		if a == "" || t.o.Assertion != nil && !t.o.Assertion(a) {
			return http.StatusUnauthorized, entraError("invalid_client", 700213, "No matching federated identity record found for presented assertion.")
		}
		return 0, nil
	case !form.Has("client_secret"):
		return http.StatusUnauthorized, entraError("invalid_client", 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case subtle.ConstantTimeCompare([]byte(form.Get("client_secret")), []byte(t.o.ClientSecret)) == 0:
		return http.StatusUnauthorized, entraError("invalid_client", 7000215, "Invalid client secret provided. "+
			"Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+t.o.ClientID+"'.")
	default:
		return 0, nil
	}
}

// sign makes a token for one API; nothing of it is kept.
func (t *Tenant) sign(api flavour, resource, base string) string {
	now := t.o.Now()
	var roles []string
	if slices.Contains(t.o.Roles, roleOf[api]) {
		roles = []string{roleOf[api]}
	}
	body, _ := json.Marshal(claims{
		Audience: resource, Issuer: base + "/" + t.o.TenantID + "/", Issued: now.Unix(),
		Expires: now.Add(t.o.TokenLifetime).Unix(), AppID: t.o.ClientID, Tenant: t.o.TenantID, Roles: roles, ID: newGUID(),
	})
	head := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + b64.EncodeToString(body)
	return head + "." + t.signature(head)
}

func (t *Tenant) signature(head string) string {
	mac := hmac.New(sha256.New, t.signing)
	mac.Write([]byte(head))
	return b64.EncodeToString(mac.Sum(nil))
}

func unauthorized(f flavour) refusal {
	code := "Unauthorized"
	if f == graphAPI {
		code = "InvalidAuthenticationToken"
	}
	return refusal{http.StatusUnauthorized, code, "Access token has expired or is not yet valid."}
}

func forbidden(f flavour) refusal {
	if f == graphAPI {
		return refusal{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."}
	}
	return refusal{http.StatusForbidden, "Forbidden", "The application does not have any of the required application permissions (" + roleOf[f] + ")."}
}

// authorize is nil where the token is one for this API.
func (t *Tenant) authorize(r *http.Request, f flavour) *refusal {
	no := unauthorized(f)
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	dot := strings.LastIndexByte(raw, '.')
	if !ok || dot < 0 || !hmac.Equal([]byte(raw[dot+1:]), []byte(t.signature(raw[:dot]))) {
		no.message = "Access token is empty or could not be validated."
		return &no
	}
	_, body, _ := strings.Cut(raw[:dot], ".")
	decoded, err := b64.DecodeString(body)
	var c claims
	if err != nil || json.Unmarshal(decoded, &c) != nil {
		return &no
	}
	at, err := url.Parse(c.Audience)
	if err != nil || t.o.Now().Unix() >= c.Expires {
		return &no
	}
	if api, ok := flavourOf(at.Host); !ok || api != f {
		no.message = "Access token validation failure. Invalid audience."
		return &no
	}
	if !slices.Contains(c.Roles, roleOf[f]) {
		no = forbidden(f)
		return &no
	}
	return nil
}

func entraError(code string, number int, text string) map[string]any {
	id := newGUID()
	return map[string]any{
		"error": code, "error_codes": []int{number}, "trace_id": id, "correlation_id": id,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s", number, text, id),
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client went away
}
