package call

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestClouds: every API in every cloud has the host that Microsoft documents, a scope of
// the same host, and the cloud's own token server.
func TestClouds(t *testing.T) {
	t.Parallel()
	const (
		com = "https://login.microsoftonline.com/"
		us  = "https://login.microsoftonline.us/"
	)
	type row struct{ API, Cloud, URL, Scope, Authority string }
	var got []row
	for _, api := range []string{"graph", "m365d", "mde"} {
		for _, cloud := range []string{"public", "gcc", "gcchigh", "dod"} {
			c := Config{API: api, Cloud: cloud}
			got = append(got, row{api, cloud, c.endpoint(), c.scope(), c.authority()})
			if privateAuthority(c.authority()) {
				t.Errorf("%s is taken for a private authority", c.authority())
			}
		}
	}
	const graph, xdr, mde = "/v1.0/security/runHuntingQuery", "/api/advancedhunting/run", "/api/advancedqueries/run"
	at := func(api, cloud, host, path, authority string) row {
		return row{api, cloud, "https://" + host + path, "https://" + host + "/.default", authority}
	}
	want := []row{
		at("graph", "public", "graph.microsoft.com", graph, com),
		at("graph", "gcc", "graph.microsoft.com", graph, com),
		at("graph", "gcchigh", "graph.microsoft.us", graph, us),
		at("graph", "dod", "dod-graph.microsoft.us", graph, us),
		at("m365d", "public", "api.security.microsoft.com", xdr, com),
		at("m365d", "gcc", "api-gcc.security.microsoft.us", xdr, com),
		at("m365d", "gcchigh", "api-gov.security.microsoft.us", xdr, us),
		at("m365d", "dod", "api-gov.security.microsoft.us", xdr, us),
		at("mde", "public", "api.securitycenter.microsoft.com", mde, com),
		at("mde", "gcc", "api-gcc.securitycenter.microsoft.us", mde, com),
		at("mde", "gcchigh", "api-gov.securitycenter.microsoft.us", mde, us),
		at("mde", "dod", "api-gov.securitycenter.microsoft.us", mde, us),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(flavours) != 3 || len(authorities) != 4 {
		t.Errorf("%d APIs and %d clouds: the table above is not all of them", len(flavours), len(authorities))
	}
}

func TestAnotherEndpointChangesNeitherScopeNorAuthority(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"https://eu.api.security.microsoft.com":  "https://eu.api.security.microsoft.com/api/advancedhunting/run",
		"https://proxy.contoso.test/defender///": "https://proxy.contoso.test/defender/api/advancedhunting/run",
	} {
		c := Config{API: "m365d", Cloud: "public", Endpoint: endpoint}
		if c.endpoint() != want || c.scope() != "https://api.security.microsoft.com/.default" || c.authority() != authorities["public"] {
			t.Errorf("%s: %s, %s, %s", endpoint, c.endpoint(), c.scope(), c.authority())
		}
	}
	if a := (Config{Cloud: "public", AuthorityHost: "https://entra.contoso.test/"}).authority(); a != "https://entra.contoso.test/" || !privateAuthority(a) {
		t.Errorf("authority %s", a)
	}
}

// TestCloudsWithoutTheAPI: China has none, and a name not known is no reason to guess.
func TestCloudsWithoutTheAPI(t *testing.T) {
	t.Parallel()
	for _, cloud := range []string{"china", "", "Public", "usgov"} {
		var said []string
		for _, p := range (Config{API: "graph", Cloud: cloud}).Problems() {
			if p.Variable == "SOURCE_CLOUD" {
				said = append(said, p.String())
			}
		}
		if len(said) != 1 || !strings.Contains(said[0], "public, gcc, gcchigh or dod") {
			t.Errorf("%q: %q", cloud, said)
		}
	}
}

func TestPermissionsAreNamed(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{
		"graph": "ThreatHunting.Read.All of Microsoft Graph",
		"m365d": "AdvancedHunting.Read.All of Microsoft Threat Protection",
		"mde":   "AdvancedQuery.Read.All of WindowsDefenderATP",
	} {
		e := Config{API: api}.classify(403, http.Header{}, nil, time.Time{}, same)
		if !strings.Contains(e.Error(), want) {
			t.Errorf("%s: %v", api, e)
		}
	}
	if flavours["mde"].perHour != 1500 || flavours["graph"].perHour != 0 || flavours["m365d"].perHour != 0 {
		t.Error("only one API documents calls an hour")
	}
	for api, f := range flavours {
		if f.timespan != (api == "graph") {
			t.Errorf("%s: a Timespan is Graph's alone", api)
		}
	}
}
