package ledger_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/ledger"
)

// model is a ledger as plainly as can be.
type model struct {
	exported, settled map[int64]int64
	runs              map[string]ledger.Run
}

func drawTime(t *rapid.T, label string) time.Time {
	return at(12, 0).Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, label)) * 5 * time.Minute)
}

func drawLedger(t *rapid.T) (*ledger.Ledger, model) {
	l := &ledger.Ledger{}
	m := model{exported: map[int64]int64{}, settled: map[int64]int64{}, runs: map[string]ledger.Run{}}
	for range rapid.IntRange(0, 30).Draw(t, "steps") {
		when := drawTime(t, "when")
		n := rapid.Int64Range(0, 9).Draw(t, "rows")
		switch rapid.IntRange(0, 2).Draw(t, "step") {
		case 0:
			l.Add(when, n)
			m.exported[ledger.Number(when)] += n
		case 1:
			l.Settle(when, n)
			m.settled[ledger.Number(when)] = n
		case 2:
			first := ledger.Number(when)
			run := ledger.Run{
				Key: fmt.Sprintf("seen/<%d>", rapid.IntRange(0, 5).Draw(t, "key")), SHA256: "ab",
				Start: ledger.Start(first), End: ledger.Start(first + 1 + n), Rows: 1 + n,
			}
			l.AddRun(run)
			m.runs[run.Key] = run
		}
	}
	return l, m
}

func TestLedgerIsWhatWasAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, m := drawLedger(t)
		from, to := drawTime(t, "from"), drawTime(t, "to")
		var want int64
		for n, rows := range m.exported {
			if start := ledger.Start(n); !start.Before(from) && start.Before(to) {
				want += rows
			}
		}
		if got := l.Exported(from, to); got != want {
			t.Fatalf("%d rows from %s to %s, want %d", got, from, to, want)
		}
		runs := slices.SortedFunc(maps.Values(m.runs), byStart)
		if diff := cmp.Diff(runs, l.Runs, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		apart := slices.DeleteFunc(runs, func(r ledger.Run) bool { return !r.Start.Before(to) || !r.End.After(from) })
		if diff := cmp.Diff(apart, l.Overlapping(from, to), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestDifferIsWhereMoreIsCountedThanKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, m := drawLedger(t)
		until := drawTime(t, "until")
		var counts []hunting.Count
		var want []ledger.Difference
		for n := ledger.Number(at(6, 0)); n < ledger.Number(at(18, 0)); n++ {
			c := hunting.Count{Start: ledger.Start(n), Rows: rapid.Int64Range(0, 12).Draw(t, "counted")}
			counts = append(counts, c)
			if c.Rows > m.exported[n] && c.Rows > m.settled[n] && !ledger.Start(n+1).After(until) {
				want = append(want, ledger.Difference{Start: c.Start, Counted: c.Rows, Exported: m.exported[n], Settled: m.settled[n]})
			}
		}
		counts = rapid.Permutation(counts).Draw(t, "counts")
		got := l.Differ(counts, until)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		for _, d := range got {
			l.Add(d.Start, d.Missing())
		}
		if rest := l.Differ(counts, until); len(rest) > 0 {
			t.Fatalf("%v differ after what was missing was exported", rest)
		}
	})
}

