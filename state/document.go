package state

import (
	"time"

	"hunting-exporter/hunting"
)

// Document is everything a dataset remembers between runs. It stays small
// (under 64 KiB): each renewal of the lease rewrites it.
type Document struct {
	Version int       `json:"version"`
	ID      string    `json:"id"` // made once with the document; names the transactional id
	Dataset string    `json:"dataset"`
	Epoch   int64     `json:"epoch"` // +1 at each acquire
	Run     string    `json:"run"`   // run that holds, or last held, the document
	Nonce   string    `json:"nonce"` // of this very write
	Lease   time.Time `json:"lease"` // until when Run claims it; zero: released
	Seq     int64     `json:"seq"`   // last finished commit
	Progress
	Clock        string           `json:"clock,omitempty"`  // by which windows are cut; empty: none was needed yet
	Pace         hunting.Estimate `json:"pace,omitzero"`    // what the answers so far say about how to cut them
	Check        *Check           `json:"check,omitempty"`  // last comparison with the API's own counts
	Marker       string           `json:"marker,omitempty"` // marker of the last commit that Kafka decided
	Destinations Destinations     `json:"destinations"`
	Meaning      Meaning          `json:"meaning,omitzero"`
	Adopted      []Adoption       `json:"adopted,omitempty"`
	Rows         int64            `json:"rows"`     // exported since the document was made
	Rejected     int64            `json:"rejected"` // rejected since the document was made
	Sent         Sent             `json:"sent,omitzero"`
	Pending      *Pending         `json:"pending,omitempty"`
	// How runs ended, backfills included. One that was killed leaves its lease instead.
	Last    *End `json:"last,omitempty"`
	Success *End `json:"success,omitempty"` // the last that did all it had to do
	Failure *End `json:"failure,omitempty"` // the last that failed
}

// End is how a run ended for the dataset.
type End struct {
	Run    string    `json:"run"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"` // why it did not do all it had to; empty: it did
}

// Ended notes how a run ended. Where it was only stopped, it neither failed nor succeeded.
func (d *Document) Ended(e End, failed bool) {
	d.Last = &e
	switch {
	case failed:
		d.Failure = &e
	case e.Reason == "":
		d.Success = &e
	}
}

// Destinations are where a dataset's rows go. A run that is configured for others
// stops until they are adopted.
type Destinations struct {
	Lake    string `json:"lake,omitempty"`    // URL of the lake
	Cluster string `json:"cluster,omitempty"` // id of the Kafka cluster
	Topic   string `json:"topic,omitempty"`   // topic template
}

// Sent is how many events of finished commits one topic has got.
type Sent struct {
	Cluster string `json:"cluster"`
	Topic   string `json:"topic"`
	Events  int64  `json:"events"`
}

// More counts events, from the first one on where they go to another topic than before.
func (s Sent) More(cluster, topic string, events int64) Sent {
	if s.Cluster != cluster || s.Topic != topic {
		s = Sent{Cluster: cluster, Topic: topic}
	}
	s.Events += events
	return s
}

// Adoption notes from which commit on other destinations or another meaning count.
type Adoption struct {
	Seq          int64        `json:"seq"` // first such commit
	Destinations Destinations `json:"destinations"`
	Meaning      Meaning      `json:"meaning,omitzero"`
}

// Decider is who decides whether a commit took place.
type Decider string

// The two deciders.
const (
	DeciderState Decider = "state" // the intent itself is the decision
	DeciderKafka Decider = "kafka" // the marker in the transaction is
)

// Pending is a commit whose intent is written and whose end is not.
type Pending struct {
	Commit       string       `json:"commit"`
	Seq          int64        `json:"seq"`
	Epoch        int64        `json:"epoch"`
	From         time.Time    `json:"from"`
	To           time.Time    `json:"to"`
	Rows         int64        `json:"rows"`
	Rejected     int64        `json:"rejected"`
	Destinations Destinations `json:"destinations"`
	Decider      Decider      `json:"decider"`
	Prev         string       `json:"prev,omitempty"` // marker that stands if the commit did not take place
	Next         Progress     `json:"next"`           // what the commit makes of the document's
	Body         string       `json:"body"`           // key of the intent's body
	BodySHA256   string       `json:"body_sha256"`
	Since        time.Time    `json:"since"`
}
