package pipeline

import (
	"context"
	"fmt"
	"time"

	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/state"
)

// check notes how the API's counts and the ledger compare, once late rows are exported.
func (r *session) check(ctx context.Context, c counts) error {
	book, err := r.books.ledger(ctx)
	if err != nil {
		return err
	}
	found := c.compared(book)
	found.Window, found.At, found.Late = c.past, time.Now().UTC(), r.result.Late
	named := r.Doc.Ledger
	if noted := book.Clone(); noted.NoteOver(c.over, c.past.Start, c.past.End) {
		if named, err = r.books.putLedger(ctx, r.Attempt(r.ds, c.past.Start), noted, named.From); err != nil {
			return err
		}
	}
	old := r.Doc.Ledger.Key
	if err := r.Update(ctx, func(d *state.Document) { d.Check, d.Checked, d.Ledger = &found, c.past.End, named }); err != nil {
		return err
	}
	if named.Key != old {
		r.Forget(ctx, []string{old})
	}
	return nil
}

// compared sums up quarter hours. What a quarter hour has more by now than it had when it was
// counted came in since. What it had more even then is a surplus, or explains itself: rows
// have left the API, or lie before what is compared.
func (c counts) compared(book *ledger.Ledger) (found state.Check) {
	rows, over := map[int64]int64{}, map[int64]int64{}
	for _, b := range c.bins {
		rows[ledger.Number(b.Start)] = b.Rows
	}
	for _, d := range c.over {
		over[ledger.Number(d.Start)] = d.Surplus()
	}
	for n := ledger.Number(c.past.Start); ledger.Start(n).Before(c.past.End); n++ {
		start, end := ledger.Start(n), ledger.Start(n+1)
		counted, exported := rows[n], book.Exported(start, end)
		switch {
		case over[n] > 0:
			found.Surplus += over[n]
			found.Differ++
		case exported < counted:
			found.Differ++
		case c.book.Exported(start, end) > counted:
			exported = counted
		default:
			counted = exported
		}
		found.Counted += counted
		found.Exported += exported
	}
	return found
}

// surplus finds quarter hours of which more was exported than the API counts, though it
// keeps their rows still.
func (r *session) surplus(ctx context.Context, c *counts, horizon time.Time) error {
	var err error
	if c.book, err = r.books.ledger(ctx); err != nil {
		return err
	}
	kept := horizon.Add(24*time.Hour - retention)
	c.over = c.book.Over(c.bins, latest(c.past.Start, kept), c.past.End)
	return nil
}

// unexplained is an error if there is a surplus. A query of one's own may answer less for
// the same time later on, such as by a join. Rejected rows have no identity: read again, the
// same row may be taken for another, or be one that can be converted by now.
func (r *session) unexplained(c counts) error {
	if len(c.over) == 0 {
		return nil
	}
	e := &SurplusError{Quarters: len(c.over), First: c.over[0]}
	for _, d := range c.over {
		e.Rows += d.Surplus()
	}
	switch {
	case r.ds.Query != "":
		r.log.Warn("more rows are exported than the query gives for the same time by now", "surplus", e.Rows, "quarter_hours", e.Quarters, "first", e.First.Start)
	case e.Rows <= r.Doc.Rejected:
		r.log.Warn("more rows are exported than the API counts, no more of them than were rejected", "surplus", e.Rows, "rejected", r.Doc.Rejected)
	default:
		return e
	}
	return nil
}

// SurplusError: more rows were exported than the API counts, of times whose rows it keeps.
type SurplusError struct {
	Rows     int64
	Quarters int               // quarter hours
	First    ledger.Difference // of them
}

// Error says how many, and describes the first quarter hour.
func (e *SurplusError) Error() string {
	return fmt.Sprintf("%d rows more are exported than the API counts, in %d quarter hours, the first at %s (%d exported, %d counted): rows of another source were exported, or the API no longer has some; see `Counts that differ` in docs/operations.md",
		e.Rows, e.Quarters, e.First.Start.Format(time.RFC3339), e.First.Exported, e.First.Counted)
}

// Unwrap gives ErrIncomplete: what is exported is not what the API counts.
func (e *SurplusError) Unwrap() error { return ErrIncomplete }
