package pipeline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// TestGapsAreJoined: gaps that make up a larger one are kept as one, so that their number
// stays within bounds, and no others.
func TestGapsAreJoined(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0).UTC() }
	gap := func(from, to, i, n int) state.Gap {
		return state.Gap{Window: hunting.Window{Start: at(from), End: at(to)}, I: i, N: n}
	}
	for name, tt := range map[string]struct{ gaps, want []state.Gap }{
		"adjoining":           {[]state.Gap{gap(2, 3, 0, 0), gap(1, 2, 0, 0), gap(5, 6, 0, 0)}, []state.Gap{gap(1, 3, 0, 0), gap(5, 6, 0, 0)}},
		"both halves":         {[]state.Gap{gap(1, 2, 1, 2), gap(1, 2, 0, 2)}, []state.Gap{gap(1, 2, 0, 0)}},
		"halves of one third": {[]state.Gap{gap(1, 2, 1, 6), gap(1, 2, 4, 6), gap(1, 2, 2, 3)}, []state.Gap{gap(1, 2, 1, 3), gap(1, 2, 2, 3)}},
		"all of it":           {[]state.Gap{gap(1, 2, 1, 6), gap(1, 2, 4, 6), gap(1, 2, 2, 3), gap(1, 2, 0, 3), gap(2, 3, 0, 0)}, []state.Gap{gap(1, 3, 0, 0)}},
		"no siblings":         {[]state.Gap{gap(1, 2, 0, 4), gap(1, 2, 1, 4), gap(2, 3, 0, 2)}, []state.Gap{gap(1, 2, 0, 4), gap(1, 2, 1, 4), gap(2, 3, 0, 2)}},
	} {
		if d := cmp.Diff(tt.want, joined(tt.gaps)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
