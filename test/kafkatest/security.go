package kafkatest

import (
	"fmt"
	"path/filepath"

	"hunting-exporter/test/process"
)

// Security is how to reach the listeners that ask who is there. The users exist
// on every broker that is started with Options.Security; they guard nothing.
type Security struct {
	TLS     string // TLS with client certificate, host:port
	SASL    string // PLAIN and SCRAM without TLS
	SASLTLS string // PLAIN and SCRAM over TLS

	CAFile, CertFile, KeyFile string // PEM, for a client

	User, Password           string // PLAIN
	ScramUser, ScramPassword string // SCRAM-SHA-256 and SCRAM-SHA-512
}

const (
	plainUser, plainPassword = "test", "test-secret"
	scramUser, scramPassword = "scramuser", "scram-secret"
)

func (b *Broker) secure(properties map[string]string, tls, sasl, saslTLS int) error {
	if err := writeCertificates(b.dir); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(b.dir, name) }
	b.Security = Security{
		TLS: process.Addr(tls), SASL: process.Addr(sasl), SASLTLS: process.Addr(saslTLS),
		CAFile: in("ca.pem"), CertFile: in("client.pem"), KeyFile: in("client.key"),
		User: plainUser, Password: plainPassword, ScramUser: scramUser, ScramPassword: scramPassword,
	}
	more := fmt.Sprintf(",TLS://%s,SASL://%s,SASLTLS://%s", b.Security.TLS, b.Security.SASL, b.Security.SASLTLS)
	properties["listeners"] += more
	properties["advertised.listeners"] += more
	properties["listener.security.protocol.map"] += ",TLS:SSL,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL"
	properties["ssl.keystore.type"] = "PEM"
	properties["ssl.keystore.location"] = in("server.pem")
	properties["ssl.truststore.type"] = "PEM"
	properties["ssl.truststore.location"] = in("ca.pem")
	properties["listener.name.tls.ssl.client.auth"] = "required"
	properties["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
	for _, listener := range []string{"sasl", "sasltls"} {
		prefix := "listener.name." + listener + "."
		properties[prefix+"plain.sasl.jaas.config"] = fmt.Sprintf(
			"org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=%q;", plainUser, plainPassword)
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			properties[prefix+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	return nil
}

func scramUsers() []string {
	var args []string
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, scramUser, scramPassword))
	}
	return args
}
