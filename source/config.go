package source

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/internal/setting"
)

// Config says which API is read, as whom, and within which limits.
type Config struct {
	API            string        `env:"SOURCE_API, default=graph"`                // graph, m365d or mde
	Cloud          string        `env:"SOURCE_CLOUD, default=public"`             // public, gcc, gcchigh or dod
	Endpoint       string        `env:"SOURCE_ENDPOINT"`                          // base URL instead of the cloud's own
	Concurrency    int           `env:"SOURCE_CONCURRENCY, default=4"`            // calls at once, over all datasets
	CallsPerMinute int           `env:"SOURCE_CALLS_PER_MINUTE, default=45"`      // of the tenant
	CallsPerHour   int           `env:"SOURCE_CALLS_PER_HOUR, default=0"`         // 0: the API's own (mde: 1500)
	MaxRows        int           `env:"SOURCE_MAX_ROWS, default=100000"`          // an answer of as many rows is cut
	MaxBody        int64         `env:"SOURCE_MAX_BODY_BYTES, default=536870912"` // of an answer, compressed as well as not
	Timeout        time.Duration `env:"SOURCE_TIMEOUT, default=4m"`               // of one call, its body included

	TenantID            string         `env:"AZURE_TENANT_ID"`
	ClientID            string         `env:"AZURE_CLIENT_ID"`
	ClientSecret        setting.Secret `env:"AZURE_CLIENT_SECRET"`
	CertificatePath     string         `env:"AZURE_CLIENT_CERTIFICATE_PATH"`
	CertificatePassword setting.Secret `env:"AZURE_CLIENT_CERTIFICATE_PASSWORD"`
	FederatedTokenFile  string         `env:"AZURE_FEDERATED_TOKEN_FILE"`
	AuthorityHost       string         `env:"AZURE_AUTHORITY_HOST"`

	// Files that ClientSecret and CertificatePassword come from; empty: none. They are read
	// again for each token.
	ClientSecretFile, CertificatePasswordFile string
}

var (
	guid   = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	domain = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*$`)
)

// Problems reports every setting that cannot be used.
func (c Config) Problems() []setting.Problem {
	var all []setting.Problem
	add := func(variable, value, reason, fix string) {
		all = append(all, setting.Problem{Variable: variable, Value: value, Reason: reason, Fix: fix})
	}
	if _, ok := flavours[c.API]; !ok {
		add("SOURCE_API", c.API, "no such API", "set graph, m365d or mde")
	}
	if _, ok := authorities[c.Cloud]; !ok {
		add("SOURCE_CLOUD", c.Cloud, "no such cloud", "set public, gcc, gcchigh or dod")
	}
	if c.Endpoint != "" {
		if reason := badURL(c.Endpoint, true); reason != "" {
			add("SOURCE_ENDPOINT", redactedURL(c.Endpoint), reason, "set a base URL such as https://graph.microsoft.com, or leave it empty")
		}
	}
	number := func(variable string, value, low, high int) {
		if value < low || value > high {
			add(variable, strconv.Itoa(value), "out of range", fmt.Sprintf("set a number from %d to %d", low, high))
		}
	}
	number("SOURCE_CONCURRENCY", c.Concurrency, 1, 64)
	number("SOURCE_CALLS_PER_MINUTE", c.CallsPerMinute, 1, 100_000)
	number("SOURCE_CALLS_PER_HOUR", c.CallsPerHour, 0, 1_000_000)
	number("SOURCE_MAX_ROWS", c.MaxRows, 1, 10_000_000)
	if c.MaxBody < 1<<20 || c.MaxBody > 4<<30 {
		add("SOURCE_MAX_BODY_BYTES", strconv.FormatInt(c.MaxBody, 10), "out of range", "set a number of bytes from 1048576 (1 MiB) to 4294967296 (4 GiB)")
	}
	if c.Timeout < time.Second || c.Timeout > 15*time.Minute {
		add("SOURCE_TIMEOUT", c.Timeout.String(), "out of range", "set a duration from 1s to 15m; the API itself stops a query after 3 minutes")
	}
	return append(all, c.identityProblems()...)
}

// identityProblems are those of the AZURE_ variables.
func (c Config) identityProblems() []setting.Problem {
	var all []setting.Problem
	add := func(variable, value, reason, fix string) {
		all = append(all, setting.Problem{Variable: variable, Value: value, Reason: reason, Fix: fix})
	}
	const tenantFix = "set the directory (tenant) id of the tenant to read, a GUID, or one of its domains"
	switch {
	case c.TenantID == "":
		add("AZURE_TENANT_ID", "", "is missing", tenantFix)
	case !guid.MatchString(c.TenantID) && !domain.MatchString(c.TenantID):
		add("AZURE_TENANT_ID", c.TenantID, "is neither a GUID nor a domain", tenantFix)
	}
	if c.ClientID == "" {
		add("AZURE_CLIENT_ID", "", "is missing", "set the application (client) id of the app registration")
	}
	if c.AuthorityHost != "" {
		if reason := badURL(c.AuthorityHost, false); reason != "" {
			add("AZURE_AUTHORITY_HOST", redactedURL(c.AuthorityHost), reason, "set a URL such as https://login.microsoftonline.com/, or leave it empty")
		}
	}
	switch c.way() {
	case waySecret:
	case wayCertificate:
		if _, _, err := c.certificate(); err != nil {
			add("AZURE_CLIENT_CERTIFICATE_PATH", c.CertificatePath, err.Error(),
				"set a readable PEM or PKCS#12 file that holds a certificate and its RSA key, and AZURE_CLIENT_CERTIFICATE_PASSWORD if it has one")
		}
	case wayFederated:
		if _, err := readAssertion(c.FederatedTokenFile); err != nil {
			add("AZURE_FEDERATED_TOKEN_FILE", c.FederatedTokenFile, err.Error(),
				"mount a service account token with audience api://AzureADTokenExchange there")
		}
	default:
		add("AZURE_CLIENT_SECRET", "", "no credential is set",
			"set one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE")
	}
	return all
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
