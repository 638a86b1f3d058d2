package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"hunting-exporter/internal/crash"
	"hunting-exporter/tenant"
)

// Server is a simulated tenant behind TLS on this machine.
type Server struct {
	Tenant *tenant.Tenant
	URL    string
	cert   *x509.Certificate
	server *http.Server
	done   chan error
	folder string // of the certificate's file
}

// Serve serves the tenant until close.
func Serve(ctx context.Context, t *tenant.Tenant, address string) (*Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve the tenant: %w", err)
	}
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "localhost"
	}
	pair, err := newCertificate(host)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	e := &Server{
		Tenant: t, URL: "https://" + net.JoinHostPort(host, port), cert: pair.Leaf, done: make(chan error, 1),
		server: &http.Server{
			Handler: t, ReadHeaderTimeout: 30 * time.Second,
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		},
	}
	go func() {
		defer crash.Exit()
		e.done <- e.server.ServeTLS(listener, "", "")
	}()
	return e, nil
}

// newCertificate makes a certificate for this machine that signs itself.
func newCertificate(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "hunting-exporter simulated tenant"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else {
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// Client trusts the tenant's certificate and no other.
func (e *Server) Client() *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(e.cert)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, DisableCompression: true,
	}}
}

// CertFile writes the certificate where SSL_CERT_FILE can point to.
func (e *Server) CertFile() (string, error) {
	dir, err := os.MkdirTemp("", "hunting-exporter-tenant-")
	if err != nil {
		return "", fmt.Errorf("write the certificate: %w", err)
	}
	e.folder = dir
	path := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.cert.Raw}), 0o600); err != nil {
		return "", fmt.Errorf("write the certificate: %w", err)
	}
	return path, nil
}

// Settings are the variables that lead an exporter to the tenant.
func (e *Server) Settings() [][2]string {
	return [][2]string{
		{"SOURCE_ENDPOINT", e.URL},
		{"AZURE_AUTHORITY_HOST", e.URL + "/"},
		{"AZURE_TENANT_ID", e.Tenant.TenantID()},
		{"AZURE_CLIENT_ID", tenant.DefaultClientID},
		{"AZURE_CLIENT_SECRET", tenant.DefaultClientSecret},
	}
}

// Close ends the server and removes the certificate's file.
func (e *Server) Close() error {
	err := e.server.Close()
	if served := <-e.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if e.folder != "" {
		err = errors.Join(err, os.RemoveAll(e.folder))
	}
	return err
}
