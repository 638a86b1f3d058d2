package source

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
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

// newCredential makes the credential that the configuration asks for.
func newCredential(c Config, client policy.Transporter) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: c.authority()},
		Transport: client,
	}
	private := privateAuthority(c.authority())
	switch c.way() {
	case waySecret:
		return azidentity.NewClientSecretCredential(c.TenantID, c.ClientID, c.ClientSecret.Reveal(),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case wayCertificate:
		certs, key, err := c.certificate()
		if err != nil {
			return nil, fmt.Errorf("AZURE_CLIENT_CERTIFICATE_PATH %s: %w", c.CertificatePath, err)
		}
		return azidentity.NewClientCertificateCredential(c.TenantID, c.ClientID, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case wayFederated:
		// Not WorkloadIdentityCredential: that one keeps the file's content for ten
		// minutes, and a rotated token must be picked up at once.
		assertion := func(context.Context) (string, error) {
			token, err := readAssertion(c.FederatedTokenFile)
			if err != nil {
				return "", fmt.Errorf("AZURE_FEDERATED_TOKEN_FILE %s: %w", c.FederatedTokenFile, err)
			}
			return token, nil
		}
		return azidentity.NewClientAssertionCredential(c.TenantID, c.ClientID, assertion,
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	}
	return nil, fmt.Errorf("no credential: set AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE")
}

// privateAuthority reports whether the token server is none of Microsoft's, in which
// case asking Microsoft about it would fail.
func privateAuthority(authority string) bool {
	u, err := url.Parse(authority)
	return err != nil || !microsoftAuthorities[strings.ToLower(u.Host)]
}

// tokens keeps the credential and replaces it when the API refuses its token: a
// credential gives a cached token again as long as that has not expired.
type tokens struct {
	scope string
	make  func() (azcore.TokenCredential, error)

	mu   sync.Mutex
	cred azcore.TokenCredential
	last string
}

// get returns a token; refused is one that the API did not take, or empty.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	cred, err := t.credential(refused)
	if err != nil {
		return "", err
	}
	token, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{t.scope}})
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cred == cred {
		t.last = token.Token
	}
	return token.Token, nil
}

func (t *tokens) credential(refused string) (azcore.TokenCredential, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Calls run side by side: only the first one refused makes a new credential.
	if t.cred != nil && (refused == "" || refused != t.last) {
		return t.cred, nil
	}
	cred, err := t.make()
	if err != nil {
		return nil, err
	}
	t.cred, t.last = cred, ""
	return cred, nil
}
