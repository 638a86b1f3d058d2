package call

import "strings"

// flavour is what tells the three APIs apart.
type flavour struct {
	path       string
	hosts      map[string]string // by cloud
	permission string            // application permission that the app needs
	resource   string            // whose permission it is
	perHour    int               // documented calls per hour; 0: none
	timespan   bool              // the request takes a Timespan
}

var flavours = map[string]flavour{
	"graph": {
		path: "/v1.0/security/runHuntingQuery",
		hosts: map[string]string{
			"public": "graph.microsoft.com", "gcc": "graph.microsoft.com",
			"gcchigh": "graph.microsoft.us", "dod": "dod-graph.microsoft.us",
		},
		permission: "ThreatHunting.Read.All", resource: "Microsoft Graph", timespan: true,
	},
	"m365d": {
		path: "/api/advancedhunting/run",
		hosts: map[string]string{
			"public": "api.security.microsoft.com", "gcc": "api-gcc.security.microsoft.us",
			"gcchigh": "api-gov.security.microsoft.us", "dod": "api-gov.security.microsoft.us",
		},
		permission: "AdvancedHunting.Read.All", resource: "Microsoft Threat Protection",
	},
	"mde": {
		path: "/api/advancedqueries/run",
		hosts: map[string]string{
			"public": "api.securitycenter.microsoft.com", "gcc": "api-gcc.securitycenter.microsoft.us",
			"gcchigh": "api-gov.securitycenter.microsoft.us", "dod": "api-gov.securitycenter.microsoft.us",
		},
		permission: "AdvancedQuery.Read.All", resource: "WindowsDefenderATP", perHour: 1500,
	},
}

// authorities are the clouds' own token servers.
var authorities = map[string]string{
	"public": "https://login.microsoftonline.com/", "gcc": "https://login.microsoftonline.com/",
	"gcchigh": "https://login.microsoftonline.us/", "dod": "https://login.microsoftonline.us/",
}

// microsoftAuthorities know each other, so that instance discovery can vouch for them.
var microsoftAuthorities = map[string]bool{
	"login.microsoftonline.com": true, "login.microsoft.com": true, "login.windows.net": true, "sts.windows.net": true,
	"login.microsoftonline.us": true, "login-us.microsoftonline.com": true, "login.usgovcloudapi.net": true,
	"login.partner.microsoftonline.cn": true, "login.chinacloudapi.cn": true,
}

// endpoint is the URL that queries are posted to.
func (c Config) endpoint() string {
	f := flavours[c.API]
	if c.Endpoint != "" {
		return strings.TrimRight(c.Endpoint, "/") + f.path
	}
	return "https://" + f.hosts[c.Cloud] + f.path
}

// scope is the token's, always the cloud's own: a proxy in between changes no audience.
func (c Config) scope() string {
	return "https://" + flavours[c.API].hosts[c.Cloud] + "/.default"
}

// authority is the token server.
func (c Config) authority() string {
	if c.AuthorityHost != "" {
		return c.AuthorityHost
	}
	return authorities[c.Cloud]
}
