package pipeline

import (
	"cmp"
	"slices"
	"time"

	"hunting-exporter/pipeline/ledger"
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

// job is a list of parts to read and commit.
type job struct {
	kind  Kind
	parts []Part
	tally *Tally
	seen  *ledger.Seen // rows that were exported already; nil: none of the parts' were
	// counted is what the API counted of each quarter hour that is read again.
	counted map[time.Time]int64
}

// after is the progress once the attempt's parts have been read.
func (j job) after(p state.Progress, a *attempt, now time.Time) state.Progress {
	if j.kind == KindSnapshot {
		p.Snapshot = a.From
		return p
	}
	old := p.Gaps
	for _, part := range a.done {
		p.Gaps = state.Fill(p.Gaps, state.Stretch(part.Window), part.Slice.I, part.Slice.N)
		p = p.Cover(state.Stretch(part.Window))
	}
	for _, g := range a.gaps {
		p.Gaps = append(p.Gaps, gapOf(g, old, now))
	}
	p.Gaps = joined(p.Gaps)
	return p
}

// gapOf is a gap for the state; one that lies in an old gap goes on counting its tries.
func gapOf(g Gap, old []state.Gap, now time.Time) state.Gap {
	found := state.Gap{
		Stretch: state.Stretch(g.Window), I: g.Slice.I, N: g.Slice.N,
		Reason: g.Reason, Tries: 1, Since: now, Last: now,
	}
	for _, o := range old {
		if !g.Start.Before(o.Start) && !g.End.After(o.End) {
			found.Since, found.Tries = o.Since, o.Tries+1
		}
	}
	return found
}

// joined is the gaps in order, with those that adjoin each other as one.
func joined(gaps []state.Gap) []state.Gap {
	slices.SortFunc(gaps, func(a, b state.Gap) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.N, b.N), cmp.Compare(a.I, b.I))
	})
	var out []state.Gap
	for _, g := range gaps {
		if n := len(out) - 1; n >= 0 && out[n].End.Equal(g.Start) && out[n].N <= 1 && g.N <= 1 {
			out[n].End, out[n].Tries = g.End, max(out[n].Tries, g.Tries)
			continue
		}
		out = append(out, g)
	}
	return out
}
