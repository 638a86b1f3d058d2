package tenant_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hunting-exporter/tenant"
)

// noon is the clock of tests that need one.
var noon = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)

func fixed() time.Time { return noon }

const (
	graph = "/v1.0/security/runHuntingQuery"
	m365d = "/api/advancedhunting/run"
	mde   = "/api/advancedqueries/run"
)

var scopeOf = map[string]string{
	graph: "https://graph.microsoft.com/.default",
	m365d: "https://api.security.microsoft.com/.default",
	mde:   "https://api.securitycenter.microsoft.com/.default",
}

// client talks to a tenant over real HTTP.
type client struct {
	t     *testing.T
	url   string
	token map[string]string
	http  *http.Client
}

func serve(t *testing.T, tn *tenant.Tenant) *client {
	t.Helper()
	srv := httptest.NewServer(tn)
	t.Cleanup(srv.Close)
	return &client{t: t, url: srv.URL, token: map[string]string{}, http: srv.Client()}
}

func (c *client) form(f url.Values) (int, map[string]any) {
	c.t.Helper()
	resp, err := c.http.PostForm(c.url+"/"+tenant.DefaultTenantID+"/oauth2/v2.0/token", f)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, out
}

func credentials(scope string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {tenant.DefaultClientID},
		"client_secret": {tenant.DefaultClientSecret}, "scope": {scope + " openid offline_access profile"},
	}
}

func (c *client) authorized(path string) string {
	c.t.Helper()
	if c.token[path] == "" {
		status, body := c.form(credentials(scopeOf[path]))
		if status != 200 {
			c.t.Fatalf("token: %d %v", status, body)
		}
		c.token[path] = body["access_token"].(string)
	}
	return c.token[path]
}

func (c *client) send(path, token, query string) (*http.Response, error) {
	c.t.Helper()
	body, _ := json.Marshal(map[string]string{"Query": query})
	req, err := http.NewRequest(http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return c.http.Do(req)
}

// query returns status and body of a query.
func (c *client) query(path, query string) (int, string) {
	c.t.Helper()
	resp, err := c.send(path, c.authorized(path), query)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// rows returns the rows of a query on the legacy API, numbers as they stand.
func (c *client) rows(query string) []map[string]any {
	c.t.Helper()
	status, body := c.query(m365d, query)
	if status != 200 {
		c.t.Fatalf("%s\n%d %s", query, status, body)
	}
	var out struct{ Results []map[string]any }
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		c.t.Fatal(err)
	}
	return out.Results
}

// do returns the body of a request's answer.
func (c *client) do(req *http.Request) string {
	c.t.Helper()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// answer returns the columns ("Name Type") and rows of a query in any flavour,
// without what Graph adds and with its {} as null.
func (c *client) answer(path, query string) (columns []string, rows []map[string]any) {
	c.t.Helper()
	status, body := c.query(path, query)
	if status != 200 {
		c.t.Fatalf("%s %s\n%d %s", path, query, status, body)
	}
	var out struct { // names match whatever their case
		Schema  []struct{ Name, Type string }
		Results []map[string]any
	}
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		c.t.Fatal(err)
	}
	for _, col := range out.Schema {
		columns = append(columns, col.Name+" "+col.Type)
	}
	for _, r := range out.Results {
		for name, v := range r {
			if bag, ok := v.(map[string]any); ok && len(bag) == 0 {
				r[name] = nil
			}
			if strings.Contains(name, "@") {
				delete(r, name)
			}
		}
	}
	return columns, out.Results
}

var flavours = []string{graph, m365d, mde}

// literal writes a time as KQL.
func literal(t time.Time) string {
	return t.UTC().Format("datetime(2006-01-02T15:04:05.9999999Z)")
}

// counts sums Rows by Bin, a null bin being "null".
func counts(t rapid.TB, rows []map[string]any) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, r := range rows {
		bin, _ := r["Bin"].(string)
		n, err := r["Rows"].(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		out[cmp.Or(bin, "null")] += int(n)
	}
	return out
}
