package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/setting"
	"hunting-exporter/sink/event"
)

const (
	clientID       = "hunting-exporter"
	connectTimeout = 20 * time.Second
	dialTimeout    = 5 * time.Second
	headStart      = time.Second     // of one bootstrap broker before the next is asked
	metadataTTL    = 3 * time.Second // also how soon a moved leader is noticed
	zstdWindow     = 1 << 20
)

// Options is what a Cluster needs beside its configuration.
type Options struct {
	Log      *slog.Logger
	TenantID string
	// Token gives access tokens for oauthbearer.
	Token func(context.Context) (string, error)
	// Now bounds record timestamps; nil: time.Now.
	Now func() time.Time
}

// Cluster is a Kafka cluster that answered and accepted the login.
type Cluster struct {
	id       string
	cfg      Config
	opts     Options
	tls      *tls.Config
	sasl     sasl.Mechanism
	zstd     *zstd.Encoder
	patience patience
	told     atomic.Int64 // when it was last said that a request waits

	newFormat func(name string, ds hunting.Dataset, tenantID string) (event.Format, error)
}

// Connect asks the brokers who they are, for 20 seconds at most: a typo, a wrong port, a
// wrong password or a service without transactions shows here, not after every retry of
// a commit.
func Connect(ctx context.Context, cfg Config, opts Options) (*Cluster, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c := &Cluster{cfg: cfg, opts: opts, patience: defaultPatience, newFormat: event.New}
	c.patience.tell = c.waits
	var err error
	if c.tls, err = cfg.tlsConfig(); err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	if c.sasl, err = cfg.saslMechanism(ctx, opts.Token); err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	// Level, window and checksum as measured: zstd is most of the sink's work.
	c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: set up zstd: %w", err)
	}
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("connect to Kafka: no brokers; set KAFKA_BROKERS")
	}
	found, err := c.askAll(ctx, cfg.Brokers)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	if err := reachable(ctx, found.brokers); err != nil {
		return nil, fmt.Errorf("connect to Kafka: broker %s answered, but %w", found.asked, err)
	}
	if c.id = found.cluster; !c.ExactlyOnce() {
		return c, nil
	}
	if err := c.transactional(ctx, found.asked); err != nil {
		return nil, err
	}
	return c, nil
}

// answer is what one broker said.
type answer struct {
	asked, cluster string
	brokers        []kafkago.Broker
	err            error
}

// askAll asks the brokers side by side and takes the first that answers. Each begins
// when the one before has failed, or has been silent for a moment: a wrong password is
// then tried once, not once a broker, and a silent broker holds up nobody.
func (c *Cluster) askAll(ctx context.Context, brokers []string) (answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, len(brokers))
	head := time.NewTimer(0)
	defer head.Stop()
	var failures []error
	for asked := 0; len(failures) < len(brokers); {
		select {
		case <-head.C:
			if asked > 0 && ctx.Err() != nil {
				brokers = brokers[:asked] // who was never asked is not silent
			}
			if asked == len(brokers) {
				continue
			}
			broker := brokers[asked]
			asked++
			head.Reset(headStart)
			go func() {
				defer crash.Exit()
				cluster, list, err := c.ask(ctx, broker)
				answers <- answer{broker, cluster, list, err}
			}()
		case a := <-answers:
			if a.err == nil {
				return a, nil
			}
			err := explain(a.asked, c.cfg.TLS, a.err)
			if errors.Is(err, ErrDenied) { // the same login fails everywhere, and may lock the account
				return answer{}, err
			}
			failures = append(failures, err)
			head.Reset(0)
		}
	}
	return answer{}, errors.Join(failures...)
}

// waits says that a request is repeated, and why: a dead broker is named by its address.
// Partitions and datasets that wait at the same time say so once.
func (c *Cluster) waits(err error, waited time.Duration) {
	last, now := c.told.Load(), time.Now().UnixNano()
	if now-last < int64(patienceTotal) || !c.told.CompareAndSwap(last, now) {
		return
	}
	c.opts.Log.Warn("Kafka does not answer, trying again", "error", err, "bootstrap", strings.Join(c.cfg.Brokers, ","),
		"waited_seconds", waited.Seconds(), "patience_seconds", c.patience.total.Seconds())
}

// ID is the cluster's id.
func (c *Cluster) ID() string { return c.id }

// ExactlyOnce reports whether commits are transactions.
func (c *Cluster) ExactlyOnce() bool { return c.cfg.Delivery != AtLeastOnce }

// transport opens connections on demand. Naming the topics keeps the answers to
// metadata requests small, however many topics the cluster has.
func (c *Cluster) transport(topics ...string) *kafkago.Transport {
	if topics == nil {
		topics = []string{}
	}
	return &kafkago.Transport{
		Dial:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DialTimeout:    2 * dialTimeout,
		MetadataTTL:    metadataTTL,
		MetadataTopics: topics,
		ClientID:       clientID,
		TLS:            c.tls,
		SASL:           c.sasl,
	}
}

