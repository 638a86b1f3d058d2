package pipeline

import (
	"slices"
	"testing"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// TestOthersAreTheRest: each hash is either in a given slice or in one of the others.
func TestOthersAreTheRest(t *testing.T) {
	for _, c := range []struct {
		given []hunting.Slice
		want  []hunting.Slice
	}{
		{[]hunting.Slice{{I: 0, N: 2}}, []hunting.Slice{{I: 1, N: 2}}},
		{[]hunting.Slice{{I: 0, N: 2}, {I: 1, N: 2}}, nil},
		{[]hunting.Slice{{I: 2, N: 4}}, []hunting.Slice{{I: 0, N: 4}, {I: 1, N: 2}}},
		{[]hunting.Slice{{I: 1, N: 4}, {I: 2, N: 4}}, []hunting.Slice{{I: 0, N: 4}, {I: 3, N: 4}}},
		{[]hunting.Slice{{I: 1, N: 2}, {I: 2, N: 8}}, []hunting.Slice{{I: 0, N: 4}, {I: 6, N: 8}}},
		{[]hunting.Slice{{I: 1, N: 3}}, []hunting.Slice{{I: 0, N: 3}, {I: 2, N: 3}}},
		{[]hunting.Slice{{I: 4, N: 6}}, []hunting.Slice{{I: 0, N: 3}, {I: 1, N: 6}, {I: 2, N: 3}}},
		{[]hunting.Slice{{I: 5, N: 6}, {I: 2, N: 12}}, []hunting.Slice{{I: 0, N: 3}, {I: 1, N: 3}, {I: 8, N: 12}}},
		{[]hunting.Slice{{I: 1, N: 3}, {I: 0, N: 2}}, []hunting.Slice{{I: 3, N: 6}, {I: 5, N: 6}}},
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
		slices.SortFunc(got, func(a, b hunting.Slice) int { return a.I*b.N - b.I*a.N })
		slices.SortFunc(c.want, func(a, b hunting.Slice) int { return a.I*b.N - b.I*a.N })
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.given, got, c.want)
		}
	}
}

// TestBesidesGaps: only ticks of the stretches are read, and nothing that is a gap anyhow.
func TestBesidesGaps(t *testing.T) {
	at := func(n int) hunting.Window {
		start := time.Unix(int64(n), 0).UTC()
		return hunting.Window{Start: start, End: start.Add(hunting.Tick)}
	}
	gaps := []state.Gap{
		{Window: at(1), N: 2},
		{Window: at(2)},
		{Window: at(3), I: 1, N: 2},
		{Window: at(5), N: 2},
		{Window: at(3), I: 0, N: 4, Late: true},
		{Window: at(5), Late: true},
	}
	got := besides(gaps, []hunting.Window{{Start: at(2).Start, End: at(6).End}})
	if want := []hunting.Part{{Window: at(3), Slice: hunting.Slice{I: 2, N: 4}}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
