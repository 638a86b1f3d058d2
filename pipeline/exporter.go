// Package pipeline brings datasets from a source to the sinks: the stages with the
// bounded channels between them, up to the commit (pipeline/commit). It declares the
// interfaces it needs and knows no source and no sink.
//
// It guarantees that every row of a complete answer becomes visible exactly once in
// each sink, whatever crashes, overlaps or answers late (docs/protocol.md).
package pipeline

import (
	"context"
	"sync"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/state"
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

// Exporter exports datasets side by side. All fields but Backfill and Watch are needed;
// they are not changed once Export is called.
type Exporter struct {
	commit.Protocol
	Source      Source
	Transformer Transformer
	Limits      Limits
	// Start is where a dataset without state begins; Horizon is the end of the last
	// window of this run.
	Start, Horizon func() time.Time
	// Backfill is a stretch to read instead of what is new; nil: what is new.
	Backfill *Backfill
	// Watch hears how far the datasets are; nil: nobody does.
	Watch Watcher

	memory   *budget
	together *barrier
}

// Source reads a dataset from the hunting API.
type Source interface {
	// Read hands the pages of the parts to emit, complete and in order. The windows of
	// the pages tile the parts given; what the API does not deliver is a page with a Gap.
	// An error of emit ends it. A context whose deadline comes before the quota allows
	// the next call ends it at once, with ErrTooLate. An API that was never reached ends everything with ErrUnreachable.
	Read(ctx context.Context, q hunting.Reading, emit func(hunting.Page) error) error
	// Count asks the API how many rows each bin of a window has. Bins are in order, begin
	// at multiples of their width, and are left out where they have no rows.
	// Several counts that are asked for at the same time may travel in one call.
	Count(ctx context.Context, q hunting.Counting) ([]hunting.Count, error)
	// Pace is what the answers so far say about a dataset.
	Pace(dataset string) hunting.Estimate
}

// Transformer brings a page into the columns that its dataset has had so far, which it
// extends, and releases the page.
type Transformer interface {
	Transform(ctx context.Context, ds hunting.Dataset, columns *schema.Evolution, p hunting.Page) (hunting.Batch, error)
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
	e.memory, e.together = newBudget(e.Limits.Memory), newBarrier(len(datasets))
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
