package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// Manifest is what a commit consists of, for readers of the lake and auditors. The
// same commit gives the same bytes whoever writes it.
type Manifest struct {
	Dataset  string    `json:"dataset"`
	Kind     Kind      `json:"kind"`
	Seq      int64     `json:"seq"`
	Commit   string    `json:"commit"`
	Version  string    `json:"version"` // of the program that prepared it
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Rows     int64     `json:"rows"`
	Rejected int64     `json:"rejected"`
	Events   int64     `json:"events,omitempty"` // sent to Kafka
	// EventsRejected are too large for the topic; their rows count and are in the lake.
	EventsRejected int64              `json:"events_rejected,omitempty"`
	Topic          string             `json:"topic,omitempty"` // of the events
	Sinks          state.Destinations `json:"sinks"`
	Windows        []WindowRows       `json:"windows"`
	Gaps           []ManifestGap      `json:"gaps,omitempty"` // of the windows; what the API did not deliver
	Files          []ManifestFile     `json:"files"`
	Rejects        []string           `json:"rejects,omitempty"` // keys under _meta
}

// WindowRows is one answer of a commit and the rows that were taken from it.
type WindowRows struct {
	hunting.Window
	Slice hunting.Slice `json:"slice,omitzero"`
	Rows  int64         `json:"rows"`
}

// ManifestGap is a stretch, or a slice of it, that the API did not deliver.
type ManifestGap struct {
	hunting.Part
	Late   bool   `json:"late,omitempty"` // other rows of it are exported
	Reason string `json:"reason"`
}

// ManifestFile is one published file.
type ManifestFile struct {
	Key    string `json:"key"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

// intent is the body of a pending commit: all that is needed to publish or abort it.
type intent struct {
	Manifest Manifest     `json:"manifest"`
	Files    []state.File `json:"files"`
	// Dropped are objects that nothing names once the commit is finished.
	Dropped []string `json:"dropped,omitempty"`

	Next state.Progress `json:"-"` // goes into the state document
}

func intentKey(a Attempt) string { return "intents/" + a.Dataset.Name + "/" + a.Name() + ".json" }

func manifestKey(dataset string, seq int64) string {
	return fmt.Sprintf("manifests/%s/%d.json", dataset, seq)
}

// writeIntent stores the body under the attempt's own key and returns its sha256.
func writeIntent(ctx context.Context, objects Objects, key string, in intent) (string, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("encode intent %s: %w", key, err)
	}
	if err := putOnce(ctx, objects, key, body); err != nil {
		return "", fmt.Errorf("write intent %s: %w", key, err)
	}
	return hexSum(body), nil
}

// readIntent reads the body that a pending commit names.
func readIntent(ctx context.Context, objects Objects, p *state.Pending) (intent, error) {
	body, _, err := objects.Get(ctx, p.Body)
	if err != nil {
		return intent{}, fmt.Errorf("read intent %s of commit %d: %w", p.Body, p.Seq, err)
	}
	if sum := hexSum(body); sum != p.BodySHA256 {
		return intent{}, alarm("intent %s of commit %d has sha256 %s, the state says %s: somebody changed it; restore the object", p.Body, p.Seq, sum, p.BodySHA256)
	}
	var in intent
	if err := json.Unmarshal(body, &in); err != nil {
		return intent{}, fmt.Errorf("decode intent %s: %w", p.Body, err)
	}
	return in, nil
}

// putOnce creates an object, or finds it there with the same bytes.
func putOnce(ctx context.Context, objects Objects, key string, body []byte) error {
	_, err := objects.Put(ctx, key, body, blob.Condition{Absent: true})
	if !errors.Is(err, blob.ErrPrecondition) {
		return err
	}
	found, _, err := objects.Get(ctx, key) // our own lost answer, or another who published the same
	if err != nil {
		return err
	}
	if hexSum(found) != hexSum(body) {
		return fmt.Errorf("%s: %w", key, ErrForeignObject)
	}
	return nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func encodeManifest(m Manifest) ([]byte, error) {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode manifest of commit %d: %w", m.Seq, err)
	}
	return append(body, '\n'), nil
}
