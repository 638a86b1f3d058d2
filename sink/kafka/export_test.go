package kafka

import (
	"time"

	"hunting-exporter/hunting"
)

// SetPatience shortens how long requests are repeated.
func (c *Cluster) SetPatience(total, request time.Duration) {
	c.patience = patience{total: total, request: request, pause: 5 * time.Millisecond, quiet: total / 4, tell: c.waits}
}

// PartitionOf is the partitioner.
var PartitionOf = partitionOf

// AppendString is the JSON string escaper.
var AppendString = appendString

// AppendTime is the formatter of times.
var AppendTime = appendTime

// Events turns one batch into keys, values and record timestamps.
type Events struct{ e *eventEncoder }

// NewEvents returns an encoder.
func NewEvents(ds hunting.Dataset, tenant string, now time.Time) Events {
	return Events{newEventEncoder(ds, tenant, func() time.Time { return now })}
}

// Values encodes every row's value.
func (v Events) Values(b hunting.Batch) ([]string, error) {
	if err := v.e.bind(b); err != nil {
		return nil, err
	}
	var out []string
	for i := range int(b.Record.NumRows()) {
		event, received := v.e.times(i)
		out = append(out, string(v.e.appendValue(nil, event, received, i)))
	}
	return out, nil
}

// Timestamp is a row's record timestamp in milliseconds.
func (v Events) Timestamp(row int) int64 { return v.e.timestamp(row) }

// EncodeAll encodes the batch's rows into dst, as Write does.
func (v Events) EncodeAll(dst []byte, b hunting.Batch) ([]byte, error) {
	if err := v.e.bind(b); err != nil {
		return nil, err
	}
	for i := range int(b.Record.NumRows()) {
		dst = v.e.appendTail(dst, v.e.keyOf(i), i)
	}
	return dst, nil
}
