package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	kafkago "github.com/segmentio/kafka-go"

	"hunting-exporter/hunting"
	"hunting-exporter/sink/event"
)

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

var errFrames = errors.New("the records of a batch are damaged")

// readBatch is the reverse of appendBatch.
func readBatch(batch []byte) (records, error) {
	var r records
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return r, err
	}
	defer d.Close()
	frames, err := d.DecodeAll(batch[batchHeader:], nil)
	if err != nil {
		return r, err
	}
	base := int64(binary.BigEndian.Uint64(batch[atBaseTimestamp:]))
	for len(frames) > 0 {
		record, rest := cutBytes(frames)
		if len(record) == 0 || len(rest) == len(frames) {
			return r, errFrames
		}
		frames = rest
		delta, n := binary.Varint(record[1:]) // behind the attributes
		if n <= 0 {
			return r, errFrames
		}
		_, m := binary.Varint(record[1+n:]) // the offset
		if m <= 0 {
			return r, errFrames
		}
		r.tails = append(r.tails, record[1+n+m:]...)
		r.ends = append(r.ends, len(r.tails))
		r.times = append(r.times, base+delta)
	}
	if r.len() != int(binary.BigEndian.Uint32(batch[atCount:])) {
		return r, errFrames
	}
	return r, nil
}
