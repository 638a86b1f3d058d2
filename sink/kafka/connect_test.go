package kafka_test

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
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"hunting-exporter/internal/setting"
	"hunting-exporter/sink/kafka"
)

const password = "pl4nted-s3cret"

func TestLogin(t *testing.T) {
	t.Parallel()
	brokers := fake(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", password),
		kfake.Superuser("SCRAM-SHA-256", "me", password), kfake.Superuser("SCRAM-SHA-512", "me", password)).ListenAddrs()
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			cfg := config(t, brokers)
			cfg.SASLMechanism, cfg.SASLUsername, cfg.SASLPassword = mechanism, "me", password
			if p := cfg.Problems(); len(p) > 0 {
				t.Errorf("Problems() = %v", p)
			}
			l := open(t, connect(t, cfg))
			must(t, l.Fence(t.Context()))

			cfg.SASLPassword += "-wrong"
			_, err := kafka.Connect(t.Context(), cfg, kafka.Options{})
			if !errors.Is(err, kafka.ErrDenied) || !strings.Contains(err.Error(), "KAFKA_SASL_PASSWORD") {
				t.Errorf("wrong password: %v, want ErrDenied naming the variable", err)
			}
			for _, said := range []string{fmt.Sprint(err), fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg)} {
				if strings.Contains(said, password) {
					t.Errorf("the password is printed: %s", said)
				}
			}
		})
	}
}

func TestLoginWithToken(t *testing.T) {
	brokers := fake(t, kfake.EnableSASL()).ListenAddrs() // knows no OAUTHBEARER
	cfg := config(t, brokers)
	cfg.SASLMechanism = "oauthbearer"
	if _, err := kafka.Connect(t.Context(), cfg, kafka.Options{}); err == nil || !strings.Contains(err.Error(), "gives tokens") {
		t.Errorf("without a source of tokens: %v", err)
	}
	_, err := kafka.Connect(t.Context(), cfg, kafka.Options{Token: func(context.Context) (string, error) { return password, nil }})
	if !errors.Is(err, kafka.ErrDenied) || strings.Contains(err.Error(), password) {
		t.Errorf("mechanism not known to the broker: %v, want ErrDenied", err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never answers
	must(t, err)
	defer func() { _ = silent.Close() }()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	closed := free.Addr().String()
	must(t, free.Close())

	start := time.Now()
	_, err = kafka.Connect(t.Context(), config(t, []string{closed, silent.Addr().String()}), kafka.Options{})
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	for _, want := range []string{closed, silent.Addr().String(), "cannot be reached", "no answer in time"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
	if errors.Is(err, kafka.ErrDenied) {
		t.Error("unreachable counts as denied")
	}

	good := fake(t).ListenAddrs()[0]
	connect(t, config(t, []string{closed, good})) // one that answers is enough
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, cert := certificate(t)
	plainBrokers := fake(t).ListenAddrs()
	tlsBrokers := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}})).ListenAddrs()
	pool := x509.NewCertPool()
	pemCA, err := os.ReadFile(ca)
	must(t, err)
	pool.AppendCertsFromPEM(pemCA)
	mutual := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})).ListenAddrs()

	for _, c := range []struct {
		name    string
		brokers []string
		set     func(*kafka.Config)
		want    string
	}{
		{"trusted", tlsBrokers, func(c *kafka.Config) { c.TLS, c.TLSCAFile = true, ca }, ""},
		{"not trusted", tlsBrokers, func(c *kafka.Config) { c.TLS = true }, "KAFKA_TLS_CA_FILE"},
		{"client without TLS", tlsBrokers, func(*kafka.Config) {}, "KAFKA_TLS=true"},
		{"broker without TLS", plainBrokers, func(c *kafka.Config) { c.TLS, c.TLSCAFile = true, ca }, "KAFKA_TLS=false"},
		{"no client certificate", mutual, func(c *kafka.Config) { c.TLS, c.TLSCAFile = true, ca }, "KAFKA_TLS_CERT_FILE"},
		{"client certificate", mutual, func(c *kafka.Config) {
			c.TLS, c.TLSCAFile, c.TLSCertFile, c.TLSKeyFile = true, ca, filepath.Join(filepath.Dir(ca), "cert.pem"), filepath.Join(filepath.Dir(ca), "key.pem")
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, c.brokers)
			c.set(&cfg)
			if p := cfg.Problems(); len(p) > 0 {
				t.Errorf("Problems() = %v", p)
			}
			_, err := kafka.Connect(t.Context(), cfg, kafka.Options{})
			if c.want == "" {
				must(t, err)
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.brokers[0]) {
				t.Errorf("error = %v, want the broker and %s", err, c.want)
			}
		})
	}
}

// certificate makes a CA, and a certificate for 127.0.0.1 signed by itself.
func certificate(t *testing.T) (caFile string, cert tls.Certificate) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	must(t, os.WriteFile(filepath.Join(dir, "cert.pem"), certPEM, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "key.pem"), keyPEM, 0o600))
	cert, err = tls.X509KeyPair(certPEM, keyPEM)
	must(t, err)
	return filepath.Join(dir, "cert.pem"), cert
}

