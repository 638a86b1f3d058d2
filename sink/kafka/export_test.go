package kafka

import (
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/sink/event"
)

// SetPatience shortens how long requests are repeated.
func (c *Cluster) SetPatience(total, request time.Duration) {
	c.patience = patience{total: total, request: request, pause: 5 * time.Millisecond, quiet: total / 4, tell: c.waits}
}

// PartitionOf is the partitioner.
var PartitionOf = partitionOf

// Timestamp is the timestamp of a record, from times in ticks.
var Timestamp = timestamp

// SetFormat replaces the format of events.
func (c *Cluster) SetFormat(f event.Format) {
	c.newFormat = func(string, hunting.Dataset, string) (event.Format, error) { return f, nil }
}

// Encoder encodes batches as Write does.
type Encoder struct {
	Format event.Format
	event  event.Event
}

// EncodeAll appends the batch's rows to dst.
func (c *Encoder) EncodeAll(dst []byte, b hunting.Batch) ([]byte, error) {
	if err := c.Format.Bind(b, time.Time{}); err != nil {
		return nil, err
	}
	for i := range int(b.Record.NumRows()) {
		c.event.Key = append(c.event.Key[:0], c.Format.Key(i)...)
		c.Format.Add(&c.event, i)
		c.Format.End(&c.event)
		dst = appendTail(dst, &c.event)
		c.event.Reset()
	}
	return dst, nil
}