// ask learns the cluster's id and its brokers from one broker.
func (c *Cluster) ask(ctx context.Context, broker string) (cluster string, brokers []kafkago.Broker, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout+time.Second)
	defer cancel()
	t := c.transport()
	defer t.CloseIdleConnections()
	login := &watchedLogin{Mechanism: c.sasl}
	if c.sasl != nil {
		t.SASL = login
	}
	client := &kafkago.Client{Addr: kafkago.TCP(broker), Transport: t}
	m, err := client.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{}})
	if err != nil && login.open.Load() && errors.Is(err, io.ErrUnexpectedEOF) {
		return "", nil, fmt.Errorf("%w: connection closed during the login: %w", ErrDenied, err)
	}
	if err != nil {
		return "", nil, err
	}
	if m.ClusterID == "" {
		return "", nil, errors.New("it gave no cluster id; Kafka 2.1 or newer is needed")
	}
	return m.ClusterID, m.Brokers, nil
}

// reachable tries the addresses that brokers advertise: clients use those, and an
// address that only works elsewhere would otherwise show as one long time-out.
func reachable(ctx context.Context, brokers []kafkago.Broker) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	results := make(chan error, len(brokers))
	for _, b := range brokers {
		go func() {
			defer crash.Exit()
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(b.Host, strconv.Itoa(b.Port)))
			if err == nil {
				err = conn.Close()
			}
			results <- err
		}()
	}
	var errs []error
	for range brokers {
		err := <-results
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("none of the addresses that it advertises can be reached; check advertised.listeners of the brokers: %w", errors.Join(errs...))
}

// explain says what an error of the first request means and what to do about it.
func explain(broker string, tlsOn bool, err error) error {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		network   *net.OpError
	)
	hint := "check the address and the broker's log"
	switch {
	case judge(err) == denied:
		return fmt.Errorf("broker %s refused the login: check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD: %w", broker, named(err))
	case errors.As(err, &authority), errors.As(err, &invalid):
		hint = "its certificate is not trusted; set KAFKA_TLS_CA_FILE to the CA that signed it"
	case errors.As(err, &hostname):
		hint = "its certificate is for another name; use a name that it holds in KAFKA_BROKERS"
	case errors.As(err, &record):
		hint = "it does not speak TLS on this port; use its TLS port, or KAFKA_TLS=false"
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls"):
		hint = "it ended the TLS handshake; it may ask for a client certificate: KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE"
	case errors.Is(err, io.ErrUnexpectedEOF) && strings.Contains(err.Error(), "expecting TLS"):
		hint = "it expects TLS on this port; set KAFKA_TLS=true"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		hint = "no answer in time; check the address, firewalls and network policies"
		if tlsOn {
			hint += ", and whether it speaks TLS on this port (else KAFKA_TLS=false)"
		}
	case errors.As(err, &network) && network.Op == "dial":
		hint = "cannot be reached; check KAFKA_BROKERS, DNS, firewalls and network policies"
	case tlsOn && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		hint = "it closed the connection during the TLS handshake; it may not speak TLS on this port: use its TLS port, or KAFKA_TLS=false"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		hint = "it closed the connection; it may expect TLS (KAFKA_TLS=true) or a login (KAFKA_SASL_MECHANISM)"
	}
	return fmt.Errorf("broker %s: %s: %w", broker, hint, err)
}

// Requests of transactions, as the protocol numbers them.
const (
	apiFindCoordinator = 10
	apiInitProducerID  = 22
	apiAddPartitions   = 24
	apiAddOffsets      = 25
	apiEndTxn          = 26
	apiOffsetCommit    = 28
)

// transactional refuses a service that has no transactions. Some leave the requests out
// of their list, others, such as Event Hubs of the standard tier, refuse to name a
// coordinator; kafka-go passes over both and repeats requests that cannot succeed.
func (c *Cluster) transactional(ctx context.Context, broker string) error {
	t := c.transport()
	defer t.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(broker), Transport: t, Timeout: dialTimeout}
	versions, err := client.ApiVersions(ctx, &kafkago.ApiVersionsRequest{})
	if err != nil || versions.Error != nil { // no word against transactions: the first fence will tell
		return nil
	}
	newest := map[int]int{}
	for _, k := range versions.ApiKeys {
		newest[k.ApiKey] = k.MaxVersion
	}
	for _, k := range []int{apiInitProducerID, apiAddPartitions, apiAddOffsets, apiEndTxn, apiOffsetCommit} {
		if _, ok := newest[k]; !ok {
			return c.noTransactions(broker, fmt.Sprintf("it lacks request %d of the protocol", k))
		}
	}
	if newest[apiFindCoordinator] < 1 {
		return c.noTransactions(broker, "it knows no coordinators of transactions")
	}
	found, err := client.FindCoordinator(ctx, &kafkago.FindCoordinatorRequest{
		Key: clientID + ".probe", KeyType: kafkago.CoordinatorKeyTypeTransaction,
	})
	if err == nil && (errors.Is(found.Error, kafkago.UnsupportedVersion) || errors.Is(found.Error, kafkago.InvalidRequest)) {
		return c.noTransactions(broker, found.Error.Error())
	}
	return nil
}

func (c *Cluster) noTransactions(broker, why string) error {
	return &setting.Error{Problems: []setting.Problem{{
		Variable: "KAFKA_DELIVERY", Value: c.cfg.Delivery,
		Reason: fmt.Sprintf("broker %s has no transactions: %s", broker, why),
		Fix:    "set KAFKA_DELIVERY=" + AtLeastOnce + ", or use a service that has them",
	}}}
}
