package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

func (c *cli) stateShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [dataset]",
		Short: "Show where each dataset stands, and how its last run ended",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactArgs(1, "one dataset at most")(cmd, args)
			}
			return nil
		},
	}
	output := cmd.Flags().String("output", "text", "text, or json: one object a dataset, each in a line")
	flags := settingFlags(cmd, stateSettings...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		print, ok := map[string]func(io.Writer, []standing, bool) error{"text": showText, "json": showJSON}[*output]
		if !ok {
			return &usageError{fmt.Errorf("--output %q: text or json", *output)}
		}
		for _, name := range args {
			if !schema.ValidName(name) {
				return &usageError{fmt.Errorf("%q is no dataset's name", name)}
			}
		}
		return c.withState(cmd.Context(), config.NewValues(flags(), c.environ), storesOnly, func(ctx context.Context, cfg config.Config, s stores) error {
			ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience))
			defer cancel()
			all, err := standings(ctx, cfg, s, args)
			if all == nil && err != nil {
				return err
			}
			return errors.Join(print(c.out, all, len(args) > 0), err)
		})
	}
	return cmd
}

// standing is where a dataset stands, by its state.
type standing struct {
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
	leaseFree    = "free"
	leaseHeld    = "held"
	leaseExpired = "expired" // its run was killed, or cut off
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

// standings are those of the datasets named; no names: of all that have a state. One that
// cannot be read does not hide the others.
func standings(ctx context.Context, cfg config.Config, s stores, names []string) (all []standing, err error) {
	if len(names) == 0 {
		if names, err = s.known(ctx); err != nil {
			return nil, err
		}
	}
	documents := state.NewStore(s.state, state.Lock(cfg.State.Lock), cfg.State.Lease)
	var errs []error
	all = make([]standing, 0, len(names))
	for _, name := range names {
		doc, err := documents.Load(ctx, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		owner, err := commit.Owner(ctx, s.meta, name)
		errs = append(errs, err)
		all = append(all, standingOf(doc, owner, time.Now()))
	}
	if len(all) == 0 && len(names) > 0 {
		all = nil
	}
	return all, errors.Join(errs...)
}

func standingOf(doc state.Document, owner string, now time.Time) standing {
	s := standing{
		Dataset: doc.Dataset, ID: doc.ID, Seq: doc.Seq, Rows: doc.Rows, Rejected: doc.Rejected,
		Run: doc.Run, Lease: leaseFree, Last: doc.Last, Success: doc.Success, Failure: doc.Failure,
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
		s.Lease, s.Until = leaseHeld, &doc.Lease
		if !now.Before(doc.Lease) {
			s.Lease = leaseExpired
		}
	}
	if p := doc.Pending; p != nil {
		s.Pending = &pendingCommit{Seq: p.Seq, Commit: p.Commit, From: p.From, To: p.To, Rows: p.Rows, Decider: p.Decider, Since: p.Since}
	}
	return s
}

func showJSON(w io.Writer, all []standing, _ bool) error {
	e := json.NewEncoder(w)
	for _, s := range all {
		if err := e.Encode(s); err != nil {
			return err
		}
	}
	return nil
}
