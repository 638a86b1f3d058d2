package commit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/hunting"
)

// Attempt names one attempt at a commit. No two attempts share an ID, so nothing
// that carries it is ever overwritten.
type Attempt struct {
	Dataset hunting.Dataset
	Seq     int64  // the commit's number in its dataset
	Epoch   int64  // of the run that attempts it
	ID      string // commit id: 128 random bits as 32 hex digits
	From    time.Time
}

// Name is the attempt's part of every key it writes: <from>-<seq>-<epoch>-<commit id>.
func (a Attempt) Name() string {
	return fmt.Sprintf("%s-%d-%d-%s", a.From.UTC().Format("20060102T150405.0000000Z"), a.Seq, a.Epoch, a.ID[:8])
}

// Publisher makes decided commits visible, as files of a lake or otherwise. What it needs
// for that it gives as a receipt, into which nobody else looks.
type Publisher interface {
	// Name is what its receipts are kept under.
	Name() string
	// Holds names a file of the dataset, whoever wrote it; empty: there is none.
	Holds(ctx context.Context, dataset string) (key string, err error)
	// Begin opens an attempt's local files. It writes nothing to the lake.
	Begin(a Attempt) (Writer, error)
	// Publish makes visible what the receipt names and checks it. It may be repeated by
	// anybody, at any time after the decision.
	// ErrUploadGone, as a GoneError where nothing else failed, and ErrForeignObject are its
	// refusals.
	Publish(ctx context.Context, dataset string, receipt json.RawMessage) error
	// Abort drops what an attempt known to be undecided has prepared. What is gone is no
	// error; what is already visible is ErrForeignObject.
	Abort(ctx context.Context, dataset string, receipt json.RawMessage) error
	// Sweep drops what the dataset's attempts of epochs below the one given have prepared.
	// Nothing may be pending.
	Sweep(ctx context.Context, dataset string, epoch int64) error
}

// LakeName is the name of the publisher whose uploads the intents of version 2 list.
const LakeName = "lake"

// Writer collects one attempt's rows on local disk.
type Writer interface {
	Write(ctx context.Context, b hunting.Batch) error
	// Prepare closes and verifies the files and uploads them, invisible still.
	Prepare(ctx context.Context, to time.Time) (Prepared, error)
	// Close removes the local files. It never touches an upload.
	Close() error
}

// Prepared is what lies ready to be published.
type Prepared struct {
	Files   []ManifestFile // that there will be
	Receipt json.RawMessage
}

// GoneError: some files can be published no more, for neither their uploads nor they
// themselves are there. All others are published.
type GoneError struct {
	Keys []string
	Err  error
}

// Error says which and how that showed.
func (e *GoneError) Error() string { return e.Err.Error() }

// Unwrap gives what is wrong with each of them, ErrUploadGone.
func (e *GoneError) Unwrap() error { return e.Err }

// Decider is the one participant whose transaction is the decision: a dataset's
// transactional producer. Where it sends outside of transactions, or there is none, the
// intent in the state decides.
type Decider interface {
	// Cluster is the id of the Kafka cluster.
	Cluster() string
	// Fence makes every earlier producer of the dataset powerless (InitProducerID).
	// It precedes every transaction and every reading of the marker.
	Fence(ctx context.Context) error
	// Marker is what the last committed transaction left; ok is false for none.
	Marker(ctx context.Context) (m Marker, ok bool, err error)
	// Mark commits a transaction that holds only a marker.
	Mark(ctx context.Context, m Marker) error
	// Begin opens an attempt's local file. Events that the topic does not take go to refuse.
	Begin(a Attempt, refuse Refuse) (EventWriter, error)
	// Topic is where the dataset's events go.
	Topic() string
	// End is how many records the topic has had since it was created, or more; those that
	// have expired count.
	End(ctx context.Context) (int64, error)
	// Close closes connections.
	Close() error
}

// Refuse takes over an event that is not sent. It may be called from any goroutine.
type Refuse func(ctx context.Context, r hunting.Reject) error

// EventWriter collects one attempt's events on local disk and sends them.
type EventWriter interface {
	Write(ctx context.Context, b hunting.Batch) error
	// Send sends every event that the topic takes: inside the transaction opened since the last Fence
	// (exactly once) or outside of any (at least once). It can be repeated after a
	// Fence. ErrUnknown: some answer is not known, so fence and send all again.
	Send(ctx context.Context) error
	// Decide puts the marker into the transaction and commits it. ErrUnknown: the
	// transaction may or may not be committed; only the marker, read after a Fence, says.
	Decide(ctx context.Context, m Marker) error
	// Events is the number of events written so far, without those that were refused.
	Events() int64
	// Close removes the local file. It neither aborts nor commits.
	Close() error
}

// Marker is a transaction's proof: offset and metadata of the marker group.
type Marker struct {
	Seq int64
	ID  string // commit id, or "base-…" of a marker that stands for no commit
}

// Errors of sinks that the commit protocol tells apart.
var (
	// ErrUnknown: a request's answer is not known; the request may have taken effect.
	ErrUnknown = errors.New("outcome unknown")
	// ErrFenced: another run has taken over.
	ErrFenced = errors.New("fenced by another run")
	// ErrUploadGone: neither the upload nor the object is there.
	ErrUploadGone = errors.New("upload is gone and no object stands in its place")
	// ErrForeignObject: an object is where none of ours, or another of ours, should be.
	ErrForeignObject = errors.New("object is not the one this commit wrote")
)
