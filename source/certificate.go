package source

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"software.sslmate.com/src/go-pkcs12"

	"hunting-exporter/internal/setting"
)

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