func TestProblems(t *testing.T) {
	dir := t.TempDir()
	notPEM := filepath.Join(dir, "not.pem")
	must(t, os.WriteFile(notPEM, []byte("x"), 0o600))
	good := kafka.Config{Brokers: []string{"kafka:9092"}, Topic: "defender.{table}", Format: "record", Delivery: "exactly-once", Spill: dir}
	for _, c := range []struct {
		name string
		set  func(*kafka.Config)
		want []string // variables
	}{
		{"good", func(*kafka.Config) {}, nil},
		{"off", func(c *kafka.Config) { *c = kafka.Config{Format: "?"} }, nil},
		{"IPv6", func(c *kafka.Config) { c.Brokers = []string{"[::1]:9092"} }, nil},
		{"brokers", func(c *kafka.Config) {
			c.Brokers = []string{"kafka", "kafka:", ":9092", "kafka:99999", "https://kafka:9092", "kafka:9092"}
		}, []string{"KAFKA_BROKERS", "KAFKA_BROKERS", "KAFKA_BROKERS", "KAFKA_BROKERS", "KAFKA_BROKERS"}},
		{"topic", func(c *kafka.Config) { c.Topic = "defender/{table}" }, []string{"KAFKA_TOPIC"}},
		{"other placeholder", func(c *kafka.Config) { c.Topic = "defender.{name}" }, []string{"KAFKA_TOPIC"}},
		{"empty topic", func(c *kafka.Config) { c.Topic = "" }, []string{"KAFKA_TOPIC"}},
		{"long topic", func(c *kafka.Config) { c.Topic = strings.Repeat("a", 250) }, []string{"KAFKA_TOPIC"}},
		{"delivery", func(c *kafka.Config) { c.Delivery = "at-most-once" }, []string{"KAFKA_DELIVERY"}},
		{"format", func(c *kafka.Config) { c.Format = "avro" }, []string{"KAFKA_FORMAT"}},
		{"later format", func(c *kafka.Config) { c.Format = "ocsf" }, []string{"KAFKA_FORMAT"}},
		{"files without TLS", func(c *kafka.Config) { c.TLSCAFile = notPEM }, []string{"KAFKA_TLS_CA_FILE"}},
		{"no PEM", func(c *kafka.Config) { c.TLS, c.TLSCAFile = true, notPEM }, []string{"KAFKA_TLS_CA_FILE"}},
		{"no file", func(c *kafka.Config) { c.TLS, c.TLSCAFile = true, "nonsuch" }, []string{"KAFKA_TLS_CA_FILE"}},
		{"certificate alone", func(c *kafka.Config) { c.TLS, c.TLSCertFile = true, notPEM }, []string{"KAFKA_TLS_CERT_FILE"}},
		{"key alone", func(c *kafka.Config) { c.TLS, c.TLSKeyFile = true, notPEM }, []string{"KAFKA_TLS_KEY_FILE"}},
		{"bad pair", func(c *kafka.Config) { c.TLS, c.TLSCertFile, c.TLSKeyFile = true, notPEM, notPEM }, []string{"KAFKA_TLS_CERT_FILE"}},
		{"mechanism", func(c *kafka.Config) { c.SASLMechanism = "gssapi" }, []string{"KAFKA_SASL_MECHANISM"}},
		{"no credentials", func(c *kafka.Config) { c.SASLMechanism = "scram-sha-512" }, []string{"KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}},
		{"no mechanism", func(c *kafka.Config) { c.SASLPassword = password }, []string{"KAFKA_SASL_MECHANISM"}},
		{"plain in the clear", func(c *kafka.Config) {
			c.SASLMechanism, c.SASLUsername, c.SASLPassword = "plain", "me", password
		}, []string{"KAFKA_SASL_MECHANISM"}},
		{"plain on loopback", func(c *kafka.Config) {
			c.Brokers = []string{"localhost:9092", "127.0.0.1:9092"}
			c.SASLMechanism, c.SASLUsername, c.SASLPassword = "plain", "me", password
		}, nil},
		{"token in the clear", func(c *kafka.Config) { c.SASLMechanism = "oauthbearer" }, []string{"KAFKA_SASL_MECHANISM"}},
		{"all at once", func(c *kafka.Config) {
			c.Brokers, c.Topic, c.Delivery, c.Format = []string{"x"}, "?", "?", "?"
		}, []string{"KAFKA_BROKERS", "KAFKA_TOPIC", "KAFKA_DELIVERY", "KAFKA_FORMAT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.set(&cfg)
			got := map[string]int{}
			for _, p := range cfg.Problems() {
				got[p.Variable]++
				if p.Reason == "" || p.Fix == "" || strings.Contains((&setting.Error{Problems: cfg.Problems()}).Error(), password) {
					t.Errorf("problem %v lacks a reason or a fix, or tells a secret", p)
				}
			}
			want := map[string]int{}
			for _, v := range c.want {
				want[v]++
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("problems %v, want %v", cfg.Problems(), want)
			}
		})
	}
	one := good
	one.Topic = "defender"
	if len(good.Warnings()) != 0 || len(one.Warnings()) != 1 {
		t.Errorf("Warnings() = %v, %v; want none, one", good.Warnings(), one.Warnings())
	}
}
