// Package hunting has the words of hunting data: datasets, windows of their clocks, the
// answers of the API and what is asked of it.
package hunting

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
)

// Tick is the resolution of every time in hunting data: 100 ns.
const Tick = 100 * time.Nanosecond

// Clock is the time by which a dataset is cut into windows.
type Clock string

// The two clocks.
const (
	// ClockIngestion is ingestion_time(): when the service stored the row.
	ClockIngestion Clock = "ingestion"
	// ClockEvent is the event's own time, or what a custom query makes of
	// _startTime and _endTime.
	ClockEvent Clock = "event"
)

// Mode is how a dataset's rows come about.
type Mode string

// The modes.
const (
	// ModeAppend: rows are added over time and read once each, window after window.
	ModeAppend Mode = ""
	// ModeAggregate: a custom query that sums up each window. Its rows depend on how
	// time is cut, so they are neither counted nor compared.
	ModeAggregate Mode = "aggregate"
	// ModeJoinWindow: rows of a custom query that joins two sides of the window. They are
	// read once each, yet which there are depends on how time is cut, as of an aggregate.
	ModeJoinWindow Mode = "append, join: window"
	// ModeSnapshot: rows say how things stand now; they are exported whole at an interval.
	ModeSnapshot Mode = "snapshot"
)

// ByCut reports whether rows depend on how time is cut.
func (m Mode) ByCut() bool { return m == ModeAggregate || m == ModeJoinWindow }

// Dataset is one table or custom query, with its own state and commits.
type Dataset struct {
	Name        string // file-safe, ^[A-Za-z_][A-Za-z0-9_]*$; the table's name, or the query's
	Query       string // KQL of a custom query; empty: the table called Name
	Fingerprint string // of Query, for the state
	Mode        Mode
	Clock       Clock    // of a dataset that is no snapshot
	FixedClock  bool     // Clock was asked for: it is not changed to what the data have
	TimeColumn  string   // the event's own time, of a snapshot when it was taken; empty: none
	Key         string   // column that keys Kafka events; empty: none
	Identity    []string // columns that identify a row; empty: every cell
	Needs       []string // columns that the answers of a custom query must have
	Slicing     []string // columns whose hash cuts what time cannot; empty: Identity, else every cell
}

// Slice is the part of a window whose rows hash to I of N. The zero Slice is all of it.
type Slice struct {
	I int `json:"i,omitempty"`
	N int `json:"n,omitempty"`
}

// Window is a half-open stretch [Start, End) of a dataset's clock, in UTC, on whole ticks.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// String gives the window as start/end.
func (w Window) String() string {
	const layout = "2006-01-02T15:04:05.9999999Z"
	return fmt.Sprintf("%s/%s", w.Start.UTC().Format(layout), w.End.UTC().Format(layout))
}

// Part is a window, or one slice of it, to be read.
type Part struct {
	Window
	Slice Slice `json:"slice,omitzero"`
}

// Page is one complete answer of the API. A page without a record stands for a window
// that the API counts no rows in, or for a gap.
type Page struct {
	Part
	More   bool // further pages of the same part follow: it counts as read with the last one
	Gap    *Gap // what of the part the API does not deliver; nil: nothing
	Answer Answer
}

// Release gives the page's memory back.
func (p *Page) Release() { p.Answer.Release() }

// Gap is a part that the API does not deliver, and why.
type Gap struct {
	Part
	Late   bool // other rows of it are exported
	Reason string
}

// Batch is one page in the dataset's columns. Rows of the answer = Record rows + Rejects.
type Batch struct {
	Part
	More    bool
	Gap     *Gap
	Record  arrow.Record // owned by whoever holds the batch; nil: no rows
	Hashes  [][16]byte   // one a row of Record: identity over every cell
	Rejects []Reject
}

// Rows is the number of rows in the record.
func (b *Batch) Rows() int64 {
	if b.Record == nil {
		return 0
	}
	return b.Record.NumRows()
}

// Release gives the batch's columns back.
func (b *Batch) Release() {
	if b.Record != nil {
		b.Record.Release()
		b.Record = nil
	}
}

// Reject is a row that could not be converted, kept as it came; or an event that its
// topic does not take, of a row that every other sink has.
type Reject struct {
	Window Window          `json:"window,omitzero"` // of a row
	Sink   string          `json:"sink,omitempty"`  // that refused the event: kafka
	Time   time.Time       `json:"time,omitzero"`   // of the event
	Key    string          `json:"key,omitempty"`   // of the event
	Row    json.RawMessage `json:"row"`             // or the event's value
	Reason string          `json:"reason"`
}
