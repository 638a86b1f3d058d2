package report

import (
	"encoding/json"
	"io"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// State is where a dataset stands, by its state.
type State struct {
	Dataset      string             `json:"dataset"`
	ID           string             `json:"id"`
	Seq          int64              `json:"seq"`
	Watermark    *time.Time         `json:"watermark,omitempty"`   // or when the newest snapshot was taken
	Lag          *float64           `json:"lag_seconds,omitempty"` // absent: nothing is known to be exported
	Rows         int64              `json:"rows"`
	Rejected     int64              `json:"rejected"`
	Run          string             `json:"run"`   // that holds the dataset, or last did
	Lease        string             `json:"lease"` // one of the words below
	Until        *time.Time         `json:"lease_until,omitempty"`
	Last         *state.End         `json:"last_run,omitempty"`
	Success      *state.End         `json:"last_success,omitempty"`
	Failure      *state.End         `json:"last_error,omitempty"`
	Clock        string             `json:"clock,omitempty"`
	Snapshot     *time.Time         `json:"snapshot,omitempty"`
	Covered      []hunting.Window   `json:"covered"`
	Gaps         []state.Gap        `json:"gaps"`
	Check        *state.Check       `json:"check,omitempty"`
	Pending      *pendingCommit     `json:"pending,omitempty"`
	Destinations state.Destinations `json:"destinations"`
	Meaning      state.Meaning      `json:"meaning"`
	Owner        string             `json:"owner,omitempty"` // id of the state that the place in the lake belongs to
}

// What is the matter with a lease.
const (
	LeaseFree    = "free"
	LeaseHeld    = "held"
	LeaseExpired = "expired" // its run was killed, or cut off
)

// pendingCommit is a commit whose end is not known yet.
type pendingCommit struct {
	Seq     int64         `json:"seq"`
	Commit  string        `json:"commit"`
	From    time.Time     `json:"from"`
	To      time.Time     `json:"to"`
	Rows    int64         `json:"rows"`
	Decider state.Decider `json:"decider"`
	Since   time.Time     `json:"since"`
}

// StateOf says where a dataset stands; owner is the id of the state that its place in the
// lake belongs to.
func StateOf(doc state.Document, owner string, now time.Time) State {
	s := State{
		Dataset: doc.Dataset, ID: doc.ID, Seq: doc.Seq, Rows: doc.Rows, Rejected: doc.Rejected,
		Run: doc.Run, Lease: LeaseFree, Last: doc.Last, Success: doc.Success, Failure: doc.Failure,
		Clock: doc.Clock, Covered: append([]hunting.Window{}, doc.Covered...), Gaps: append([]state.Gap{}, doc.Gaps...), Check: doc.Check,
		Destinations: doc.Destinations, Meaning: doc.Meaning, Owner: owner,
	}
	to := doc.Watermark
	if !doc.Snapshot.IsZero() {
		s.Snapshot, to = &doc.Snapshot, doc.Snapshot
	}
	if !to.IsZero() {
		lag := now.Sub(to).Seconds()
		s.Watermark, s.Lag = &to, &lag
	}
	if !doc.Lease.IsZero() {
		s.Lease, s.Until = LeaseHeld, &doc.Lease
		if !now.Before(doc.Lease) {
			s.Lease = LeaseExpired
		}
	}
	if p := doc.Pending; p != nil {
		s.Pending = &pendingCommit{Seq: p.Seq, Commit: p.Commit, From: p.From, To: p.To, Rows: p.Rows, Decider: p.Decider, Since: p.Since}
	}
	return s
}

// StatesJSON writes one object a dataset, each in a line.
func StatesJSON(w io.Writer, all []State, _ bool) error {
	e := json.NewEncoder(w)
	for _, s := range all {
		if err := e.Encode(s); err != nil {
			return err
		}
	}
	return nil
}