// TestOverIsWhereMoreIsKnownThanCounted: bins that nothing is counted of are not told apart
// from those of which 0 are. What is noted is in the stored ledger, and gone once it is no
// longer so.
func TestOverIsWhereMoreIsKnownThanCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, m := drawLedger(t)
		from, to := drawTime(t, "from"), drawTime(t, "to")
		var counts []hunting.Count
		var want []ledger.Difference
		noted := map[int64]int64{}
		for n := ledger.Number(at(6, 0)); n < ledger.Number(at(18, 0)); n++ {
			rows := rapid.Int64Range(0, 12).Draw(t, "counted")
			if rows > 0 {
				counts = append(counts, hunting.Count{Start: ledger.Start(n), Rows: rows})
			}
			if rows < m.exported[n] && !ledger.Start(n).Before(from) && !ledger.Start(n+1).After(to) {
				want = append(want, ledger.Difference{Start: ledger.Start(n), Counted: rows, Exported: m.exported[n], Settled: m.settled[n]})
				noted[n] = m.exported[n] - rows
			}
		}
		over := l.Over(rapid.Permutation(counts).Draw(t, "counts"), from, to)
		if diff := cmp.Diff(want, over, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if news := l.NoteOver(over, from, to); news != (len(noted) > 0) || l.NoteOver(over, from, to) {
			t.Fatalf("news: %v, though %d bins are over", news, len(noted))
		}
		stored, err := ledger.Decode(l.Encode())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range stored.Bins {
			if n := ledger.Number(b.Start); b.Surplus != noted[n] {
				t.Fatalf("%+v, want %d", b, noted[n])
			}
		}
		if l.NoteOver(nil, from, to) != (len(noted) > 0) || l.NoteOver(nil, from, to) {
			t.Fatal("what is over no longer is not news, or is news twice")
		}
	})
}

func TestASettledBinDiffersAgainWhenMoreIsCounted(t *testing.T) {
	var l ledger.Ledger
	l.Add(at(1, 0), 5)
	count := func(n int64) []hunting.Count { return []hunting.Count{{Start: at(1, 0), Rows: n}} }
	if got := l.Differ(count(8), at(2, 0)); len(got) != 1 || got[0].Missing() != 3 {
		t.Fatalf("differing: %v", got)
	}
	l.Settle(at(1, 0), 8)
	if got := l.Differ(count(8), at(2, 0)); len(got) != 0 {
		t.Errorf("settled, yet differing: %v", got)
	}
	if got := l.Differ(count(9), at(2, 0)); len(got) != 1 {
		t.Errorf("one row more, and differing: %v", got)
	}
	if got := l.Differ(count(9), at(1, 14)); len(got) != 0 {
		t.Errorf("the bin is not over, yet differing: %v", got)
	}
	if got := l.Differ(count(9), at(1, 15)); len(got) != 1 {
		t.Errorf("the bin is just over, and differing: %v", got)
	}
}

func TestPruneForgetsWhatEndedBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, _ := drawLedger(t)
		old := l.Clone()
		runsFrom, binsFrom := drawTime(t, "runs from"), drawTime(t, "bins from")
		dropped := l.Prune(runsFrom, binsFrom)
		var kept, gone []ledger.Run
		for _, r := range old.Runs {
			if r.End.After(runsFrom) {
				kept = append(kept, r)
			} else {
				gone = append(gone, r)
			}
		}
		if diff := cmp.Diff(kept, l.Runs, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(gone, dropped, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		bins := slices.DeleteFunc(old.Bins, func(b ledger.Bin) bool { return !b.Start.Add(ledger.Width).After(binsFrom) })
		if diff := cmp.Diff(bins, l.Bins, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestACloneIsApart(t *testing.T) {
	var l ledger.Ledger
	l.Add(at(1, 0), 5)
	l.AddRun(ledger.Run{Key: "a", Start: at(1, 0), End: at(2, 0), Rows: 5})
	c := l.Clone()
	c.Add(at(1, 0), 1)
	c.AddRun(ledger.Run{Key: "a", Start: at(3, 0), End: at(4, 0), Rows: 1})
	if l.Bins[0].Exported != 5 || l.Runs[0].Rows != 5 {
		t.Errorf("%v changed with its clone", l)
	}
}

func TestLedgerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, _ := drawLedger(t)
		data := l.Encode()
		got, err := ledger.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if again := got.Encode(); !bytes.Equal(data, again) {
			t.Fatalf("%s and %s are of the same ledger", data, again)
		}
	})
}

