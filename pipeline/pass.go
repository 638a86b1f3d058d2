package pipeline

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/state"
)

// pass is a list of parts to read and commit.
type pass struct {
	kind  commit.Kind
	parts []hunting.Part
	tally *hunting.Tally
	seen  *ledger.Seen // rows that were exported already; nil: none of the parts' were
	// counted is what the API counted of each quarter hour that is read again.
	counted map[time.Time]int64
}

// after is the progress once the attempt's parts have been read.
func (j pass) after(p state.Progress, a *attempt, now time.Time) state.Progress {
	if len(a.columns) > len(p.Columns) {
		p.Columns = a.columns
	}
	if j.kind == commit.KindSnapshot {
		p.Snapshot = a.From
		return p
	}
	old := p.Gaps
	for _, part := range a.done {
		p.Gaps = state.Fill(p.Gaps, part.Window, part.Slice.I, part.Slice.N)
		p = p.Cover(part.Window)
	}
	for _, g := range a.Gaps {
		p.Gaps = append(p.Gaps, gapOf(g, old, now))
	}
	p.Gaps = joined(p.Gaps)
	return p
}

// gapOf is a gap for the state; one that lies in an old gap goes on counting its tries.
func gapOf(g hunting.Gap, old []state.Gap, now time.Time) state.Gap {
	found := state.Gap{
		Window: g.Window, I: g.Slice.I, N: g.Slice.N,
		Late: g.Late, Reason: g.Reason, Tries: 1, Since: now, Last: now,
	}
	for _, o := range old {
		if !g.Start.Before(o.Start) && !g.End.After(o.End) {
			found.Since, found.Tries = o.Since, o.Tries+1
		}
	}
	return found
}

// joined is the gaps in order, with those that make up a larger one as one.
func joined(gaps []state.Gap) []state.Gap {
	var out []state.Gap
	for _, g := range halved(gaps) {
		n := len(out) - 1
		if n >= 0 && out[n].End.Equal(g.Start) && out[n].N <= 1 && g.N <= 1 && out[n].Late == g.Late {
			out[n].End, out[n].Tries = g.End, max(out[n].Tries, g.Tries)
			continue
		}
		out = append(out, g)
	}
	return out
}

// halved puts slices together again: I and I+N of 2N are I of N, and all of N are the
// whole stretch.
func halved(gaps []state.Gap) []state.Gap {
	type slice struct {
		hunting.Window
		late bool
		i, n int
	}
	found := map[slice]state.Gap{}
	for _, g := range gaps {
		found[slice{g.Window, g.Late, g.I, g.N}] = g
	}
	for merged := true; merged; {
		merged = false
		for s, g := range found {
			parts := siblings(s.i, s.n)
			all := len(parts) > 0
			for _, i := range parts {
				_, there := found[slice{s.Window, s.late, i, s.n}]
				all = all && there
			}
			if !all {
				continue
			}
			for _, i := range parts {
				delete(found, slice{s.Window, s.late, i, s.n})
			}
			g.N = s.n / len(parts)
			if g.I = s.i % g.N; g.N == 1 {
				g.N = 0
			}
			found[slice{s.Window, s.late, g.I, g.N}] = g
			merged = true
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b state.Gap) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.N, b.N), cmp.Compare(a.I, b.I))
	})
}

// siblings are the slices that make up a larger one together with slice i of n: two of an
// even number of slices, all of an odd one.
func siblings(i, n int) []int {
	switch {
	case n <= 1:
		return nil
	case n%2 == 0:
		return []int{i % (n / 2), i%(n/2) + n/2}
	}
	all := make([]int, n)
	for k := range all {
		all[k] = k
	}
	return all
}
