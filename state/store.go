package state

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
)

// version of the document's form. A newer one is refused, never rewritten. Version 2 is
// read: its intents list the uploads of the lake where receipts are now.
const (
	version = 3
	reads   = 2
)

// ErrNone: the dataset has no document yet.
var ErrNone = errors.New("no state yet")

// HeldError: another run has a live claim. It is no failure: that run does the work.
type HeldError struct {
	Dataset, Run string
	Until        time.Time
}

// Error says who runs.
func (e *HeldError) Error() string {
	return fmt.Sprintf("%s: already running: %s holds the claim until %s", e.Dataset, e.Run, e.Until.UTC().Format(time.RFC3339))
}

// LostError: another run has acquired the dataset; this one must not touch anything any more.
type LostError struct {
	Dataset, Run string
	Epoch        int64
}

// Error says who took over.
func (e *LostError) Error() string {
	return fmt.Sprintf("%s: taken over by %s (epoch %d)", e.Dataset, e.Run, e.Epoch)
}

// UnknownError: a write's answer never came and reading back did not settle it. The
// write may still take effect, so nothing that it names may be cleaned up.
type UnknownError struct {
	Dataset string
	Err     error
}

// Error says what is not known and why.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("%s: state: outcome of a write unknown, the next run settles it: %v", e.Dataset, e.Err)
}

// Unwrap gives the store's error.
func (e *UnknownError) Unwrap() error { return e.Err }

// Store keeps documents on a blob store, one a dataset.
type Store struct {
	objects blob.Objects
	cas     bool
	lease   time.Duration
	patient time.Duration
}

// Lock is how the document is guarded.
type Lock string

// The two locks.
const (
	LockCAS  Lock = "cas"  // conditional writes
	LockNone Lock = "none" // no condition: the operator promises a single writer
)

// NewStore keeps documents on objects. lease is how long the claim of a dead run
// lasts; it spares queries, safety does not depend on it.
func NewStore(objects blob.Objects, lock Lock, lease time.Duration) *Store {
	return &Store{objects: objects, cas: lock != LockNone, lease: lease, patient: 45 * time.Second}
}

// Key is where a dataset's document lies.
func Key(dataset string) string { return "state/" + dataset + ".json" }

// Load reads a dataset's document. ErrNone: there is none.
func (s *Store) Load(ctx context.Context, dataset string) (Document, error) {
	doc, _, err := s.load(ctx, dataset)
	return doc, err
}

func (s *Store) load(ctx context.Context, dataset string) (Document, string, error) {
	data, etag, err := s.objects.Get(ctx, Key(dataset))
	if errors.Is(err, blob.ErrNotFound) {
		return Document{}, "", fmt.Errorf("%s: %w", Key(dataset), ErrNone)
	}
	if err != nil {
		return Document{}, "", fmt.Errorf("read %s: %w", Key(dataset), err)
	}
	var doc Document
	if err := json.Unmarshal(data, &doc); err != nil {
		return Document{}, "", fmt.Errorf("%s is not a state document: restore its newest version, or, if that is lost for good, delete it and go on where the files end with `exporter state adopt %s --start <time>`: %w", Key(dataset), dataset, err)
	}
	if doc.Version == reads {
		doc.Version = version
	}
	if doc.Version != version || doc.Dataset != dataset {
		return Document{}, "", hunting.Refuse("%s: version %d of dataset %q, this program writes version %d of %q: use the program that wrote it",
			Key(dataset), doc.Version, doc.Dataset, version, dataset)
	}
	return doc, etag, nil
}

// put writes a document on the condition that the one of etag still stands.
func (s *Store) put(ctx context.Context, doc Document, body []byte, etag string) (string, error) {
	var c blob.Condition
	if s.cas {
		c = blob.Condition{IfMatch: etag, Absent: etag == ""}
	}
	return s.objects.Put(ctx, Key(doc.Dataset), body, c)
}

func encode(doc Document) ([]byte, error) {
	body, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", doc.Dataset, err)
	}
	return append(body, '\n'), nil
}

// NewID returns 128 random bits as 32 hex digits.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
