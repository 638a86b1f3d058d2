package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// version of the ledger's form. An older exporter must not read a newer one's ledger.
const version = 1

// document is a ledger as JSON. Bins and ranges go by number, each bin as the distance
// to the one before: a month of quarter hours takes some 30 kB instead of 200.
type document struct {
	Version int        `json:"version"`
	Bins    [][3]int64 `json:"bins"` // bins since the one before (the first: since 1970), exported, settled
	Runs    []run      `json:"runs"`
	Surplus [][2]int64 `json:"surplus,omitempty"` // index of the bin, rows
}

type run struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	Rows   int64  `json:"rows"`
}

// Encode returns the ledger as JSON: the same bytes for the same ledger.
func (l *Ledger) Encode() []byte {
	doc := document{Version: version, Bins: make([][3]int64, len(l.Bins)), Runs: make([]run, len(l.Runs))}
	var last int64
	for i, b := range l.Bins {
		n := Number(b.Start)
		doc.Bins[i] = [3]int64{n - last, b.Exported, b.Settled}
		last = n
		if b.Surplus > 0 {
			doc.Surplus = append(doc.Surplus, [2]int64{int64(i), b.Surplus})
		}
	}
	for i, r := range l.Runs {
		doc.Runs[i] = run{Key: r.Key, SHA256: r.SHA256, Start: Number(r.Start), End: after(r.End), Rows: r.Rows}
	}
	data, _ := json.Marshal(doc) // numbers and strings: it cannot fail
	return data
}

// Decode reads what Encode wrote. A ledger out of order or range is an error: counts
// that are wrong would call complete what is not.
func Decode(data []byte) (*Ledger, error) {
	var head struct { // first, since another version may have any form
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, damaged(err)
	}
	if head.Version != version {
		return nil, fmt.Errorf("decode ledger: version %d, but this exporter reads version %d: run the exporter that wrote it, or a newer one", head.Version, version)
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, damaged(err)
	}
	l := &Ledger{Bins: make([]Bin, len(doc.Bins)), Runs: make([]Run, len(doc.Runs))}
	if err := l.setBins(doc.Bins); err != nil {
		return nil, damaged(err)
	}
	for _, s := range doc.Surplus {
		if s[0] < 0 || s[0] >= int64(len(l.Bins)) || s[1] <= 0 {
			return nil, damaged(fmt.Errorf("bin %d of %d has %d rows that the API did not count", s[0], len(l.Bins), s[1]))
		}
		l.Bins[s[0]].Surplus = s[1]
	}
	if err := l.setRuns(doc.Runs); err != nil {
		return nil, damaged(err)
	}
	return l, nil
}

func damaged(err error) error {
	return fmt.Errorf("decode ledger: %w; restore an earlier version of the object", err)
}

// The bins of the years 1 to 9999, which is what a datetime can hold.
var (
	firstNumber = Number(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	lastNumber  = Number(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))
)

func (l *Ledger) setBins(bins [][3]int64) error {
	var n int64
	for i, b := range bins {
		if i > 0 && (b[0] <= 0 || b[0] > lastNumber) || i == 0 && b[0] < firstNumber {
			return fmt.Errorf("bin %d is %d bins from the one before", i, b[0])
		}
		n += b[0]
		if n > lastNumber || b[1] < 0 || b[2] < 0 {
			return fmt.Errorf("bin %d has number %d, %d rows exported and %d settled", i, n, b[1], b[2])
		}
		l.Bins[i] = Bin{Start: Start(n), Exported: b[1], Settled: b[2]}
	}
	return nil
}

func (l *Ledger) setRuns(runs []run) error {
	keys := make(map[string]bool, len(runs))
	for i, r := range runs {
		if r.Key == "" || keys[r.Key] || r.Rows <= 0 || r.Start < firstNumber || r.Start >= r.End || r.End > lastNumber+1 {
			return fmt.Errorf("run %d, %q, has bins %d to %d and %d rows, or is there twice", i, r.Key, r.Start, r.End, r.Rows)
		}
		keys[r.Key] = true
		l.Runs[i] = Run{Key: r.Key, SHA256: r.SHA256, Start: Start(r.Start), End: Start(r.End), Rows: r.Rows}
	}
	if !slices.IsSortedFunc(l.Runs, compareRuns) {
		return fmt.Errorf("its %d runs are out of order", len(runs))
	}
	return nil
}
