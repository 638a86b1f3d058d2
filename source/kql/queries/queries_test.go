package queries_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

var (
	queries = flag.Int("queries", 2000, "how many queries are drawn")
	goOn    = flag.Bool("queries.all", false, "count what is wrong instead of ending at the first")
)

// Shares in a hundred that must be reached.
const (
	wantAccepted = 95 // of the queries that are exact
	mayBeUnknown = 4  // of all, to the evaluator
)

const datasets = 32

// TestQueries: of each query that the judge accepts, the rows of the whole range are those
// of its windows, however it is cut; and it accepts most of those that are so.
func TestQueries(t *testing.T) {
	var all []*dataset
	for seed := range uint64(datasets) {
		all = append(all, newDataset(seed))
	}
	y := &tally{unknown: map[string]*found{}, refused: map[string]*found{}, wrong: map[string]*found{}, kinds: map[string]*kindTally{}}
	workers := runtime.GOMAXPROCS(0)
	if err := errors.Join(flag.Set("rapid.checks", strconv.Itoa(max(1, *queries/workers))), flag.Set("rapid.shrinktime", "10s")); err != nil {
		t.Fatal(err)
	}
	t.Run("drawn", func(t *testing.T) {
		for i := range workers {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) {
					if failed := y.failed.Load(); failed == 0 || failed == int64(i+1) { // one is enough to look into
						y.query(t, i, all)
					}
				})
			})
		}
	})
	fmt.Println(y)
	if n := y.count(y.unknown); 100*n > mayBeUnknown*y.drawn {
		t.Errorf("the evaluator knows %d of %d queries not: more than %d in 100", n, y.drawn, mayBeUnknown)
	}
	if 100*y.accepted < wantAccepted*y.exact {
		t.Errorf("%d of %d exact queries are accepted: want %d in 100", y.accepted, y.exact, wantAccepted)
	}
}

// query draws one and compares what the judge says with what the evaluator answers.
func (y *tally) query(t *rapid.T, worker int, all []*dataset) {
	q := draw(t)
	first := rapid.IntRange(0, len(all)-1).Draw(t, "dataset")
	few, many := trials(all, first, 3, 2), trials(all, first+3, datasets-3, 2)
	refused := judged(q)
	strict := !q.is("together") && !q.is("window") && (len(refused) > 0 || len(q.faults) == 0)
	full, err := try(q, false, strict, few)
	tried := len(few)
	if err == nil && len(refused) > 0 { // a refused query is exact only if nothing shows that it is not
		var more int
		more, err = try(q, false, strict, many)
		full, tried = full+more, tried+len(many)
	}
	var belted error
	if err != nil && !unknown(err) && !q.is("aggregate") && !q.is("window") {
		if _, belted = try(q, true, strict, few); belted == nil {
			_, belted = try(q, true, strict, many[:8])
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.drawn++
	switch {
	case unknown(err):
		y.note(y.unknown, place.ReplaceAllString(err.Error(), ""), q)
	case err != nil:
		y.inexact(t, worker, q, len(refused) == 0, err, belted)
	case q.is("design"):
		if len(refused) == 0 && !q.is("aggregate") {
			y.fail(t, worker, q, errors.New("accepted, though later rows change what was answered"))
		}
	case full*3 < tried:
		y.empty++
	case len(refused) == 0:
		y.exact++
		y.accepted++
	case (q.is("window") || q.is("together")) && len(q.faults) > 0: // cannot be told from what is wanted
	default:
		y.exact++
		y.note(y.refused, place.ReplaceAllString(refused[0], ""), q)
	}
}

// trials are some of the datasets, and some ways to cut each.
func trials(all []*dataset, first, n, cuts int) (out []trial) {
	for i := range n {
		d := all[(first+i)%len(all)]
		from := (first + i) % (cutsPerDataset - cuts + 1)
		out = append(out, trial{d, d.cuts[from : from+cuts]})
	}
	return out
}

// inexact notes a query of which some data show that it is not exact.
func (y *tally) inexact(t *rapid.T, worker int, q drawn, accepted bool, err, belted error) {
	k := y.kinds[q.kind()]
	if k == nil {
		k = &kindTally{}
		y.kinds[q.kind()] = k
	}
	k.drawn++
	if q.is("aggregate") || belted != nil && !unknown(belted) && !errors.As(belted, &untimedError{}) {
		k.belt++
	}
	if accepted {
		k.proof++
		y.fail(t, worker, q, err)
	}
}

// tally is what was found.
type tally struct {
	mu                            sync.Mutex
	failed                        atomic.Int64 // the worker that found something wrong, from 1
	drawn, exact, accepted, empty int
	unknown, refused, wrong       map[string]*found
	kinds                         map[string]*kindTally
}

// kindTally is how many queries of a kind are not exact, and how many of them the belt
// alone lets through, and how many the proof alone.
type kindTally struct{ drawn, belt, proof int }

// found is how often something was found, and the shortest example.
type found struct {
	times   int
	example string
}

var place = regexp.MustCompile(`( at)? line \d+(, column \d+)?[:.]?|^line \d+: |\d+`)

func (y *tally) note(of map[string]*found, what string, q drawn) {
	f := of[what]
	if f == nil {
		f = &found{}
		of[what] = f
	}
	f.times++
	if f.example == "" || len(q.text) < len(f.example) {
		f.example = q.text
	}
}

// fail ends the test with a query that is accepted and should not be.
func (y *tally) fail(t *rapid.T, worker int, q drawn, why error) {
	if !*goOn {
		y.failed.CompareAndSwap(0, int64(worker+1))
		t.Fatalf("accepted, but %v\nwrong on purpose: %q; %v\n%s\n", why, q.faults, q.words, q.text)
	}
	y.note(y.wrong, why.Error(), q)
}

func (y *tally) count(of map[string]*found) (n int) {
	for _, f := range of {
		n += f.times
	}
	return n
}

func (y *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d queries: %d not known to the evaluator, %d with too few rows to tell; %d exact, of which %d are accepted (%.1f %%); %d accepted wrongly.\n",
		y.drawn, y.count(y.unknown), y.empty, y.exact, y.accepted, 100*float64(y.accepted)/float64(max(1, y.exact)), y.count(y.wrong))
	list(&b, "not known to the evaluator", y.unknown)
	list(&b, "exact, but refused", y.refused)
	list(&b, "accepted wrongly", y.wrong)
	b.WriteString("\n| Queries that are not exact | drawn | let through by the belt alone | by the proof alone |\n|---|---|---|---|\n")
	sum := kindTally{}
	for _, name := range slices.Sorted(maps.Keys(y.kinds)) {
		k := y.kinds[name]
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", name, k.drawn, k.belt, k.proof)
		sum = kindTally{sum.drawn + k.drawn, sum.belt + k.belt, sum.proof + k.proof}
	}
	fmt.Fprintf(&b, "| all | %d | %d | %d |\n", sum.drawn, sum.belt, sum.proof)
	return b.String()
}

func list(b *strings.Builder, title string, of map[string]*found) {
	if len(of) == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", title)
	keys := slices.SortedFunc(maps.Keys(of), func(x, y string) int { return of[y].times - of[x].times })
	for _, k := range keys[:min(len(keys), 25)] {
		fmt.Fprintf(b, "%6d %s\n      %s\n", of[k].times, k, strings.ReplaceAll(of[k].example, "\n", "\n      "))
	}
}
