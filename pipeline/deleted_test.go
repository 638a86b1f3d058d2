package pipeline_test

import (
	"slices"
	"testing"
	"testing/synctest"
)

// TestDeletedTopic: the run after its topic was deleted says how many events are gone, the
// next ones do not. The lake keeps all rows, and what is new is sent.
func TestDeletedTopic(t *testing.T) {
	for _, m := range modes[1:] {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 60)
				w.atLeast = m.least
				run := func(want ...int64) {
					t.Helper()
					if r := export(t.Context(), m.exporter(w, &client{w: w}, "run")); r.Err != nil {
						t.Fatal(r.Err)
					}
					if !slices.Equal(w.gone, want) {
						t.Errorf("said to be gone: %d, want %d", w.gone, want)
					}
				}
				run()
				run()
				w.truth = 70
				run()
				w.deleted, w.kafka = true, map[int]int{}
				for _, co := range w.broker { // the broker forgets offsets of a topic that is deleted
					co.marker, co.stale = nil, nil
				}
				w.truth = 100
				run(70)
				run(70)
				w.kafka = map[int]int{}
				for _, co := range w.broker {
					co.marker, co.stale = nil, nil
				}
				run(70, 30)
				if len(w.faults) > 0 {
					t.Error(w.faults)
				}
			})
		})
	}
}

// TestNoTopicToCompare: another topic or cluster than before, or one that does not tell,
// is no deleted one.
func TestNoTopicToCompare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 60)
		kafka := modes[1]
		if r := export(t.Context(), kafka.exporter(w, &client{w: w}, "first")); r.Err != nil {
			t.Fatal(r.Err)
		}
		w.kafka = map[int]int{}
		w.mute = true
		if r := export(t.Context(), kafka.exporter(w, &client{w: w}, "mute")); r.Err != nil || len(w.faults) > 0 {
			t.Errorf("%v, %v", r.Err, w.faults)
		}
		w.mute, w.topic = false, "siem."+dataset
		if r := export(t.Context(), kafka.exporter(w, &client{w: w}, "other")); r.Err != nil || len(w.faults) > 0 {
			t.Errorf("%v, %v", r.Err, w.faults)
		}
	})
}
