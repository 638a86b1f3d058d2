package ledger

import (
	"cmp"
	"slices"
	"time"

	"hunting-exporter/hunting"
)

// Bin is a quarter hour of a dataset's clock.
type Bin struct {
	Start    time.Time `json:"start"`
	Exported int64     `json:"exported"`          // rows that commits delivered
	Settled  int64     `json:"settled,omitempty"` // what the API counted when the bin was last fetched again
	Surplus  int64     `json:"surplus,omitempty"` // by how many rows Exported was more than the API counted at the last comparison
}

// Run is one stored run of row keys, sorted by bin, all of bins in [Start, End).
type Run struct {
	Key    string    `json:"key"` // where it is stored
	SHA256 string    `json:"sha256"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Rows   int64     `json:"rows"`
}

// Difference is a bin of which the API counts more rows than the ledger knows, or fewer.
type Difference struct {
	Start    time.Time `json:"start"`
	Counted  int64     `json:"counted"`
	Exported int64     `json:"exported"`
	Settled  int64     `json:"settled,omitempty"`
}

// Missing is how many of the counted rows were not exported.
func (d Difference) Missing() int64 { return d.Counted - d.Exported }

// Surplus is how many rows more were exported than counted.
func (d Difference) Surplus() int64 { return d.Exported - d.Counted }

// Ledger is what a dataset exported: counts by bin, and the runs that say which rows.
// The zero Ledger is empty. Its methods keep Bins in order, one of a Start, and Runs in
// the order of Start and Key, one of a Key.
type Ledger struct {
	Bins []Bin
	Runs []Run
}

// Clone returns a ledger that shares nothing with l.
func (l *Ledger) Clone() *Ledger {
	return &Ledger{Bins: slices.Clone(l.Bins), Runs: slices.Clone(l.Runs)}
}

// Add notes that rows more rows of the bin that holds start were exported.
func (l *Ledger) Add(start time.Time, rows int64) {
	if rows != 0 {
		l.bin(start).Exported += rows
	}
}

// AddRun lists a stored run. A run of the same key is replaced, for keys that count
// twice would hide as many rows that are new.
func (l *Ledger) AddRun(r Run) {
	l.Runs = slices.DeleteFunc(l.Runs, func(old Run) bool { return old.Key == r.Key })
	at, _ := slices.BinarySearchFunc(l.Runs, r, compareRuns)
	l.Runs = slices.Insert(l.Runs, at, r)
}

// Settle notes what the API counted in the bin that holds start when all of the bin was
// fetched again. Differ does not name the bin again before the API counts more.
func (l *Ledger) Settle(start time.Time, count int64) { l.bin(start).Settled = count }

// Exported sums the rows of the bins that begin in [from, to).
func (l *Ledger) Exported(from, to time.Time) int64 {
	var rows int64
	for at := l.search(from); at < len(l.Bins) && l.Bins[at].Start.Before(to); at++ {
		rows += l.Bins[at].Exported
	}
	return rows
}

// Differ returns, in order, the bins of which counts tells more rows than were exported
// and more than it told when the bin was last fetched again. Bins that end after until
// are left out, for their rows may not all have been due. Fewer rows than were exported
// is no difference: the service forgets.
func (l *Ledger) Differ(counts []hunting.Count, until time.Time) []Difference {
	var out []Difference
	for _, c := range counts {
		start := Start(Number(c.Start))
		d := Difference{Start: start, Counted: c.Rows}
		if at := l.search(start); at < len(l.Bins) && l.Bins[at].Start.Equal(start) {
			d.Exported, d.Settled = l.Bins[at].Exported, l.Bins[at].Settled
		}
		if d.Counted > max(d.Exported, d.Settled) && !start.Add(Width).After(until) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return a.Start.Compare(b.Start) })
	return out
}

// Over returns, in order, the bins of which more rows were exported than counts tells.
// Bins that do not lie in [from, to) as a whole are left out.
func (l *Ledger) Over(counts []hunting.Count, from, to time.Time) []Difference {
	counted := make(map[int64]int64, len(counts)) // bins without rows are not among them
	for _, c := range counts {
		counted[Number(c.Start)] = c.Rows
	}
	var out []Difference
	for at := l.search(from); at < len(l.Bins) && !l.Bins[at].Start.Add(Width).After(to); at++ {
		b := l.Bins[at]
		if d := (Difference{Start: b.Start, Counted: counted[Number(b.Start)], Exported: b.Exported, Settled: b.Settled}); d.Surplus() > 0 {
			out = append(out, d)
		}
	}
	return out
}

// NoteOver notes the surplus of the bins that begin in [from, to), which over has all of,
// and reports whether that is news.
func (l *Ledger) NoteOver(over []Difference, from, to time.Time) (news bool) {
	surplus := make(map[int64]int64, len(over))
	for _, d := range over {
		surplus[Number(d.Start)] = d.Surplus()
	}
	for at := l.search(from); at < len(l.Bins) && l.Bins[at].Start.Before(to); at++ {
		b := &l.Bins[at]
		if n := surplus[Number(b.Start)]; n != b.Surplus {
			b.Surplus, news = n, true
		}
	}
	return news
}

// Overlapping returns the runs that may hold keys of bins in [from, to).
func (l *Ledger) Overlapping(from, to time.Time) []Run {
	var out []Run
	for _, r := range l.Runs {
		if r.Start.Before(to) && r.End.After(from) {
			out = append(out, r)
		}
	}
	return out
}

// Prune forgets runs that end at keepRunsFrom or before, which it returns, and bins that
// end at keepBinsFrom or before.
func (l *Ledger) Prune(keepRunsFrom, keepBinsFrom time.Time) (dropped []Run) {
	l.Bins = slices.DeleteFunc(l.Bins, func(b Bin) bool { return !b.Start.Add(Width).After(keepBinsFrom) })
	l.Runs = slices.DeleteFunc(l.Runs, func(r Run) bool {
		old := !r.End.After(keepRunsFrom)
		if old {
			dropped = append(dropped, r)
		}
		return old
	})
	return dropped
}

// bin returns the bin that holds t, a new one if there is none.
func (l *Ledger) bin(t time.Time) *Bin {
	start := Start(Number(t))
	at := l.search(start)
	if at == len(l.Bins) || !l.Bins[at].Start.Equal(start) {
		l.Bins = slices.Insert(l.Bins, at, Bin{Start: start})
	}
	return &l.Bins[at]
}

// search returns the index of the first bin that begins at t or later.
func (l *Ledger) search(t time.Time) int {
	at, _ := slices.BinarySearchFunc(l.Bins, t, func(b Bin, t time.Time) int { return b.Start.Compare(t) })
	return at
}

func compareRuns(a, b Run) int {
	return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Key, b.Key))
}
