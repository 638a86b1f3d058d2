package source

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hunting-exporter/internal/setting"
)

// newHTTP is a client for the API and the token server. It follows no redirect, so
// that Authorization goes nowhere but to the host it was meant for.
func newHTTP(base *http.Client, connections int) *http.Client {
	own := &http.Client{}
	if base != nil {
		*own = *base
	}
	if own.Transport == nil {
		own.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 15 * time.Second,
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        2 * connections,
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true, // asked for and undone by hand, to see its end
			// All calls share one connection. One that was lost without a word is found by
			// its silence, long before SOURCE_TIMEOUT would blame the query.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		}
	}
	own.Timeout = 0 // each call has its own deadline
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return own
}

// fileError is a file of the credential that cannot be used.
type fileError struct {
	variable, path string
	err            error
}

// Error names variable and file.
func (e *fileError) Error() string { return fmt.Sprintf("%s %s: %v", e.variable, e.path, e.err) }

// Unwrap gives the cause.
func (e *fileError) Unwrap() error { return e.err }

// credential makes the credential that the configuration asks for, of what its files hold
// now: they may be rotated while a run lasts. A new one has no token of before.
func (i *Identity) credential(transport policy.Transporter) (azcore.TokenCredential, error) {
	c, err := i.fresh()
	if err != nil {
		return nil, err
	}
	options := azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: c.authority()},
		Transport: transport,
		Retry:     policy.RetryOptions{MaxRetries: -1}, // renew does it
	}
	private := privateAuthority(c.authority())
	switch c.way() {
	case waySecret:
		return azidentity.NewClientSecretCredential(c.TenantID, c.ClientID, c.ClientSecret.Reveal(),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case wayCertificate:
		certs, key, err := c.certificate()
		if err != nil {
			return nil, &fileError{"AZURE_CLIENT_CERTIFICATE_PATH", c.CertificatePath, err}
		}
		return azidentity.NewClientCertificateCredential(c.TenantID, c.ClientID, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case wayFederated:
		// Not WorkloadIdentityCredential: that one keeps the file's content for ten
		// minutes, and a rotated token must be picked up at once.
		token, err := readAssertion(c.FederatedTokenFile)
		if err != nil {
			return nil, &fileError{"AZURE_FEDERATED_TOKEN_FILE", c.FederatedTokenFile, err}
		}
		return azidentity.NewClientAssertionCredential(c.TenantID, c.ClientID, func(context.Context) (string, error) { return token, nil },
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	}
	return nil, fmt.Errorf("no credential: set AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE")
}

// fresh is the configuration with its secrets as their files hold them now.
func (i *Identity) fresh() (Config, error) {
	c := i.cfg
	for _, s := range []struct {
		variable, path string
		to             *setting.Secret
	}{
		{"AZURE_CLIENT_SECRET_FILE", c.ClientSecretFile, &c.ClientSecret},
		{"AZURE_CLIENT_CERTIFICATE_PASSWORD_FILE", c.CertificatePasswordFile, &c.CertificatePassword},
	} {
		if s.path == "" {
			continue
		}
		secret, err := setting.ReadSecret(s.path)
		if err != nil {
			return c, &fileError{s.variable, s.path, err}
		}
		*s.to = secret
		i.mu.Lock()
		if !slices.Contains(i.secrets, secret) {
			i.secrets = append(i.secrets, secret)
		}
		i.mu.Unlock()
	}
	return c, nil
}

// privateAuthority reports whether the token server is none of Microsoft's, in which
// case asking Microsoft about it would fail.
func privateAuthority(authority string) bool {
	u, err := url.Parse(authority)
	return err != nil || !microsoftAuthorities[strings.ToLower(u.Host)]
}
