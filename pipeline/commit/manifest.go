package commit

import (
	"encoding/json"
	"fmt"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// Kind is why a commit was made.
type Kind string

// The kinds.
const (
	KindNew      Kind = "new"      // what came after the watermark
	KindBackfill Kind = "backfill" // a stretch of the past
	KindLate     Kind = "late"     // rows that the API counted and that were not exported
	KindGap      Kind = "gap"      // a gap that was tried again
	KindSnapshot Kind = "snapshot" // a table as it stood
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

func manifestKey(dataset string, seq int64) string {
	return fmt.Sprintf("manifests/%s/%d.json", dataset, seq)
}

func encodeManifest(m Manifest) ([]byte, error) {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode manifest of commit %d: %w", m.Seq, err)
	}
	return append(body, '\n'), nil
}
