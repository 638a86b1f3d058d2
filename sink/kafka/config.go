package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"hunting-exporter/internal/setting"
	"hunting-exporter/sink/event"
)

// The values of KAFKA_DELIVERY.
const (
	// ExactlyOnce sends each commit as one transaction.
	ExactlyOnce = "exactly-once"
	// AtLeastOnce sends outside of any transaction.
	AtLeastOnce = "at-least-once"
)

const (
	tablePlaceholder  = "{table}"
	tenantPlaceholder = "{tenant}"
	maxTopicName      = 249
)

// The values of KAFKA_SASL_MECHANISM.
const (
	saslPlain       = "plain"
	saslScramSHA256 = "scram-sha-256"
	saslScramSHA512 = "scram-sha-512"
	saslOAuthBearer = "oauthbearer"
	saslMSKIAM      = "aws-msk-iam"
)

// Config says where Kafka is, how to log in and how to deliver. No brokers: no Kafka.
type Config struct {
	Brokers       setting.List   `env:"KAFKA_BROKERS" help:"comma list of host:port; empty: no Kafka" literal:"" chart:"^\\s*([^,\\s]+:[0-9]+\\s*(,\\s*[^,\\s]+:[0-9]+\\s*)*)?$"`
	Topic         string         `env:"KAFKA_TOPIC, default=defender.{table}" help:"topic template; '{table}' stands for the dataset, '{tenant}' for the tenant's id" chart:"^([A-Za-z0-9._-]|\\{table\\}|\\{tenant\\})*$"`
	Format        event.Name     `env:"KAFKA_FORMAT, default=record" help:"value of the events: 'record', as Microsoft's own streaming export sends it" later:"eventhub splunk flat ocsf"`
	Delivery      string         `env:"KAFKA_DELIVERY, default=exactly-once" help:"'exactly-once', or 'at-least-once', where a stable ce_id tells repeats" values:"exactly-once at-least-once"`
	TLS           bool           `env:"KAFKA_TLS" help:"'true': TLS to the brokers"`
	TLSCAFile     string         `env:"KAFKA_TLS_CA_FILE" help:"PEM file of the authorities to trust instead of the system's" chart:"file"`
	TLSCertFile   string         `env:"KAFKA_TLS_CERT_FILE" help:"PEM file of the client certificate" chart:"file"`
	TLSKeyFile    string         `env:"KAFKA_TLS_KEY_FILE" help:"PEM file of the client certificate's key" chart:"file"`
	SASLMechanism string         `env:"KAFKA_SASL_MECHANISM" help:"how to log in" values:"plain scram-sha-256 scram-sha-512 oauthbearer aws-msk-iam" anycase:""`
	SASLUsername  string         `env:"KAFKA_SASL_USERNAME" help:"user of 'plain' and 'scram'"`
	SASLPassword  setting.Secret `env:"KAFKA_SASL_PASSWORD" help:"password of 'plain' and 'scram'"`
	// Region is that of aws-msk-iam.
	Region string
	// Spill is the directory where events wait until they are sent; empty: the temporary one.
	Spill string
}

// Enabled reports whether events are sent at all.
func (c Config) Enabled() bool { return len(c.Brokers) > 0 }

// TakesToken reports whether access tokens log in.
func (c Config) TakesToken() bool { return c.Enabled() && c.mechanism() == saslOAuthBearer }

// TopicFor returns the topic of a tenant's dataset.
func (c Config) TopicFor(tenant, dataset string) string {
	return strings.NewReplacer(tablePlaceholder, dataset, tenantPlaceholder, tenant).Replace(c.Topic)
}

// ByTenant reports whether topics are named by the tenant's id.
func (c Config) ByTenant() bool { return c.Enabled() && strings.Contains(c.Topic, tenantPlaceholder) }

// Problems returns everything that is wrong with the configuration.
func (c Config) Problems() []setting.Problem {
	if !c.Enabled() {
		return nil
	}
	p := setting.Judge(c)
	c.checkBrokers(&p)
	c.checkTopic(&p)
	c.checkTLS(&p)
	c.checkSASL(&p)
	return p
}

// Warnings returns what works, but perhaps not as meant.
func (c Config) Warnings() []string {
	if c.Enabled() && !strings.Contains(c.Topic, tablePlaceholder) {
		return []string{fmt.Sprintf("KAFKA_TOPIC=%q has no %s: the events of all tables go to one topic", c.Topic, tablePlaceholder)}
	}
	return nil
}

func (c Config) mechanism() string { return strings.ToLower(c.SASLMechanism) }

