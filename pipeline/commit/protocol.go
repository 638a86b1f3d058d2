// Package commit is the commit protocol of docs/protocol.md: how the rows of one attempt
// become visible in every sink at once, or never, whatever crashes, overlaps or answers
// late; how what an earlier run left is recovered, and how a person settles what that
// refuses to guess. It knows no source.
package commit

import (
	"context"
	"log/slog"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// Step is a named step of the commit protocol.
type Step string

// The steps, in order.
const (
	StepAcquire Step = "acquire"
	StepFence   Step = "fence"
	StepLook    Step = "look"
	StepMarker  Step = "marker"
	StepRecover Step = "recover"
	StepBase    Step = "base"
	StepSweep   Step = "sweep"
	StepWrite   Step = "write"
	StepPrepare Step = "prepare"
	StepIntent  Step = "intent"
	StepDecide  Step = "decide"
	StepPublish Step = "publish"
	StepFinish  Step = "finish"
)

// Stores are where the exporter keeps what is neither Parquet nor event.
type Stores struct {
	State *state.Store // documents
	// Intents hold the bodies of pending commits, beside the documents.
	Intents Objects
	// Meta holds manifests, rejects and the owner of each dataset: the lake's
	// _meta, or the state's place where there is no lake.
	Meta Objects
}

// Objects are small documents; blob stores have them.
type Objects interface {
	Get(ctx context.Context, key string) (data []byte, etag string, err error)
	Put(ctx context.Context, key string, data []byte, c blob.Condition) (etag string, err error)
	Delete(ctx context.Context, key string) error
}

// Protocol is what all datasets of a run have in common. All fields but Publishers,
// OpenDecider and AfterStep are needed.
type Protocol struct {
	Run     string // names this run in state documents and messages
	Version string
	Stores  Stores
	// Destinations as configured. Lake and Cluster are empty for sinks not in use.
	Destinations state.Destinations
	// Meaning is what the rows of all datasets have in common; MeaningOf adds the rest.
	Meaning    state.Meaning
	Publishers []Publisher
	// OpenDecider opens a dataset's transactional producer under a transactional id.
	OpenDecider func(ctx context.Context, ds hunting.Dataset, transactionalID string) (Decider, error)
	// AtLeastOnce sends outside of transactions; the state decides.
	AtLeastOnce bool
	Log         *slog.Logger
	// AfterStep is called after each step of the protocol; tests stop the process there.
	AfterStep func(Step)
}

func (c *Protocol) step(s Step) {
	if c.AfterStep != nil {
		c.AfterStep(s)
	}
}

// kafkaDecides reports whether new commits are decided by Kafka's marker.
func (c *Protocol) kafkaDecides() bool { return c.OpenDecider != nil && !c.AtLeastOnce }

// TransactionalID is the transactional id and marker group of a state document's id.
func TransactionalID(id string) string { return "hunting-exporter." + id }

// Outcome tells what one commit made visible.
type Outcome struct {
	Kind     Kind
	Seq      int64
	Rows     int64
	Rejected int64
	Files    int
	Bytes    int64
	Events   int64
	// EventsRejected are too large for the topic; Rejects are the keys of all rejects.
	EventsRejected int64
	Topic          string
	Rejects        []string
}

// Hooks are told by a session what only its caller knows or counts.
type Hooks interface {
	// Learned adds to a document, which is about to be written, what later runs need to
	// know of the dataset.
	Learned(d *state.Document)
	// Committed is called for each commit that has become visible.
	Committed(o Outcome)
}
