package pipeline

import (
	"math/bits"
	"slices"

	"hunting-exporter/state"
)

// besides are the parts of stretches that lie beside gaps of slices: what of the same ticks
// is no gap.
func besides(gaps []state.Gap, stretches []state.Stretch) (parts []Part) {
	sliced := map[state.Stretch][]Slice{}
	for _, g := range gaps {
		if g.N > 1 {
			sliced[g.Stretch] = append(sliced[g.Stretch], Slice{I: g.I, N: g.N})
		}
	}
	for tick, lacking := range sliced {
		left := []state.Stretch{tick}
		for _, g := range gaps {
			if g.N <= 1 {
				left = state.Minus(left, g.Stretch)
			}
		}
		within := func(s state.Stretch) bool { return !tick.Start.Before(s.Start) && !tick.End.After(s.End) }
		if len(left) == 0 || !slices.ContainsFunc(stretches, within) {
			continue
		}
		for _, s := range others(lacking) {
			parts = append(parts, Part{Window: Window(tick), Slice: s})
		}
	}
	return parts
}

// others are the slices that make up the whole together with the given ones, as few as they
// come in.
func others(given []Slice) []Slice {
	n := 1 // halved often enough, a slice of n lies in a given one or beside all
	for _, g := range given {
		if odd := g.N >> bits.TrailingZeros(uint(g.N)); n%odd != 0 {
			n *= odd
		}
	}
	var out []Slice
	for i := range n {
		out = append(out, without(Slice{I: i, N: n}, given)...)
	}
	return out
}

// without is a slice, halved as long as it holds more than one of the given ones.
func without(s Slice, given []Slice) []Slice {
	meets := false
	for _, g := range given {
		if s.N%g.N == 0 && s.I%g.N == g.I {
			return nil
		}
		meets = meets || (s.I-g.I)%common(s.N, g.N) == 0
	}
	if !meets {
		return []Slice{s}
	}
	return append(without(Slice{I: s.I, N: 2 * s.N}, given), without(Slice{I: s.I + s.N, N: 2 * s.N}, given)...)
}

// common is the greatest common divisor.
func common(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
