package kafkatest_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"hunting-exporter/test/kafkatest"
	"hunting-exporter/test/read"
)

// shared is the broker of all tests of this package: it is never stopped in order,
// so that each test also proves that a kill loses nothing committed.
var shared *kafkatest.Broker

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	broker, err := kafkatest.New(kafkatest.Options{Security: true, Properties: map[string]string{"message.max.bytes": "2097152"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer broker.Close()
	shared = broker
	return m.Run()
}

// write produces values in one transaction and ends it.
func write(t *testing.T, end kgo.TransactionEndTry, values ...string) {
	t.Helper()
	client, err := shared.Client(kgo.TransactionalID("test"), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, value := range values {
		r := &kgo.Record{Topic: t.Name(), Key: []byte("key"), Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte(value)}}}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
}

func sorted(values []string) []string {
	slices.Sort(values)
	return values
}

func TestReadersSeeCommittedRecordsOnly(t *testing.T) {
	shared.CreateTopic(t, t.Name(), 3, nil)
	write(t, kgo.TryCommit, "a", "b", "c", "d")
	write(t, kgo.TryAbort, "x", "y")
	write(t, kgo.TryCommit, "e")
	write(t, kgo.TryAbort, "z")
	want := []string{"a", "b", "c", "d", "e"}

	got := sorted(read.Values(read.Committed(t, t.Name(), kgo.SeedBrokers(shared.Addr))))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("franz-go (-want +got):\n%s", diff)
	}

	var values []string
	for _, r := range read.RDKafka(t, shared.Addr, t.Name(), nil) {
		values = append(values, string(r.Value))
		if want := []read.Header{{Name: "ce_id", Value: r.Value}}; !cmp.Equal(want, r.Headers) || string(r.Key) != "key" {
			t.Errorf("record %s: key %s, headers %v", r.Value, r.Key, r.Headers)
		}
	}
	if diff := cmp.Diff(want, sorted(values)); diff != "" {
		t.Errorf("librdkafka (-want +got):\n%s", diff)
	}
}

func TestKillKeepsWhatWasCommitted(t *testing.T) {
	shared.CreateTopic(t, t.Name(), 1, nil)
	addr := shared.Addr
	write(t, kgo.TryCommit, "before")
	shared.Kill()
	if err := shared.Restart(); err != nil {
		t.Fatal(err)
	}
	write(t, kgo.TryCommit, "after")
	got := read.Values(read.Committed(t, t.Name(), kgo.SeedBrokers(addr)))
	if diff := cmp.Diff([]string{"before", "after"}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestEmptyTopic(t *testing.T) {
	shared.CreateTopic(t, t.Name(), 2, nil)
	if got := read.Committed(t, t.Name(), kgo.SeedBrokers(shared.Addr)); len(got) != 0 {
		t.Errorf("got %d records, want none", len(got))
	}
	if got := read.RDKafka(t, shared.Addr, t.Name(), nil); len(got) != 0 {
		t.Errorf("librdkafka got %d records, want none", len(got))
	}
}

func TestSecureListeners(t *testing.T) {
	s := shared.Security
	user := plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()
	scramUser := scram.Auth{User: s.ScramUser, Pass: s.ScramPassword}
	for _, c := range []struct {
		name, addr string
		config     *tls.Config
		mechanism  sasl.Mechanism
		refused    bool
	}{
		{name: "client certificate", addr: s.TLS, config: config(t, true)},
		{name: "no client certificate", addr: s.TLS, config: config(t, false), refused: true},
		{name: "plain", addr: s.SASL, mechanism: user},
		{name: "wrong password", addr: s.SASL, mechanism: plain.Auth{User: s.User, Pass: "wrong"}.AsMechanism(), refused: true},
		{name: "scram-sha-256", addr: s.SASL, mechanism: scramUser.AsSha256Mechanism()},
		{name: "scram-sha-512 with tls", addr: s.SASLTLS, config: config(t, false), mechanism: scramUser.AsSha512Mechanism()},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := []kgo.Opt{kgo.SeedBrokers(c.addr)}
			if c.config != nil {
				opts = append(opts, kgo.DialTLSConfig(c.config))
			}
			if c.mechanism != nil {
				opts = append(opts, kgo.SASL(c.mechanism))
			}
			client, err := kgo.NewClient(opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.Ping(t.Context()); (err != nil) != c.refused {
				t.Errorf("ping: %v, want refused %v", err, c.refused)
			}
		})
	}
}

func config(t *testing.T, withCertificate bool) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(shared.Security.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	c.RootCAs.AppendCertsFromPEM(ca)
	if withCertificate {
		pair, err := tls.LoadX509KeyPair(shared.Security.CertFile, shared.Security.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}