// The form of ledgers that are stored already.
func TestLedgerForm(t *testing.T) {
	var l ledger.Ledger
	l.Add(at(1, 0), 5)
	l.Add(at(0, 30), 7)
	l.Settle(at(1, 0), 9)
	l.AddRun(ledger.Run{Key: "seen/T/a-0", SHA256: "00ff", Start: at(0, 30), End: at(1, 15), Rows: 12})
	const want = `{"version":1,"bins":[[1986914,7,0],[2,5,9]],` +
		`"runs":[{"key":"seen/T/a-0","sha256":"00ff","start":1986914,"end":1986917,"rows":12}]}`
	if got := string(l.Encode()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"nothing":                 {``, "unexpected end"},
		"a cut ledger":            {`{"version":1,"bins":[[1,2,`, "unexpected end"},
		"a newer version":         {`{"version":2,"bins":{}}`, "version 2"},
		"no version":              {`{}`, "version 0"},
		"bins out of order":       {`{"version":1,"bins":[[5,1,0],[-1,1,0]]}`, "bin 1 "},
		"a bin twice":             {`{"version":1,"bins":[[5,1,0],[0,1,0]]}`, "bin 1 "},
		"a bin before all time":   {`{"version":1,"bins":[[-100000000,1,0]]}`, "bin 0 "},
		"a bin after all time":    {`{"version":1,"bins":[[281000000,1,0],[1000000,1,0]]}`, "bin 1 "},
		"a bin far out":           {`{"version":1,"bins":[[1,1,0],[9223372036854775807,1,0]]}`, "bin 1 "},
		"less than no rows":       {`{"version":1,"bins":[[5,-1,0]]}`, "-1 rows"},
		"settled below nothing":   {`{"version":1,"bins":[[5,1,-3]]}`, "-3 settled"},
		"a surplus of no bin":     {`{"version":1,"bins":[[5,1,0]],"surplus":[[1,1]]}`, "bin 1 of 1"},
		"a surplus of nothing":    {`{"version":1,"bins":[[5,1,0]],"surplus":[[0,0]]}`, "0 rows"},
		"a run without key":       {`{"version":1,"runs":[{"start":1,"end":2,"rows":1}]}`, "run 0"},
		"a run without rows":      {`{"version":1,"runs":[{"key":"a","start":1,"end":2}]}`, "run 0"},
		"a run that ends first":   {`{"version":1,"runs":[{"key":"a","start":2,"end":2,"rows":1}]}`, "run 0"},
		"a run before all time":   {`{"version":1,"runs":[{"key":"a","start":-100000000,"end":2,"rows":1}]}`, "run 0"},
		"a run beyond all time":   {`{"version":1,"runs":[{"key":"a","start":2,"end":300000000,"rows":1}]}`, "run 0"},
		"a run twice":             {`{"version":1,"runs":[{"key":"a","start":1,"end":2,"rows":1},{"key":"a","start":1,"end":2,"rows":1}]}`, "twice"},
		"runs that are no order":  {`{"version":1,"runs":[{"key":"a","start":2,"end":3,"rows":1},{"key":"b","start":1,"end":2,"rows":1}]}`, "out of order"},
		"something behind it all": {`{"version":1}{}`, "after top-level"},
	} {
		l, err := ledger.Decode([]byte(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var l ledger.Ledger
	l.Add(at(1, 0), 5)
	l.AddRun(ledger.Run{Key: "a", Start: at(1, 0), End: at(2, 0), Rows: 5})
	f.Add(l.Encode())
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ledger.Decode(data)
		if err != nil {
			return
		}
		again, err := ledger.Decode(l.Encode())
		if err != nil {
			t.Fatalf("encoded again: %v", err)
		}
		if diff := cmp.Diff(l, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func byStart(a, b ledger.Run) int {
	if c := a.Start.Compare(b.Start); c != 0 {
		return c
	}
	return strings.Compare(a.Key, b.Key)
}
