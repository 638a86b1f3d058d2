package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
)

const (
	// transactionTimeout is the broker's default maximum. Where the broker allows
	// less it is lowered step by step; a commit must stay well below it.
	transactionTimeout    = 15 * time.Minute
	minTransactionTimeout = time.Minute
	maxMetadata           = 4096 // the broker's limit on a marker
)

// producer is one dataset's transactional producer. Its methods are called one at
// a time.
type producer struct {
	cluster    *Cluster
	dataset    hunting.Dataset
	id         string // transactional id, and the marker's group
	topic      string
	partitions int
	maxBytes   int  // of a batch, compressed
	maxKnown   bool // else maxBytes is Kafka's default
	log        *slog.Logger
	transport  *kafkago.Transport
	client     *kafkago.Client
	timeout    time.Duration
	session    *session
}

// session is one producer epoch. It carries one transaction at most: a late request
// of an older transaction then has an older epoch and is refused.
type session struct {
	id    int
	epoch int
	opened,
	ended bool
}

var errNotFenced = errors.New("a transaction was begun since the last fence; fence first")

// Cluster is the id of the Kafka cluster.
func (p *producer) Cluster() string { return p.cluster.id }

// Topic is where the dataset's events go.
func (p *producer) Topic() string { return p.topic }

// Close closes the connections.
func (p *producer) Close() error {
	p.transport.CloseIdleConnections()
	return nil
}

// Fence takes a new producer epoch: open transactions and late requests of every
// older one are dead when it returns.
func (p *producer) Fence(ctx context.Context) error {
	p.session = nil
	for {
		s, err := p.init(ctx, p.id, p.timeout)
		switch {
		case err == nil:
			p.session = s
			return nil
		case errors.Is(err, kafkago.InvalidTransactionTimeout) && p.timeout > minTransactionTimeout:
			p.timeout = max(p.timeout/2, minTransactionTimeout)
			p.log.Warn("the broker's transaction.max.timeout.ms is below 15 minutes; commits must stay under a third of it", "timeout", p.timeout)
		case errors.Is(err, kafkago.InvalidTransactionTimeout):
			return fmt.Errorf("fence %s: the brokers do not allow transactions of %s; raise transaction.max.timeout.ms: %w", p.id, p.timeout, err)
		case judge(err) == denied:
			return fmt.Errorf("fence %s: grant Write on the transactional id: %w", p.id, named(err))
		default:
			return fmt.Errorf("fence %s: %w", p.id, named(err))
		}
	}
}

// init asks for a producer id and epoch. Both are always taken from the answer: a
// used-up epoch comes back with another id.
func (p *producer) init(ctx context.Context, transactionalID string, timeout time.Duration) (*session, error) {
	var s *session
	err := p.cluster.patience.retry(ctx, func(ctx context.Context) error {
		res, err := p.client.InitProducerID(ctx, &kafkago.InitProducerIDRequest{
			TransactionalID:      transactionalID,
			TransactionTimeoutMs: int(timeout.Milliseconds()),
			ProducerID:           -1,
			ProducerEpoch:        -1,
		})
		if err != nil {
			return err
		}
		if res.Error != nil {
			return res.Error
		}
		s = &session{id: res.Producer.ProducerID, epoch: res.Producer.ProducerEpoch}
		return nil
	})
	return s, err
}

// Mark commits a transaction that holds only a marker.
func (p *producer) Mark(ctx context.Context, m commit.Marker) error {
	if p.session == nil || p.session.opened {
		return fmt.Errorf("mark %s: %w", p.id, errNotFenced)
	}
	return p.commit(ctx, p.session, m)
}

// commit puts the marker into the session's transaction and commits it. Whatever
// goes wrong, the outcome counts as unknown: a request may have taken effect all
// the same, and only the marker, read after a fence, says.
func (p *producer) commit(ctx context.Context, s *session, m commit.Marker) error {
	if len(m.ID) > maxMetadata || m.ID == "" || m.Seq < 0 {
		return fmt.Errorf("commit transaction of %s: marker of %d bytes with seq %d cannot be stored", p.id, len(m.ID), m.Seq)
	}
	s.opened, s.ended = true, true
	steps := []struct {
		name string
		once func(context.Context) error
	}{
		{"add the marker's group", func(ctx context.Context) error { return p.addOffsets(ctx, s) }},
		{"write the marker", func(ctx context.Context) error { return p.writeMarker(ctx, s, m) }},
		{"end the transaction", func(ctx context.Context) error { return p.endTxn(ctx, s) }},
	}
	for _, step := range steps {
		err := p.cluster.patience.retry(ctx, step.once)
		if err == nil {
			continue
		}
		if judge(err) == denied {
			err = named(err)
		}
		return fmt.Errorf("%w: commit transaction of %s: %s: %w", commit.ErrUnknown, p.id, step.name, err)
	}
	return nil
}