func (c Config) checkBrokers(p *setting.Problems) {
	for _, b := range c.Brokers {
		host, port, err := net.SplitHostPort(b)
		n, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || host == "" || portErr != nil || n == 0 || strings.ContainsAny(host, "/@ ") {
			p.Add("KAFKA_BROKERS", b, "not host:port", "write each broker as host:port, e.g. kafka-0.example:9092, without a scheme")
		}
	}
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// checkTopicName says why Kafka would not take name as a topic's name.
func checkTopicName(name string) error {
	switch {
	case !topicName.MatchString(name):
		return fmt.Errorf("topic name %q: only letters, digits, '.', '_' and '-' are allowed", name)
	case len(name) > maxTopicName:
		return fmt.Errorf("topic name %q: %d characters, %d are allowed", name, len(name), maxTopicName)
	case name == "." || name == "..":
		return fmt.Errorf("topic name %q is reserved", name)
	}
	return nil
}

func (c Config) checkTopic(p *setting.Problems) {
	if err := checkTopicName(c.TopicFor("00000000-0000-0000-0000-000000000000", "T")); err != nil {
		p.Add("KAFKA_TOPIC", c.Topic, err.Error(), "set a topic name in which "+tablePlaceholder+" stands for the table and "+tenantPlaceholder+" for the tenant's id, e.g. defender."+tablePlaceholder)
	}
}

func (c Config) checkTLS(p *setting.Problems) {
	if !c.TLS {
		for _, f := range [][2]string{{"KAFKA_TLS_CA_FILE", c.TLSCAFile}, {"KAFKA_TLS_CERT_FILE", c.TLSCertFile}, {"KAFKA_TLS_KEY_FILE", c.TLSKeyFile}} {
			if f[1] != "" {
				p.Add(f[0], f[1], "set, but TLS is off", "set KAFKA_TLS=true, or unset it")
			}
		}
		return
	}
	if c.TLSCAFile != "" {
		if _, err := readCAs(c.TLSCAFile); err != nil {
			p.Add("KAFKA_TLS_CA_FILE", c.TLSCAFile, err.Error(), "set a readable file of PEM certificates")
		}
	}
	switch {
	case c.TLSCertFile != "" && c.TLSKeyFile == "":
		p.Add("KAFKA_TLS_CERT_FILE", c.TLSCertFile, "certificate without its key", "set KAFKA_TLS_KEY_FILE too")
	case c.TLSCertFile == "" && c.TLSKeyFile != "":
		p.Add("KAFKA_TLS_KEY_FILE", c.TLSKeyFile, "key without its certificate", "set KAFKA_TLS_CERT_FILE too")
	case c.TLSCertFile != "":
		if _, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
			p.Add("KAFKA_TLS_CERT_FILE", c.TLSCertFile, err.Error(), "set a readable PEM certificate and the PEM key that belongs to it")
		}
	}
}

func (c Config) checkSASL(p *setting.Problems) {
	m := c.mechanism()
	switch m {
	case "":
		if c.SASLUsername != "" || c.SASLPassword != "" {
			p.Add("KAFKA_SASL_MECHANISM", "", "a username or password is set, but no mechanism", "set KAFKA_SASL_MECHANISM, e.g. scram-sha-512")
		}
		return
	case saslPlain, saslScramSHA256, saslScramSHA512:
		if c.SASLUsername == "" {
			p.Add("KAFKA_SASL_USERNAME", "", m+" needs a username", "set it")
		}
		if c.SASLPassword == "" {
			p.Add("KAFKA_SASL_PASSWORD", "", m+" needs a password", "set KAFKA_SASL_PASSWORD or KAFKA_SASL_PASSWORD_FILE")
		}
		if _, err := c.saslMechanism(context.Background(), nil); err != nil {
			p.Add("KAFKA_SASL_PASSWORD", c.SASLPassword.String(), err.Error(), "change them")
		}
	case saslOAuthBearer:
	case saslMSKIAM:
		if _, err := c.saslMechanism(context.Background(), nil); errors.Is(err, errNoRegion) {
			p.Add("AWS_REGION", "", "is missing, and no profile gives one", "set the region of the MSK cluster")
		} else if err != nil {
			p.Add("KAFKA_SASL_MECHANISM", c.SASLMechanism, err.Error(), "correct what AWS_* variables name")
		}
	default:
		return
	}
	// SCRAM never sends the password; the others send what a listener could use.
	if !c.TLS && !c.loopback() && m != saslScramSHA256 && m != saslScramSHA512 {
		p.Add("KAFKA_SASL_MECHANISM", c.SASLMechanism, "would send credentials in clear text over the network", "set KAFKA_TLS=true, or use scram-sha-512")
	}
}

// loopback reports whether every broker is on this machine.
func (c Config) loopback() bool {
	for _, b := range c.Brokers {
		host, _, err := net.SplitHostPort(b)
		if err != nil {
			return false
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
