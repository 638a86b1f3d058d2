package commit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// closeTransaction ends what a failed commit left open: until then read_committed
// consumers of the topic would wait, up to the transaction's timeout.
func (s *Session) closeTransaction(ctx context.Context) {
	var lost *state.LostError
	if !s.open || errors.As(s.claim.Err(), &lost) { // the new owner has fenced, or will
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := s.decider.Fence(ctx); err != nil {
		s.log.Warn("a transaction stays open until the next run or its timeout; read_committed consumers wait", "error", err)
	}
}

// fence is steps 2 to 4. It returns whether a marker exists.
func (s *Session) fence(ctx context.Context) (found bool, err error) {
	if err := s.decider.Fence(ctx); err != nil {
		return false, err
	}
	s.open = false
	s.step(StepFence)
	if s.Doc, err = s.claim.Look(ctx); err != nil {
		return false, err
	}
	s.step(StepLook)
	s.marker, found, err = s.decider.Marker(ctx)
	if err != nil {
		return false, err
	}
	s.step(StepMarker)
	return found, nil
}

// basePrefix begins the id of a marker that stands for no commit.
const basePrefix = "base-"

// base is step 6: a marker always exists, so that "none" can later only mean lost.
// An existing one is committed again, since the broker forgets idle ones (7 days).
func (s *Session) base(ctx context.Context, found bool) error {
	m := s.marker
	switch {
	case !found:
		m = Marker{Seq: s.Doc.Seq, ID: basePrefix + state.NewID()}
	case m.Seq > s.Doc.Seq, m.Seq == s.Doc.Seq && s.Doc.Marker != "" && m.ID != s.Doc.Marker && !strings.HasPrefix(m.ID, basePrefix):
		return hunting.Alarm("Kafka's marker says commit %d (%s), the state ends at commit %d (%s): the state was restored from a backup or copied; "+
			"restore its newest version, or, if rows after %s may be repeated, delete the consumer group %s and run again",
			m.Seq, m.ID, s.Doc.Seq, orNone(s.Doc.Marker), s.Doc.Watermark.Format(time.RFC3339), TransactionalID(s.Doc.ID))
	}
	if err := s.decider.Mark(ctx, m); err != nil {
		return fmt.Errorf("commit base marker: %w", err)
	}
	s.marker = m
	s.step(StepBase)
	return nil
}
