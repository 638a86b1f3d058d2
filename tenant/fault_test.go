package tenant_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hunting-exporter/tenant"
)

func TestFaults(t *testing.T) {
	tn := small(t, tenant.Options{CallsPerMinute: -1})
	c := serve(t, tn)
	c.authorized(graph)
	c.authorized(m365d)
	for _, tc := range []struct {
		name   string
		path   string
		fault  func(tenant.Call) tenant.Fault
		status int
		want   string
	}{
		{"none", graph, func(tenant.Call) tenant.Fault { return tenant.Fault{} }, 200, `"results":[`},
		{"quota", m365d, func(k tenant.Call) tenant.Fault { return k.QuotaExceeded(8 * time.Second) }, 429, "again in 8 seconds."},
		{"cpu", graph, func(k tenant.Call) tenant.Fault { return k.CPUExceeded(7 * time.Minute) }, 429, "You can run queries again in 00:07:00."},
		{"size", graph, tenant.Call.ResultTooLarge, 400, "allowed result size"},
		{"limits", graph, tenant.Call.LimitsExceeded, 400, "exceeded the allowed limits"},
		{"token", graph, tenant.Call.Unauthorized, 401, "InvalidAuthenticationToken"},
		{"consent", graph, tenant.Call.Forbidden, 403, "Authorization_RequestDenied"},
		{"consent", m365d, tenant.Call.Forbidden, 403, `"code":"Forbidden"`},
		{"gateway", graph, tenant.Call.BadGateway, 502, "<html>"},
		{"timeout", graph, tenant.Call.GatewayTimeout, 504, `"code":"UnknownError","innerError"`},
		{"error in 200", graph, func(tenant.Call) tenant.Fault { return tenant.Fault{Body: `{"error":{"code":"x"}}`} }, 200, `{"error":{"code":"x"}}`},
	} {
		var seen tenant.Call
		tn.Fault(func(k tenant.Call) tenant.Fault {
			seen = k
			return tc.fault(k)
		})
		status, body := c.query(tc.path, "Small")
		if status != tc.status || !strings.Contains(body, tc.want) {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
		if seen.Query != "Small" || seen.API != map[string]string{graph: "graph", m365d: "m365d"}[tc.path] {
			t.Errorf("%s: the hook saw %q of %q", tc.name, seen.Query, seen.API)
		}
	}
}

func TestACutBodyBreaksTheConnection(t *testing.T) {
	tn := small(t, tenant.Options{CallsPerMinute: -1})
	tn.Fault(func(k tenant.Call) tenant.Fault { return tenant.Fault{Cut: k.API == "graph", CutAfter: 40} })
	c := serve(t, tn)
	token := c.authorized(graph)
	c.http.Transport.(*http.Transport).DisableCompression = true
	resp, err := c.send(graph, token, "Small")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(b) != 40 {
		t.Errorf("%d bytes and %v, want 40 and an unexpected end", len(b), err)
	}
	if calls := tn.Calls(); calls.Answered != 0 || calls.Failed != 1 {
		t.Errorf("%+v: a broken answer must not count as answered", calls)
	}
}

func TestADelayEndsWithTheClient(t *testing.T) {
	tn := small(t, tenant.Options{CallsPerMinute: -1})
	tn.Fault(func(k tenant.Call) tenant.Fault {
		if k.API == "token" {
			return tenant.Fault{}
		}
		return tenant.Fault{Delay: time.Hour}
	})
	c := serve(t, tn)
	token := c.authorized(graph)
	c.http.Timeout = 50 * time.Millisecond
	if _, err := c.send(graph, token, "Small"); err == nil {
		t.Error("an answer in spite of the delay")
	}
}

func TestRequestsThatAreNoQuery(t *testing.T) {
	c := serve(t, small(t, tenant.Options{CallsPerMinute: -1}))
	for _, tc := range []struct {
		path, body string
		status     int
		want       string
	}{
		{m365d, `{"query":"Small"}`, 400, "MissingRequiredParameter"}, // names are case sensitive there
		{graph, `{"query":"Small | take 0"}`, 200, "results"},
		{m365d, `Small`, 400, "InvalidRequestBody"},
		{graph, `{"Query":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "<html>"},
		{"/nothing/here", `{}`, 404, ""},
	} {
		req, err := http.NewRequest(http.MethodPost, c.url+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := scopeOf[tc.path]; ok {
			req.Header.Set("Authorization", "Bearer "+c.authorized(tc.path))
		}
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tc.status || !strings.Contains(string(b), tc.want) {
			t.Errorf("%.40s: %d %.200s %v", tc.body, resp.StatusCode, b, err)
		}
	}
	resp, err := c.http.Get(c.url + graph)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
}
