package kafka

import (
	"context"
	"fmt"
	"os"
	"sync"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/spill"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/sink/event"
)

const (
	maxBatch     = 2 << 20  // of events before compression
	minBatch     = 64 << 10 //
	batchBudget  = 16 << 20 // of all partitions of an attempt together
	batchReserve = 1 << 10  // below max.message.bytes, as measured

	ticksPerMilli = 10_000
	recent        = 3_600_000 * ticksPerMilli // how old an event may be for its record to bear its own time
)

// span is where a finished batch lies in the spill file.
type span struct {
	at    int64
	size  int
	count int
}

// writer collects one attempt's events: small ones in memory, finished batches in a
// file. Memory is bounded by batchBudget, however many events there are.
type writer struct {
	p       *producer
	refuse  commit.Refuse
	format  event.Format
	now     int64 // when rows were last written, in ticks
	file    *os.File
	pending []records // by partition
	spans   [][]span  // by partition, in order
	target  int
	session *session // in which everything was sent

	batch, frames []byte // reused

	mu     sync.Mutex // for partitions that are sent side by side
	size   int64      // of the file
	stored int64      // events in it; those of a batch that was halved count again
	count  int64      // of events
}

// Begin opens the attempt's local file. It has no name once open, so that nothing
// stays behind when the process is killed.
func (p *producer) Begin(a commit.Attempt, refuse commit.Refuse) (commit.EventWriter, error) {
	cfg := p.cluster.cfg
	format, err := p.cluster.newFormat(string(cfg.Format), a.Dataset, p.cluster.opts.TenantID)
	if err != nil {
		return nil, fmt.Errorf("events of %s: %w", a.Dataset.Name, err)
	}
	dir := cfg.Spill
	f, err := os.CreateTemp(dir, "kafka-"+p.dataset.Name+"-*.events")
	if err != nil {
		err = spill.Explain(err, spill.Use{Dir: dir, For: "events of " + a.Dataset.Name})
		return nil, fmt.Errorf("open local file for events of %s; check PIPELINE_SPILL: %w", a.Dataset.Name, err)
	}
	_ = os.Remove(f.Name()) // where an open file cannot be removed, Close does it
	return &writer{
		p:       p,
		refuse:  refuse,
		format:  format,
		file:    f,
		pending: make([]records, p.partitions),
		spans:   make([][]span, p.partitions),
		target:  min(maxBatch, max(minBatch, batchBudget/p.partitions)),
	}, nil
}

// Events is the number of events written so far, without those that were refused.
func (w *writer) Events() int64 { return w.count }

// Close removes the local file.
func (w *writer) Close() error {
	if w.file == nil {
		return nil
	}
	_ = os.Remove(w.file.Name())
	err := w.file.Close()
	w.file = nil
	if err != nil {
		return fmt.Errorf("close local file for events of %s: %w", w.p.dataset.Name, err)
	}
	return nil
}

// Write turns the batch's rows into events. It keeps nothing of the batch.
func (w *writer) Write(ctx context.Context, b hunting.Batch) error {
	if w.file == nil {
		return fmt.Errorf("write events of %s: %w", w.p.dataset.Name, os.ErrClosed)
	}
	now := w.p.cluster.opts.Now()
	if err := w.format.Bind(b, now); err != nil {
		return fmt.Errorf("write events of %s: %w", w.p.dataset.Name, err)
	}
	w.now = schema.ToTicks(now)
	for i := range int(b.Record.NumRows()) {
		key := w.format.Key(i)
		n := partitionOf(key, b.Hashes[i], w.p.partitions)
		r := &w.pending[n]
		w.add(r, key, i)
		if len(r.tails)+len(r.open.Value) < w.target {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("write events of %s: %w", w.p.dataset.Name, err)
		}
		if err := w.flush(n); err != nil {
			return err
		}
	}
	return nil
}

// add adds a row to the partition's open event, or to a new one where it would become
// larger than the topic may take.
func (w *writer) add(r *records, key []byte, row int) {
	e, before := &r.open, len(r.open.Value)
	if before == 0 {
		e.Key = append(e.Key[:0], key...)
		w.count++
	}
	more := w.format.Add(e, row)
	switch {
	case before > 0 && len(e.Value) > w.limit():
		e.Value = e.Value[:before]
		w.end(r)
		w.add(r, key, row)
	case !more:
		w.end(r)
	}
}

// end makes the partition's open event a record.
func (w *writer) end(r *records) {
	if len(r.open.Value) == 0 {
		return
	}
	w.format.End(&r.open)
	r.append(&r.open, timestamp(r.open.Time, w.now))
	r.open.Reset()
}

// timestamp is a record's, in milliseconds: the event's own time where that is recent,
// else now. Retention counts from it, so that an old event would be deleted soon after it
// arrived; and brokers refuse records from the future.
func timestamp(event, now int64) int64 {
	if event > now || event < now-recent {
		event = now
	}
	return event / ticksPerMilli
}

// limit is how large a batch may be, compressed.
func (w *writer) limit() int { return max(w.p.maxBytes-batchReserve, w.p.maxBytes/2) }

// flush turns the partition's pending events into batches in the file.
func (w *writer) flush(partition int) error {
	r := &w.pending[partition]
	w.end(r)
	if r.len() == 0 {
		return nil
	}
	err := w.encode(partition, 0, r.len())
	r.reset()
	if err != nil {
		return fmt.Errorf("write events of %s: %w", w.p.dataset.Name, err)
	}
	return nil
}

// encode appends the pending records from lo to hi as one batch, or as two halves
// where the broker would find it too large: it limits the compressed size. A single event
// is a batch of any size: whether the topic takes it shows when it is sent.
func (w *writer) encode(partition, lo, hi int) error {
	r := &w.pending[partition]
	w.batch, w.frames = r.appendBatch(w.batch[:0], w.frames, lo, hi, w.p.cluster.zstd)
	if len(w.batch) > w.limit() && hi-lo > 1 {
		w.target = max(w.target/2, minBatch) // what comes next will not be smaller
		middle := lo + (hi-lo)/2
		if err := w.encode(partition, lo, middle); err != nil {
			return err
		}
		return w.encode(partition, middle, hi)
	}
	sp, err := w.store(w.batch, hi-lo)
	if err != nil {
		return err
	}
	w.spans[partition] = append(w.spans[partition], sp)
	return nil
}

// store appends a batch to the file.
func (w *writer) store(batch []byte, count int) (span, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.file.WriteAt(batch, w.size); err != nil {
		err = spill.Explain(err, spill.Use{Dir: w.p.cluster.cfg.Spill, For: "events of " + w.p.dataset.Name, Bytes: w.size + int64(len(batch)), Rows: w.stored + int64(count)})
		return span{}, fmt.Errorf("local file: %w", err)
	}
	w.stored += int64(count)
	sp := span{at: w.size, size: len(batch), count: count}
	w.size += int64(len(batch))
	return sp, nil
}
