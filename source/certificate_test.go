package source_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"hunting-exporter/internal/setting"
	"hunting-exporter/source/call"
)

// keyPair is an RSA key and a certificate of it, made once.
var keyPair = sync.OnceValue(func() (pair struct {
	key   *rsa.PrivateKey
	other *rsa.PrivateKey
	cert  *x509.Certificate
},
) {
	pair.key, _ = rsa.GenerateKey(rand.Reader, 2048) // never fails; see crypto/rand
	pair.other, _ = rsa.GenerateKey(rand.Reader, 2048)
	pair.cert = selfSigned(pair.key)
	return pair
})

func selfSigned(key crypto.Signer) *x509.Certificate {
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "exporter"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

// inPEM is a key, then certificates.
func inPEM(t *testing.T, key any, certs ...*x509.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, c := range certs {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return b
}

func inPKCS12(t *testing.T, e *pkcs12.Encoder, password string, key any, certs ...*x509.Certificate) []byte {
	t.Helper()
	b, err := e.Encode(key, certs[0], certs[1:], password)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCertificateFiles: what can log in is taken, PKCS#12 as OpenSSL 3 writes it (PBES2,
// AES-256, SHA-256) too, and everything else refused before a call, with the reason.
func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	p := keyPair()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign := selfSigned(p.other)
	for name, tt := range map[string]struct {
		file     []byte
		password setting.Secret
		says     string // the problem; empty: none
	}{
		"PEM":                       {inPEM(t, p.key, p.cert), "", ""},
		"PEM, a chain":              {inPEM(t, p.key, p.cert, foreign), "", ""},
		"PEM, the chain turned":     {inPEM(t, p.key, foreign, p.cert), "", ""},
		"PEM, CRLF":                 {[]byte(strings.ReplaceAll(string(inPEM(t, p.key, p.cert)), "\n", "\r\n")), "", ""},
		"PKCS#12 of OpenSSL 3":      {inPKCS12(t, pkcs12.Modern2023, "pässword", p.key, p.cert), "pässword", ""},
		"PKCS#12, a chain":          {inPKCS12(t, pkcs12.Modern2023, "p", p.key, p.cert, foreign), "p", ""},
		"PKCS#12, no password":      {inPKCS12(t, pkcs12.Modern2023, "", p.key, p.cert), "", ""},
		"PKCS#12 of old":            {inPKCS12(t, pkcs12.LegacyDES, "p", p.key, p.cert), "p", ""},
		"PKCS#12 older still":       {inPKCS12(t, pkcs12.LegacyRC2, "p", p.key, p.cert), "p", ""},
		"password is missing":       {inPKCS12(t, pkcs12.Modern2023, "p", p.key, p.cert), "", "needs a password"},
		"password is wrong":         {inPKCS12(t, pkcs12.Modern2023, "p", p.key, p.cert), "q", "not opened by AZURE_CLIENT_CERTIFICATE_PASSWORD"},
		"key of another":            {inPEM(t, p.other, p.cert), "", "belongs to none"},
		"key of another in PKCS#12": {inPKCS12(t, pkcs12.Modern2023, "p", p.other, p.cert), "p", "belongs to none"},
		"ECDSA":                     {inPEM(t, curve, selfSigned(curve)), "", "ECDSA"},
		"ECDSA in PKCS#12":          {inPKCS12(t, pkcs12.Modern2023, "p", curve, selfSigned(curve)), "p", "ECDSA"},
		"Ed25519":                   {inPEM(t, edwards, selfSigned(edwards)), "", "ED25519"},
		"no key":                    {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw}), "", "no usable certificate"},
		"no certificate":            {inPEM(t, p.key), "", "no usable certificate"},
		"encrypted PEM":             {append(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), inPEM(t, p.key, p.cert)...), "p", "encrypted PEM"},
		"DER alone":                 {p.cert.Raw, "", "neither PEM nor PKCS#12"},
		"empty":                     {nil, "", "neither PEM nor PKCS#12"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "cert")
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			problems := config(func(c *call.Config) {
				c.ClientSecret, c.CertificatePath, c.CertificatePassword = "", path, tt.password
			}).Problems()
			if tt.says == "" {
				if len(problems) > 0 {
					t.Error(problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Variable != "AZURE_CLIENT_CERTIFICATE_PATH" || !strings.Contains(problems[0].Reason, tt.says) {
				t.Errorf("%v, want one that says %q", problems, tt.says)
			}
		})
	}
}

// TestCertificateLogsIn: the token server gets an assertion that the certificate's key signed.
func TestCertificateLogsIn(t *testing.T) {
	t.Parallel()
	p := keyPair()
	path := filepath.Join(t.TempDir(), "cert.p12")
	if err := os.WriteFile(path, inPKCS12(t, pkcs12.Modern2023, "p", p.key, p.cert), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &entra{}
	r, _ := secure(t, e, func(c *call.Config) { c.ClientSecret, c.CertificatePath, c.CertificatePassword = "", path, "p" })
	if err := r.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(e.assert[0], ".")
	if len(parts) != 3 {
		t.Fatalf("assertion %q", e.assert[0])
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	hash := crypto.SHA256.New()
	hash.Write([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPSS(&p.key.PublicKey, crypto.SHA256, hash.Sum(nil), signature, nil); err != nil {
		t.Error(err)
	}
}
