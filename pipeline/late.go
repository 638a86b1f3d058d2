package pipeline

import (
	"context"
	"slices"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/state"
)

// lateRows bounds the rows whose keys are held at once to tell late rows from others:
// 32 bytes each.
const lateRows = 1 << 20

// comparable is the stretch whose counts can be compared with the ledger: up to the last
// whole quarter hour before the watermark, not further back than rows can be told apart.
func (r books) comparable() hunting.Window {
	end := ledger.Start(ledger.Number(r.Doc.Watermark))
	if r.Doc.Ledger.Key == "" {
		return hunting.Window{Start: end, End: end}
	}
	start := r.keysFrom(r.Doc.Progress)
	if start.Equal(r.Doc.Ledger.From) { // the first quarter hour counts from where the ledger begins
		return hunting.Window{Start: start, End: latest(start, end)}
	}
	return hunting.Window{Start: ceil(start), End: end}
}

func ceil(t time.Time) time.Time {
	start := ledger.Start(ledger.Number(t))
	if start.Before(t) {
		return start.Add(ledger.Width)
	}
	return start
}

// late reads the quarter hours again of which the API counts more rows than were
// exported, and exports those rows that were not.
func (r *session) late(ctx, stop context.Context, c counts) error {
	if !c.past.Start.Before(c.past.End) || !r.books.reconciles() {
		return nil
	}
	book, err := r.books.ledger(ctx)
	if err != nil {
		return err
	}
	differ := book.Differ(c.bins, c.past.End)
	if len(differ) > 0 {
		var missing, counted int64
		for _, d := range differ {
			missing, counted = missing+d.Missing(), counted+d.Counted
		}
		r.Watch.Counted(r.ds.Name, counted)
		r.log.Info("the API counts more rows than were exported", "rows", missing, "quarter_hours", len(differ), "first", differ[0].Start)
	}
	for len(differ) > 0 {
		n, rows := 1, differ[0].Exported
		for n < len(differ) && rows+differ[n].Exported <= lateRows {
			rows += differ[n].Exported
			n++
		}
		if err := r.again(ctx, stop, differ[:n], c); err != nil {
			return err
		}
		differ = differ[n:]
	}
	return r.check(ctx, c)
}

// again reads quarter hours again, without the gaps in them. Of a tick of which some slices
// are gaps it reads the others: a gap may stay for longer than their rows are told apart.
func (r *session) again(ctx, stop context.Context, bins []ledger.Difference, c counts) error {
	j := pass{kind: commit.KindLate, counted: map[time.Time]int64{}}
	if len(r.Doc.Gaps) == 0 { // else quarter hours may be cut
		j.tally = &hunting.Tally{Window: c.past, Width: ledger.Width, Bins: c.bins}
	}
	var stretches []hunting.Window
	for _, b := range bins {
		j.counted[b.Start] = b.Counted
		stretches = state.Union(stretches, hunting.Window{Start: latest(b.Start, c.past.Start), End: b.Start.Add(ledger.Width)})
	}
	whole := stretches
	for _, g := range r.Doc.Gaps {
		stretches = state.Minus(stretches, g.Window)
		if g.N > 1 { // the others' may be of several commits, none of which has read all
			delete(j.counted, ledger.Start(ledger.Number(g.Start)))
		}
	}
	for _, s := range stretches {
		j.parts = append(j.parts, hunting.Part{Window: s})
	}
	j.parts = append(j.parts, besides(r.Doc.Gaps, whole)...)
	slices.SortStableFunc(j.parts, func(a, b hunting.Part) int { return a.Start.Compare(b.Start) })
	return r.unseen(ctx, stop, j, whole)
}

// unseen reads a pass's parts and exports those rows that were not exported. bins are the
// quarter hours that the parts lie in.
func (r *session) unseen(ctx, stop context.Context, j pass, bins []hunting.Window) error {
	if len(j.parts) == 0 {
		return nil
	}
	book, err := r.books.ledger(ctx)
	if err != nil {
		return err
	}
	if j.seen, err = r.books.seen(ctx, book, bins); err != nil {
		return err
	}
	return r.reader.read(ctx, stop, j)
}