func (p *producer) addOffsets(ctx context.Context, s *session) error {
	res, err := p.client.AddOffsetsToTxn(ctx, &kafkago.AddOffsetsToTxnRequest{
		TransactionalID: p.id, ProducerID: s.id, ProducerEpoch: s.epoch, GroupID: p.id,
	})
	if err != nil {
		return err
	}
	return res.Error
}

func (p *producer) writeMarker(ctx context.Context, s *session, m commit.Marker) error {
	res, err := p.client.TxnOffsetCommit(ctx, &kafkago.TxnOffsetCommitRequest{
		TransactionalID: p.id, ProducerID: s.id, ProducerEpoch: s.epoch, GroupID: p.id,
		GenerationID: -1, // no member of the group
		Topics:       map[string][]kafkago.TxnOffsetCommit{p.topic: {{Partition: 0, Offset: m.Seq, Metadata: m.ID}}},
	})
	if err != nil {
		return err
	}
	answers := res.Topics[p.topic]
	if len(answers) != 1 {
		return fmt.Errorf("TxnOffsetCommit answered for %d partitions, not 1", len(answers))
	}
	return answers[0].Error
}

// endTxn commits. Repeating it is safe, since no later transaction uses its epoch.
func (p *producer) endTxn(ctx context.Context, s *session) error {
	res, err := p.client.EndTxn(ctx, &kafkago.EndTxnRequest{
		TransactionalID: p.id, ProducerID: s.id, ProducerEpoch: s.epoch, Committed: true,
	})
	if err != nil {
		return err
	}
	return res.Error
}

// The marker is the group's offset (seq) and metadata (commit id) on partition 0 of
// the dataset's topic. KAFKA_TOPIC may have changed since it was written, so every
// topic of the group is looked at and the newest marker counts.

// Marker reads what the last committed transaction left. It must follow a Fence:
// before, a transaction that is still being committed shows its predecessor.
func (p *producer) Marker(ctx context.Context) (m commit.Marker, ok bool, err error) {
	if p.session == nil {
		return m, false, fmt.Errorf("read marker of %s: %w", p.id, errNotFenced)
	}
	// The first request names the topic, so that a missing right is an error; the
	// second leaves topics out that the login may not see.
	for _, topics := range []map[string][]int{{p.topic: {0}}, nil} {
		err := p.cluster.patience.retry(ctx, func(ctx context.Context) error {
			return p.fetchMarker(ctx, topics, &m, &ok)
		})
		if err != nil {
			return commit.Marker{}, false, fmt.Errorf("read marker of %s: %w", p.id, named(err))
		}
	}
	return m, ok, nil
}

// fetchMarker replaces m by the newest marker of the topics where that is newer. An
// error is never "no marker": only offset -1 without one is, or the coordinator's
// statement that the group does not exist (Kafka itself answers -1 for such a group,
// other brokers may not). Callers refuse on "none" where a commit is pending.
func (p *producer) fetchMarker(ctx context.Context, topics map[string][]int, m *commit.Marker, ok *bool) error {
	res, err := p.client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: p.id, Topics: topics})
	if err != nil {
		return err
	}
	if errors.Is(res.Error, kafkago.GroupIdNotFound) {
		return nil
	}
	if res.Error != nil {
		return res.Error
	}
	if topics != nil && len(res.Topics[p.topic]) != 1 {
		return fmt.Errorf("OffsetFetch answered for %d partitions, not 1", len(res.Topics[p.topic]))
	}
	for _, partitions := range res.Topics {
		for _, o := range partitions {
			if o.Error != nil {
				return o.Error
			}
			if o.CommittedOffset >= 0 && (!*ok || o.CommittedOffset > m.Seq) {
				*m, *ok = commit.Marker{Seq: o.CommittedOffset, ID: o.Metadata}, true
			}
		}
	}
	return nil
}
