package tenant

// countable says whether groups are plain numbers of a table's rows, all of them or
// by bin of a clock: such are counted without making cells.
func countable(rel *relation, by []relColumn, aggs []agg) bool {
	for _, a := range aggs {
		if a.name != "count" {
			return false
		}
	}
	return rel.source != nil && (len(by) == 0 || len(by) == 1 && by[0].expr.bin.clock != noClock)
}

// tally counts rows by bin; a row without a time is in the bin noTime.
type tally struct {
	counts map[int64]int64
	order  []int64 // the bins as they were met
	// The bin counted last, which rows that lie in order mostly share.
	bin, n int64
}

func (t *tally) add(bin int64) {
	if bin != t.bin {
		t.flush()
		t.bin = bin
	}
	t.n++
}

func (t *tally) flush() {
	if t.n == 0 {
		return
	}
	if _, ok := t.counts[t.bin]; !ok {
		t.order = append(t.order, t.bin)
	}
	t.counts[t.bin] += t.n
	t.n = 0
}

// count groups the rows of a source; see countable.
func count(rel *relation, by []relColumn, aggs []agg) []*group {
	var b binning
	if len(by) > 0 {
		b = by[0].expr.bin
	}
	s, t := rel.source, &tally{counts: map[int64]int64{}}
	s.inOrder(func(r *row) bool {
		t.add(s.binOf(r, b))
		return true
	})
	t.flush()
	if len(by) == 0 {
		return []*group{groupOf(nil, aggs, t.counts[noTime])}
	}
	out := make([]*group, 0, len(t.order))
	step := stride(len(t.order)) // an answer is in no order
	for i := range t.order {
		bin := t.order[i*step%len(t.order)]
		key := vTime(bin)
		if bin == noTime {
			key = value{}
		}
		out = append(out, groupOf([]value{key}, aggs, t.counts[bin]))
	}
	return out
}

func (s *source) binOf(r *row, b binning) int64 {
	ticks := noTime
	switch seg := s.table.segments[r.seg]; b.clock {
	case ingestionClock:
		ticks = seg.ingested(r.id)
	case eventClock:
		ticks = seg.event(r.id)
	}
	if ticks == noTime {
		return noTime
	}
	return binTicks(ticks, b.width)
}

func groupOf(keys []value, aggs []agg, n int64) *group {
	g := newGroup(keys, aggs)
	for _, sum := range g.sums {
		*sum.(*folding).fold.(*countFold) = countFold(n)
	}
	return g
}
