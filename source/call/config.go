package call

import (
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"hunting-exporter/internal/setting"
)

// Config says which API is read, as whom, and within which limits.
type Config struct {
	TenantID            string         `env:"AZURE_TENANT_ID" help:"directory (tenant) id" chart:"^([0-9A-Fa-f-]{36}|[A-Za-z0-9.-]+)$"`
	ClientID            string         `env:"AZURE_CLIENT_ID" help:"application (client) id" literal:"" chart:"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"`
	ClientSecret        setting.Secret `env:"AZURE_CLIENT_SECRET" help:"client secret; of secret, certificate and token the first that is set counts"`
	CertificatePath     string         `env:"AZURE_CLIENT_CERTIFICATE_PATH" help:"PEM or PKCS#12 file with certificate and RSA key, instead of a secret" chart:"file"`
	CertificatePassword setting.Secret `env:"AZURE_CLIENT_CERTIFICATE_PASSWORD" help:"password of that file"`
	FederatedTokenFile  string         `env:"AZURE_FEDERATED_TOKEN_FILE" help:"service account token of workload identity, instead of a secret" chart:"no"`
	AuthorityHost       string         `env:"AZURE_AUTHORITY_HOST" help:"token server instead of the cloud's own" literal:"" chart:"^https?://"`

	API            string        `env:"SOURCE_API, default=graph" help:"'graph', or 'm365d' or 'mde', which both end on 1 February 2027" values:"graph m365d mde" wrong:"no such API"`
	Cloud          string        `env:"SOURCE_CLOUD, default=public" help:"Microsoft's cloud of the tenant" values:"public gcc gcchigh dod" wrong:"no such cloud"`
	Endpoint       string        `env:"SOURCE_ENDPOINT" help:"base URL instead of the cloud's own; https, or http on loopback only" literal:"" chart:"^https?://"`
	Concurrency    int           `env:"SOURCE_CONCURRENCY, default=4" help:"calls at once, over all datasets" range:"1..64"`
	CallsPerMinute int           `env:"SOURCE_CALLS_PER_MINUTE, default=45" help:"calls a minute that this exporter may use of the tenant's quota" range:"1..100000"`
	CallsPerHour   int           `env:"SOURCE_CALLS_PER_HOUR, default=0" help:"calls an hour; '0': no limit for 'graph' and 'm365d', 1500 for 'mde'" range:"0..1000000"`
	MaxRows        int           `env:"SOURCE_MAX_ROWS, default=100000" help:"an answer of as many rows is taken as cut" range:"1..10000000"`
	MaxBody        setting.Bytes `env:"SOURCE_MAX_BODY_BYTES, default=512MiB" help:"an answer of more JSON is refused, and its window narrowed" range:"1MiB..4GiB"`
	Timeout        time.Duration `env:"SOURCE_TIMEOUT, default=4m" help:"of one call, its body included" range:"1s..15m" fix:"set a duration from 1s to 15m; the API itself stops a query after 3 minutes"`

	// Files that ClientSecret and CertificatePassword come from; empty: none. They are read
	// again for each token.
	ClientSecretFile, CertificatePasswordFile string
}

var (
	guid   = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	domain = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*$`)
)

// PerHour is how many calls an hour may hold; 0: any number.
func (c Config) PerHour() int {
	if c.CallsPerHour > 0 {
		return c.CallsPerHour
	}
	return flavours[c.API].perHour
}

// Problems reports every setting that cannot be used.
func (c Config) Problems() []setting.Problem {
	all := setting.Judge(c)
	if reason := badURL(c.Endpoint, true); c.Endpoint != "" && reason != "" {
		all.Add("SOURCE_ENDPOINT", redactedURL(c.Endpoint), reason, "set a base URL such as https://graph.microsoft.com, or leave it empty")
	}
	c.checkIdentity(&all)
	return all
}

// checkIdentity looks at the AZURE_ variables.
func (c Config) checkIdentity(all *setting.Problems) {
	const tenantFix = "set the directory (tenant) id of the tenant to read, a GUID, or one of its domains"
	switch {
	case c.TenantID == "":
		all.Add("AZURE_TENANT_ID", "", "is missing", tenantFix)
	case !guid.MatchString(c.TenantID) && !domain.MatchString(c.TenantID):
		all.Add("AZURE_TENANT_ID", c.TenantID, "is neither a GUID nor a domain", tenantFix)
	}
	if c.ClientID == "" {
		all.Add("AZURE_CLIENT_ID", "", "is missing", "set the application (client) id of the app registration")
	}
	if c.AuthorityHost != "" {
		if reason := badURL(c.AuthorityHost, false); reason != "" {
			all.Add("AZURE_AUTHORITY_HOST", redactedURL(c.AuthorityHost), reason, "set a URL such as https://login.microsoftonline.com/, or leave it empty")
		}
	}
	switch c.way() {
	case waySecret:
	case wayCertificate:
		if _, _, err := c.certificate(); err != nil {
			all.Add("AZURE_CLIENT_CERTIFICATE_PATH", c.CertificatePath, err.Error(),
				"set a readable PEM or PKCS#12 file that holds a certificate and its RSA key, and AZURE_CLIENT_CERTIFICATE_PASSWORD if it has one")
		}
	case wayFederated:
		if _, err := readAssertion(c.FederatedTokenFile); err != nil {
			all.Add("AZURE_FEDERATED_TOKEN_FILE", c.FederatedTokenFile, err.Error(),
				"mount a service account token with audience api://AzureADTokenExchange there")
		}
	default:
		all.Add("AZURE_CLIENT_SECRET", "", "no credential is set",
			"set one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE")
	}
}

type way int

const (
	wayNone way = iota
	waySecret
	wayCertificate
	wayFederated
)

// way is the credential used, by the precedence of azidentity's EnvironmentCredential.
func (c Config) way() way {
	switch {
	case c.ClientSecret.Reveal() != "":
		return waySecret
	case c.CertificatePath != "":
		return wayCertificate
	case c.FederatedTokenFile != "":
		return wayFederated
	}
	return wayNone
}

// badURL says what keeps s from being a base URL; plain http is for loopback only,
// since a token travels over it.
func badURL(s string, plain bool) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Hostname() == "" || u.Opaque != "":
		return "is not an absolute URL"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "must not hold user, query or fragment"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && plain && loopback(u.Hostname()):
		return ""
	case u.Scheme == "http" && plain:
		return "must be https (http is for loopback only)"
	}
	return "must be https"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// redactedURL is s without a password that somebody may have put into it.
func redactedURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "***"
	}
	if u.User != nil {
		u.User = url.User("***")
	}
	if u.RawQuery != "" {
		u.RawQuery = "***"
	}
	return u.String()
}

// readAssertion reads the projected service account token.
func readAssertion(path string) (string, error) {
	token, err := setting.ReadSecret(path)
	return token.Reveal(), err
}
