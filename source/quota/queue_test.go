package quota

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var midnight = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func minutes(n int) time.Time { return midnight.Add(time.Duration(n) * time.Minute) }

// placeOf names a dataset, and the start of a window: none if it is negative.
func placeOf(dataset, start int) (string, time.Time) {
	if start < 0 {
		return fmt.Sprint("dataset ", dataset), time.Time{}
	}
	return fmt.Sprint("dataset ", dataset), minutes(start)
}

func come(q *queue, dataset, start int, now time.Time) {
	name, at := placeOf(dataset, start)
	q.join(q.enqueue(name, at, now))
}

// TestNoDatasetStarves: with n datasets that always wait, each has a turn among any 2n,
// whichever windows they and others ask for.
func TestNoDatasetStarves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(rt, "datasets")
		draw := rapid.IntRange(-1, 50)
		q := queue{served: map[string]int64{}}
		now := minutes(100)
		for i := range n {
			for range rapid.IntRange(1, 3).Draw(rt, "waiters") {
				come(&q, i, draw.Draw(rt, "start"), now)
			}
		}
		last := make([]int, n)
		for i := range 6 * n {
			w := q.next()
			var d int
			if _, err := fmt.Sscan(w.dataset[len("dataset "):], &d); err != nil {
				rt.Fatal(err)
			}
			last[d] = i + 1
			for d, at := range last {
				if i+1-at >= 2*n {
					rt.Fatalf("dataset %d had no turn among %d", d, 2*n)
				}
			}
			come(&q, d, draw.Draw(rt, "next start"), now)
		}
	})
}

func TestFurthestBehindGetsHalf(t *testing.T) {
	t.Parallel()
	for n := 2; n <= 6; n++ {
		q := queue{served: map[string]int64{}}
		for i := range n {
			come(&q, i, 60-10*i, minutes(0)) // the last one is furthest behind
		}
		behind := 0
		const turns = 120
		for range turns {
			w := q.next()
			if w.dataset == fmt.Sprint("dataset ", n-1) {
				behind++
			}
			w.start = w.start.Add(time.Second)
			q.join(w)
		}
		if behind != turns/2 {
			t.Errorf("of %d datasets the one furthest behind got %d of %d turns", n, behind, turns)
		}
	}
}

func TestTurnsFollowTheRules(t *testing.T) {
	t.Parallel()
	q := queue{served: map[string]int64{}}
	for _, p := range [][2]int{
		{1, 30},
		{1, 10},
		{1, 20}, // not in the order of windows
		{2, 40},
		{2, 45},
		{3, -1}, // a count: it is now 00:50
		{4, 55},
	} {
		come(&q, p[0], p[1], minutes(50))
	}
	var got string
	for len(q.waiting) > 0 {
		w := q.next()
		got += fmt.Sprintf("%s %s\n", w.dataset[len("dataset "):], w.start.Format("15:04"))
	}
	want := `1 00:10
2 00:40
1 00:20
3 00:50
1 00:30
4 00:55
2 00:45
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
