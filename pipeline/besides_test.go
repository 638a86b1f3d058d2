package pipeline

import (
	"slices"
	"testing"
	"time"

	"hunting-exporter/state"
)

// TestOthersAreTheRest: each hash is either in a given slice or in one of the others.
func TestOthersAreTheRest(t *testing.T) {
	for _, c := range []struct {
		given []Slice
		want  []Slice
	}{
		{[]Slice{{0, 2}}, []Slice{{1, 2}}},
		{[]Slice{{0, 2}, {1, 2}}, nil},
		{[]Slice{{2, 4}}, []Slice{{0, 4}, {1, 2}}},
		{[]Slice{{1, 4}, {2, 4}}, []Slice{{0, 4}, {3, 4}}},
		{[]Slice{{1, 2}, {2, 8}}, []Slice{{0, 4}, {6, 8}}},
		{[]Slice{{1, 3}}, []Slice{{0, 3}, {2, 3}}},
		{[]Slice{{4, 6}}, []Slice{{0, 3}, {1, 6}, {2, 3}}},
		{[]Slice{{5, 6}, {2, 12}}, []Slice{{0, 3}, {1, 3}, {8, 12}}},
		{[]Slice{{1, 3}, {0, 2}}, []Slice{{3, 6}, {5, 6}}},
	} {
		got := others(c.given)
		for hash := range 48 {
			in := 0
			for _, s := range slices.Concat(got, c.given) {
				if hash%s.N == s.I {
					in++
				}
			}
			if double := hash%6 == 4 && c.given[0].N == 3; in != 1 && !double { // given twice
				t.Errorf("%v: hash %d is in %d of %v", c.given, hash, in, got)
			}
		}
		slices.SortFunc(got, func(a, b Slice) int { return a.I*b.N - b.I*a.N })
		slices.SortFunc(c.want, func(a, b Slice) int { return a.I*b.N - b.I*a.N })
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.given, got, c.want)
		}
	}
}

// TestBesidesGaps: only ticks of the stretches are read, and nothing that is a gap anyhow.
func TestBesidesGaps(t *testing.T) {
	at := func(n int) state.Stretch {
		start := time.Unix(int64(n), 0).UTC()
		return state.Stretch{Start: start, End: start.Add(Tick)}
	}
	gaps := []state.Gap{
		{Stretch: at(1), N: 2},
		{Stretch: at(2)},
		{Stretch: at(3), I: 1, N: 2},
		{Stretch: at(5), N: 2},
		{Stretch: at(3), I: 0, N: 4, Late: true},
		{Stretch: at(5), Late: true},
	}
	got := besides(gaps, []state.Stretch{{Start: at(2).Start, End: at(6).End}})
	if want := []Part{{Window: Window(at(3)), Slice: Slice{I: 2, N: 4}}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
