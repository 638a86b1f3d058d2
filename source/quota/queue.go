package quota

import (
	"cmp"
	"slices"
	"time"
)

// queue holds the queries that wait for their turn and says whose it is. Fair means:
//
//   - Every second turn is the waiter's whose window starts first. So the dataset that is
//     furthest behind gets half of the calls and catches up. A query without a window
//     counts as one that starts when it is first asked.
//   - The turns in between go round: to the dataset served longest ago, and within it to
//     the query that came first. So with n datasets waiting, each has a turn among any 2n.
type queue struct {
	waiting []*Waiter
	came    int64            // queries so far
	turns   int64            // turns so far
	served  map[string]int64 // by dataset: the number of its last turn
}

// Waiter is a query's place in the queue. The query keeps it until it is answered: a call
// that was refused does not go behind those that came later.
type Waiter struct {
	dataset string
	start   time.Time // of its window
	number  int64     // in the order of coming

	deadline time.Time  // of the caller; zero: none
	told     chan error // nil: it is its turn
}

// enqueue makes a place behind all the others.
func (q *queue) enqueue(dataset string, start, now time.Time) *Waiter {
	q.came++
	w := &Waiter{dataset: dataset, start: start, number: q.came}
	if w.start.IsZero() {
		w.start = now
	}
	return w
}

func (q *queue) join(w *Waiter) { q.waiting = append(q.waiting, w) }

// leave reports whether w was waiting until now.
func (q *queue) leave(w *Waiter) bool {
	i := slices.Index(q.waiting, w)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

// next takes the waiter out whose turn it is. There must be one.
func (q *queue) next() *Waiter {
	order := q.furthestBehind
	if q.turns%2 == 1 {
		order = q.servedLongestAgo
	}
	w := slices.MinFunc(q.waiting, order)
	q.leave(w)
	q.turns++
	q.served[w.dataset] = q.turns
	return w
}

func (q *queue) furthestBehind(a, b *Waiter) int {
	return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.number, b.number))
}

func (q *queue) servedLongestAgo(a, b *Waiter) int {
	return cmp.Or(cmp.Compare(q.served[a.dataset], q.served[b.dataset]), cmp.Compare(a.number, b.number))
}
