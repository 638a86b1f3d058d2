// Package kafka frames events as record batches and sends them to Kafka as a
// transactional producer. What an event holds is package event's.
//
// It guarantees that an attempt's events become visible to read_committed consumers
// all at once and exactly once, or not at all: the rows and the marker that proves
// them are in one transaction, one transaction is made per producer epoch, and what
// the broker did not answer is reported as unknown, never as done or not done. With
// at-least-once delivery every event is acknowledged by all in-sync replicas, and
// may appear more than once, always with the same ce_id.
//
// A record's timestamp is the event's own time where that is at most an hour old,
// else the time of writing: Kafka's retention counts from it, and was seen to delete
// back-filled events within a minute. The event's own time is always in ce_time and
// in the value.
package kafka
