package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
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

// Limits say when a commit is made before a run has caught up.
type Limits struct {
	Rows     int64         // rows of one commit
	Interval time.Duration // time between two commits
	Buffer   int           // pages or batches that one channel holds
	Memory   int64         // bytes of answers between source and sinks, over all datasets; 0: no bound
	// Reconcile is how far back counts are compared and late rows fetched; 0: off.
	Reconcile time.Duration
	// Snapshot is the time between two snapshots of a table.
	Snapshot time.Duration
}

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

// Exporter exports datasets side by side. All fields but Lake, OpenLog, Watch
// and AfterStep are needed; they are not changed once Run is called.
type Exporter struct {
	Run         string // names this run in state documents and messages
	Version     string
	Source      Source
	Transformer Transformer
	Stores      Stores
	Limits      Limits
	// Destinations as configured. Lake and Cluster are empty for sinks not in use.
	Destinations state.Destinations
	// Meaning is what the rows of all datasets have in common; MeaningOf adds the rest.
	Meaning state.Meaning
	Lake    Lake
	// OpenLog opens a dataset's transactional producer under a transactional id.
	OpenLog func(ctx context.Context, ds hunting.Dataset, transactionalID string) (Log, error)
	// AtLeastOnce sends outside of transactions; the state decides.
	AtLeastOnce bool
	// Start is where a dataset without state begins; Horizon is the end of the last
	// window of this run.
	Start, Horizon func() time.Time
	// Backfill is a stretch to read instead of what is new; nil: what is new.
	Backfill *Backfill
	Log      *slog.Logger
	// Watch hears how far the datasets are; nil: nobody does.
	Watch Watcher
	// AfterStep is called after each step of the protocol; tests stop the process there.
	AfterStep func(Step)

	memory   *budget
	together *rendezvous
}

// Watcher hears how far datasets are. Its methods must not block.
type Watcher interface {
	// Counted: so many more rows of the dataset are to be read, by the API's counts.
	Counted(dataset string, rows int64)
	// Read: so many more of its rows have come.
	Read(dataset string, rows int64)
	// Ended: no more of it will come.
	Ended(dataset string)
}

// nobody is a Watcher that does not listen.
type nobody struct{}

func (nobody) Counted(string, int64) {}
func (nobody) Read(string, int64)    {}
func (nobody) Ended(string)          {}

// Backfill says which stretch of the past to read. Only what of it was never read is.
type Backfill struct {
	Window hunting.Window
	Newest bool // the newest day first
}

// Commit tells what one commit made visible.
type Commit struct {
	Dataset   string
	Kind      Kind
	Seq       int64
	Watermark time.Time
	Rows      int64
	Rejected  int64
	Files     int
	Bytes     int64
	Events    int64
	// EventsRejected are too large for the topic.
	EventsRejected int64
}

// Result is the outcome of one dataset's run.
type Result struct {
	Dataset  string
	Rows     int64 // made visible by this run, recovered commits included
	Rejected int64
	Commits  int
	Files    int
	Bytes    int64
	Events   int64
	// EventsRejected are too large for the topic.
	EventsRejected int64
	Late           int64 // rows of it that earlier runs could not see yet
	// Watermark is the end of what is exported. Zero: nothing yet.
	Watermark time.Time
	Gaps      []state.Gap  // what the API does not deliver
	Check     *state.Check // last comparison with the API's counts; nil: none
	Err       error        // nil, or why the dataset did not catch up
}

// Export runs every dataset until it has caught up with the horizon, or stop ends:
// then what has been read completely is committed. Cancelling ctx drops what is in
// flight; nothing of it becomes visible.
func (e *Exporter) Export(ctx, stop context.Context, datasets []hunting.Dataset) []Result {
	e.memory, e.together = newBudget(e.Limits.Memory), newRendezvous(len(datasets))
	if e.Watch == nil {
		e.Watch = nobody{}
	}
	results := make([]Result, len(datasets))
	var wg sync.WaitGroup
	for i, ds := range datasets {
		wg.Go(func() {
			defer crash.Exit()
			results[i] = e.export(ctx, stop, ds)
		})
	}
	wg.Wait()
	return results
}

func (e *Exporter) step(s Step) {
	if e.AfterStep != nil {
		e.AfterStep(s)
	}
}

// kafkaDecides reports whether new commits are decided by Kafka's marker.
func (e *Exporter) kafkaDecides() bool { return e.OpenLog != nil && !e.AtLeastOnce }

// TransactionalID is the transactional id and marker group of a state document's id.
func TransactionalID(id string) string { return "hunting-exporter." + id }
