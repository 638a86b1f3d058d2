package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/errgroup"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/event"
)

// maxSenders is how many partitions are sent to at once, each with one request in
// flight. It also bounds the memory: one batch each.
const maxSenders = 8

const sizePrefix = 4 // a produce request's record set begins with its size

// Send sends everything from the local file. After ErrUnknown and another Fence it
// sends all of it again: the batches of the older epoch are aborted by then.
func (w *writer) Send(ctx context.Context) error {
	if w.file == nil {
		return fmt.Errorf("send events of %s: %w", w.p.dataset.Name, os.ErrClosed)
	}
	for n := range w.pending {
		if err := w.flush(n); err != nil {
			return err
		}
	}
	s, err := w.p.begin(ctx)
	if err == nil {
		err = w.sendAll(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("send events of %s: %w", w.p.dataset.Name, sendError(err))
	}
	w.session = s
	return nil
}

// Decide puts the marker into the transaction and commits it.
func (w *writer) Decide(ctx context.Context, m commit.Marker) error {
	s := w.p.session
	if s == nil || w.session != s || s.ended {
		return fmt.Errorf("decide commit %d of %s: its events are not in the open transaction; send them first", m.Seq, w.p.dataset.Name)
	}
	return w.p.commit(ctx, s, m)
}

// begin takes the session to send in. At-least-once uses one of its own without a
// transaction, which keeps a repeated request from adding its events twice.
func (p *producer) begin(ctx context.Context) (*session, error) {
	if p.cluster.ExactlyOnce() {
		if p.session == nil || p.session.opened {
			return nil, errNotFenced
		}
		p.session.opened = true
		return p.session, nil
	}
	s, err := p.init(ctx, "", 0)
	if err != nil && judge(err) == denied {
		p.log.Debug("idempotent writes are not allowed; a lost answer repeats events", "error", err)
		return &session{id: noProducer, epoch: noProducer}, nil
	}
	return s, err
}

func (w *writer) sendAll(ctx context.Context, s *session) error {
	if !slices.ContainsFunc(w.spans, func(s []span) bool { return len(s) > 0 }) {
		return nil // the marker alone opens the transaction then
	}
	if w.p.cluster.ExactlyOnce() {
		if err := w.p.cluster.patience.retry(ctx, func(ctx context.Context) error { return w.addPartitions(ctx, s) }); err != nil {
			return fmt.Errorf("add partitions to the transaction: %w", err)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxSenders)
	for n := range w.spans {
		if len(w.spans[n]) > 0 {
			group.Go(func() error {
				defer crash.Exit()
				return w.sendPartition(ctx, *s, n)
			})
		}
	}
	return group.Wait()
}

// addPartitions adds every partition that has events, all in one request.
func (w *writer) addPartitions(ctx context.Context, s *session) error {
	var list []kafkago.AddPartitionToTxn
	for n, spans := range w.spans {
		if len(spans) > 0 {
			list = append(list, kafkago.AddPartitionToTxn{Partition: n})
		}
	}
	res, err := w.p.client.AddPartitionsToTxn(ctx, &kafkago.AddPartitionsToTxnRequest{
		TransactionalID: w.p.id, ProducerID: s.id, ProducerEpoch: s.epoch,
		Topics: map[string][]kafkago.AddPartitionToTxn{w.p.topic: list},
	})
	if err != nil {
		return err
	}
	answers := res.Topics[w.p.topic]
	if len(answers) != len(list) {
		return fmt.Errorf("AddPartitionsToTxn answered for %d partitions, not %d", len(answers), len(list))
	}
	errs := make([]error, 0, len(answers))
	for _, a := range answers {
		errs = append(errs, a.Error)
	}
	return firstError(errs)
}

// sendPartition sends one partition's batches in order, each acknowledged before
// the next. Sequences begin at 0 with every producer epoch.
func (w *writer) sendPartition(ctx context.Context, s session, partition int) error {
	var buffer []byte
	sequence := int32(0)
	for i := 0; i < len(w.spans[partition]); {
		sp := w.spans[partition][i]
		size := sizePrefix + sp.size
		if cap(buffer) < size {
			buffer = make([]byte, size, size+size/4)
		}
		buffer = buffer[:size]
		if _, err := w.file.ReadAt(buffer[sizePrefix:], sp.at); err != nil {
			return fmt.Errorf("read local file: %w", err)
		}
		binary.BigEndian.PutUint32(buffer, uint32(sp.size))
		stamp(buffer[sizePrefix:], s, sequence, w.p.cluster.ExactlyOnce())
		// stored: an earlier try may be. It is also set where no try was answered: the error
		// then names why they ended, which may be another partition's batch.
		attempts, stored := 0, false
		err := error(kafkago.MessageSizeTooLarge)
		if sp.count > 1 || !w.p.beyond(sp) {
			err = w.p.cluster.patience.retry(ctx, func(ctx context.Context) error {
				attempts++
				err := w.p.produce(ctx, partition, buffer)
				stored = stored || err != nil && !tooLarge(err) && !errors.Is(err, kafkago.NotEnoughReplicas)
				return err
			})
		}
		switch {
		case err == nil:
			sequence += int32(sp.count)
			i++
		case tooLarge(err) && stored: // halves of it could be there twice
			err = fmt.Errorf("%w: %w", errNoAnswer, err)
		case tooLarge(err):
			err = w.shrink(ctx, partition, i, buffer[sizePrefix:])
		}
		if err != nil {
			return fmt.Errorf("partition %d of %s: %w", partition, w.p.topic, err)
		}
		if attempts > 1 { // a request given up may still be reading it
			buffer = nil
		}
	}
	return nil
}

// produce sends one batch, its size before it. The same bytes again are no repeat for the broker: it
// knows their producer, epoch and sequence.
func (p *producer) produce(ctx context.Context, partition int, batch []byte) error {
	req := &kafkago.RawProduceRequest{
		Topic: p.topic, Partition: partition, RequiredAcks: kafkago.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(batch)},
	}
	if p.cluster.ExactlyOnce() {
		req.TransactionalID = p.id
	}
	res, err := p.client.RawProduce(ctx, req)
	if err != nil {
		return err
	}
	switch {
	case errors.Is(res.Error, kafkago.DuplicateSequenceNumber): // an earlier try arrived
		return nil
	case errors.Is(res.Error, kafkago.InvalidTimestamp):
		return fmt.Errorf("the topic refuses the records' timestamps; check this machine's clock, or set message.timestamp.type=LogAppendTime on the topic: %w", res.Error)
	}
	return res.Error
}

// tooLarge: the broker says that it did not store a batch, for its size.
func tooLarge(err error) bool {
	return errors.Is(err, kafkago.MessageSizeTooLarge) || errors.Is(err, kafkago.RecordListTooLarge)
}

// beyond reports whether it is known without asking that no broker takes the batch.
func (p *producer) beyond(sp span) bool { return p.maxKnown && sp.size > p.maxBytes }

// shrink replaces a partition's i'th batch, which the topic does not take, by its two
// halves. A single event is refused: nobody can send it.
func (w *writer) shrink(ctx context.Context, partition, i int, batch []byte) error {
	r, err := readBatch(batch)
	if err != nil {
		return fmt.Errorf("read local file: %w", err)
	}
	if r.len() == 1 {
		w.spans[partition] = slices.Delete(w.spans[partition], i, i+1) // whoever sends again does not refuse it again
		w.mu.Lock()
		w.count--
		w.mu.Unlock()
		return w.refuse(ctx, w.p.refusal(r.tail(0), len(batch)))
	}
	var halves [2]span
	middle := r.len() / 2
	for k, end := range []int{middle, r.len()} {
		half, _ := r.appendBatch(nil, nil, k*middle, end, w.p.cluster.zstd)
		if halves[k], err = w.store(half, end-k*middle); err != nil {
			return err
		}
	}
	w.spans[partition] = slices.Replace(w.spans[partition], i, i+1, halves[:]...)
	return nil
}

// refusal is the event as a reject.
func (p *producer) refusal(tail []byte, size int) hunting.Reject {
	limit := "not known"
	if p.maxKnown {
		limit = fmt.Sprint(p.maxBytes)
	}
	e := readTail(tail)
	r := hunting.Reject{
		Sink: "kafka", Key: string(e.Key), Row: e.Value,
		Reason: fmt.Sprintf("too large for topic %s, whose max.message.bytes is %s: the event has %d bytes, %d compressed", p.topic, limit, len(tail), size),
	}
	if t, err := time.Parse(time.RFC3339, string(e.Header(event.HeaderTime))); err == nil {
		r.Time = t
	}
	return r
}
