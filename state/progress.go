package state

import (
	"slices"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
)

// Progress is how far a dataset has been read. A commit replaces it as a whole.
type Progress struct {
	// Watermark is where the newest stretch that was read ends; reading goes on there.
	Watermark time.Time `json:"watermark"`
	// Covered are the stretches that were read, in order and apart; gaps lie within.
	Covered []hunting.Window `json:"covered,omitempty"`
	// Gaps are what the API would not deliver, in order. They are tried again.
	Gaps []Gap `json:"gaps,omitempty"`
	// Ledger says how many rows of each quarter hour were exported; zero: not kept.
	Ledger Ledger `json:"ledger,omitzero"`
	// Checked is up to where, by the dataset's clock, counts have been compared.
	Checked time.Time `json:"checked,omitzero"`
	// Snapshot is when the newest snapshot was taken.
	Snapshot time.Time `json:"snapshot,omitzero"`
	// Columns are those that the dataset has had so far, in order of appearance; they
	// are what its files have, and only grow.
	Columns []schema.Column `json:"columns,omitempty"`
}

// Ledger names the immutable object that holds a dataset's ledger.
type Ledger struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	// From is since when, by the dataset's clock, exported rows can be told from new ones.
	From time.Time `json:"from"`
}

// Gap is a stretch, or one slice of it by hash, that the API would not deliver.
type Gap struct {
	hunting.Window
	I int `json:"i,omitempty"` // slice I of N; N is 0 for the whole stretch
	N int `json:"n,omitempty"`
	// Late: the stretch was read before, and only those of its rows are wanted that
	// were not exported then.
	Late   bool      `json:"late,omitempty"`
	Reason string    `json:"reason"`
	Tries  int       `json:"tries"` // runs that tried
	Since  time.Time `json:"since"`
	Last   time.Time `json:"last"` // last try
}

// Check is a comparison of the API's own counts with what was exported.
type Check struct {
	hunting.Window
	At       time.Time `json:"at"`
	Counted  int64     `json:"counted"`           // rows by the API, and those that came in since it counted
	Exported int64     `json:"exported"`          // rows exported that it still has, rejected ones included, late ones fetched
	Late     int64     `json:"late"`              // of them found by this comparison
	Differ   int       `json:"differ"`            // quarter hours that still differ
	Surplus  int64     `json:"surplus,omitempty"` // rows that were exported and are not counted
}

// Cover returns the progress with s read, and the watermark moved if s continues it.
func (p Progress) Cover(s hunting.Window) Progress {
	p.Covered = Union(p.Covered, s)
	for _, c := range p.Covered {
		if !c.Start.After(p.Watermark) && c.End.After(p.Watermark) {
			p.Watermark = c.End
		}
	}
	return p
}

// Union is the stretches of all and s, in order and apart.
func Union(all []hunting.Window, s hunting.Window) []hunting.Window {
	if !s.Start.Before(s.End) {
		return all
	}
	out := make([]hunting.Window, 0, len(all)+1)
	for _, c := range all {
		if c.End.Before(s.Start) || s.End.Before(c.Start) {
			out = append(out, c)
			continue
		}
		if c.Start.Before(s.Start) {
			s.Start = c.Start
		}
		if c.End.After(s.End) {
			s.End = c.End
		}
	}
	out = append(out, s)
	slices.SortFunc(out, func(a, b hunting.Window) int { return a.Start.Compare(b.Start) })
	return out
}

// Minus is what of all lies outside of s.
func Minus(all []hunting.Window, s hunting.Window) []hunting.Window {
	var out []hunting.Window
	for _, c := range all {
		if before := (hunting.Window{Start: c.Start, End: earlier(c.End, s.Start)}); before.Start.Before(before.End) {
			out = append(out, before)
		}
		if after := (hunting.Window{Start: later(c.Start, s.End), End: c.End}); after.Start.Before(after.End) {
			out = append(out, after)
		}
	}
	return out
}

// Fill returns the gaps without what of them lies in s: it was read, or tried, again.
// Of a stretch that is sliced only the slice given is taken out.
func Fill(gaps []Gap, s hunting.Window, i, n int) []Gap {
	var out []Gap
	for _, g := range gaps {
		switch {
		case n > 1 && g.Window == s && g.I == i && g.N == n:
		case n > 1 || g.N > 1 && n <= 1 && !inside(g.Window, s):
			out = append(out, g)
		default:
			for _, rest := range Minus([]hunting.Window{g.Window}, s) {
				left := g
				left.Window = rest
				out = append(out, left)
			}
		}
	}
	return out
}

func inside(inner, outer hunting.Window) bool {
	return !inner.Start.Before(outer.Start) && !inner.End.After(outer.End)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
