package call

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
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
	"software.sslmate.com/src/go-pkcs12"

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

// certificate reads the certificate file. What it returns can log in, for all that shows
// without asking the token server.
func (c Config) certificate() ([]*x509.Certificate, crypto.PrivateKey, error) {
	b, err := setting.ReadFile(c.CertificatePath)
	if err != nil {
		return nil, nil, err
	}
	read := readPKCS12
	if bytes.Contains(b, []byte("-----BEGIN ")) {
		read = readPEM
	}
	certs, key, err := read(b, c.CertificatePassword.Reveal())
	if err != nil {
		return nil, nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("holds a key of type %s; Entra ID takes RSA keys only", keyType(key))
	}
	for _, cert := range certs {
		if private.PublicKey.Equal(cert.PublicKey) {
			return certs, key, nil
		}
	}
	return nil, nil, errors.New("holds a private key that belongs to none of its certificates")
}

func readPEM(b []byte, _ string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	if bytes.Contains(b, []byte("ENCRYPTED")) {
		return nil, nil, errors.New("holds an encrypted PEM key, which is not read; take the encryption off, or make it PKCS#12")
	}
	certs, key, err := azidentity.ParseCertificates(b, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("holds no usable certificate: %s", strings.TrimPrefix(err.Error(), "azidentity: "))
	}
	return certs, key, nil
}

func readPKCS12(b []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	key, cert, chain, err := pkcs12.DecodeChain(b, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && password == "":
		return nil, nil, errors.New("needs a password: set AZURE_CLIENT_CERTIFICATE_PASSWORD")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, nil, errors.New("is not opened by AZURE_CLIENT_CERTIFICATE_PASSWORD")
	case err != nil:
		return nil, nil, fmt.Errorf("holds no usable certificate: neither PEM nor PKCS#12: %s", strings.TrimPrefix(err.Error(), "pkcs12: "))
	}
	return append([]*x509.Certificate{cert}, chain...), key, nil
}

func keyType(key any) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", key), "*")
	name, _, _ = strings.Cut(name, ".")
	return strings.ToUpper(name)
}
