package pipeline

import (
	"math/bits"
	"slices"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// besides are the parts of stretches that lie beside gaps of slices: what of the same ticks
// is no gap.
func besides(gaps []state.Gap, stretches []hunting.Window) (parts []hunting.Part) {
	sliced := map[hunting.Window][]hunting.Slice{}
	for _, g := range gaps {
		if g.N > 1 {
			sliced[g.Window] = append(sliced[g.Window], hunting.Slice{I: g.I, N: g.N})
		}
	}
	for tick, lacking := range sliced {
		left := []hunting.Window{tick}
		for _, g := range gaps {
			if g.N <= 1 {
				left = state.Minus(left, g.Window)
			}
		}
		within := func(s hunting.Window) bool { return !tick.Start.Before(s.Start) && !tick.End.After(s.End) }
		if len(left) == 0 || !slices.ContainsFunc(stretches, within) {
			continue
		}
		for _, s := range others(lacking) {
			parts = append(parts, hunting.Part{Window: tick, Slice: s})
		}
	}
	return parts
}

// others are the slices that make up the whole together with the given ones, as few as they
// come in.
func others(given []hunting.Slice) []hunting.Slice {
	n := 1 // halved often enough, a slice of n lies in a given one or beside all
	for _, g := range given {
		if odd := g.N >> bits.TrailingZeros(uint(g.N)); n%odd != 0 {
			n *= odd
		}
	}
	var out []hunting.Slice
	for i := range n {
		out = append(out, without(hunting.Slice{I: i, N: n}, given)...)
	}
	return out
}

// without is a slice, halved as long as it holds more than one of the given ones.
func without(s hunting.Slice, given []hunting.Slice) []hunting.Slice {
	meets := false
	for _, g := range given {
		if s.N%g.N == 0 && s.I%g.N == g.I {
			return nil
		}
		meets = meets || (s.I-g.I)%common(s.N, g.N) == 0
	}
	if !meets {
		return []hunting.Slice{s}
	}
	return append(without(hunting.Slice{I: s.I, N: 2 * s.N}, given), without(hunting.Slice{I: s.I + s.N, N: 2 * s.N}, given)...)
}

// common is the greatest common divisor.
func common(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
