package main

// counting are the safeguards of what the API counts, and of windows that are cut by it.
var counting = []mutation{
	{
		safeguard: "an answer with fewer rows than were counted is cut",
		file:      "source/splitter.go", pkg: "./source",
		old: "if p.rows == unknown || rows >= p.rows {", new: "if true {",
	},
	{
		safeguard: "an answer at the cap that was learned is cut",
		file:      "source/splitter.go", pkg: "./source",
		old: "if most := f.r.cap.Load(); rows >= most {", new: "if most := f.r.cap.Load(); false {",
	},
	{
		safeguard: "an answer at SOURCE_MAX_ROWS is cut",
		file:      "source/call/decode.go", pkg: "./source/call",
		old: "case rows >= int64(c.cfg.MaxRows):", new: "case false:",
	},
	{
		safeguard: "an answer that its own statistics contradict is cut",
		file:      "source/call/decode.go", pkg: "./source/call",
		old: "case counted > rows:", new: "case false:",
	},
	{
		safeguard: "a slice in halves has two",
		file:      "source/splitter.go", pkg: "./source",
		old: "return []piece{second, first}", new: "return []piece{first}",
	},
	{
		safeguard: "a tick in slices has all of them",
		file:      "source/splitter.go", pkg: "./source",
		old: "for i := n - 1; i >= 0; i-- {", new: "for i := n - 1; i > 0; i-- {",
	},
	{
		safeguard: "a stretch counts as empty only if all of it is",
		file:      "source/estimate/histogram.go", pkg: "./source",
		old: "if b.From < b.To && b.Rows > 0 {", new: "if start >= from && b.From < b.To && b.rows > 0 {",
	},
	{
		safeguard: "bins that are not counted again are kept",
		file:      "source/estimate/histogram.go", pkg: "./source",
		old: "			out = append(out, b)\n			continue", new: "			continue",
	},
	{
		safeguard: "counts in halves leave no bin out",
		file:      "source/count.go", pkg: "./source",
		old: "{Start: middle, End: w.End}}", new: "{Start: middle.Add(c.leg.Bin), End: w.End}}",
	},
	{
		safeguard: "a table that cannot be counted does not make others seem empty",
		file:      "source/count.go", pkg: "./source",
		old: "		r.countAll(others)\n", new: "		for _, c := range others {\n			c.finish(nil, nil)\n		}\n",
	},
	{
		safeguard: "each table gets its own counts",
		file:      "source/count.go", pkg: "./source",
		old: "c.finish(bins[i], nil)", new: "_ = i\n			c.finish(bins[0], nil)",
	},
	{
		safeguard: "without counts nothing is taken for compared",
		file:      "pipeline/count.go", pkg: "./pipeline",
		old: "return counts{failed: r.unchecked(err)}, nil", new: "return counts{past: c.past, book: &ledger.Ledger{}, failed: r.unchecked(err)}, nil",
	},
	{
		safeguard: "a dataset that is not counted for long is told",
		file:      "pipeline/count.go", pkg: "./pipeline",
		old: "if since.IsZero() || r.Doc", new: "if true || r.Doc",
	},
	{
		safeguard: "rows without ingestion time are told",
		file:      "pipeline/count.go", pkg: "./pipeline",
		old: "	if n := total(lost); n > 0 {\n		switched, err := r.byEvent(ctx, n)\n		if err != nil {",
		new: "	if n := total(lost); false {\n		switched, err := r.byEvent(ctx, n)\n		if err != nil {",
	},
	{
		safeguard: "rows without ingestion time are told by a backfill",
		file:      "pipeline/count.go", pkg: "./pipeline",
		old: "	if n := total(lost); n > 0 {\n		switched, err := r.byEvent(ctx, n)\n		if switched || err != nil {",
		new: "	if n := total(lost); false {\n		switched, err := r.byEvent(ctx, n)\n		if switched || err != nil {",
	},
	{
		safeguard: "another clock begins where the dataset began",
		file:      "pipeline/count.go", pkg: "./pipeline",
		old: "d.Progress = state.Progress{Watermark: d.Covered[0].Start}", new: "_ = d",
	},
	{
		safeguard: "the clock stays once rows were exported",
		file:      "pipeline/count.go", pkg: "./pipeline",
		old: "if r.Doc.Rows > 0 || r.Doc.Rejected > 0 || r.ds.FixedClock {", new: "if r.ds.FixedClock {",
	},
	{
		safeguard: "no wait outlasts the run",
		file:      "pipeline/stages.go", pkg: "./pipeline",
		old: "if at, ok := stop.Deadline(); ok {", new: "if at, ok := stop.Deadline(); false && ok {",
	},
	{
		safeguard: "tables wait for each other to be counted in one call",
		file:      "pipeline/count.go", pkg: "./pipeline",
		old: "	r.together.wait(ctx)\n", new: "",
	},
	{
		safeguard: "nobody waits for a table that has ended",
		file:      "pipeline/session.go", pkg: "./pipeline",
		old: "	defer r.arrive()\n", new: "",
	},
	{
		safeguard: "nobody waits for a table that takes long",
		file:      "pipeline/barrier.go", pkg: "./pipeline",
		old: "	case <-patience.C:\n", new: "",
	},
	{
		safeguard: "what a query answers outside of the window that is read does not come",
		file:      "source/kql/kql.go", pkg: "./source/kql",
		old: "body(ds.Query), belt(ds, windows))", new: "body(ds.Query))",
	},
	{
		safeguard: "answers without the columns that a query's head names are refused",
		file:      "source/columns.go", pkg: "./cmd/exporter",
		old: "if reason := unfit(p.Rows, a.Columns); reason != \"\" {", new: "if reason := unfit(p.Rows, a.Columns); false {",
	},
	{
		safeguard: "one refusal of what came before is no lower limit",
		file:      "source/estimate/bytecap.go", pkg: "./source",
		old: "if l.doubts++; l.doubts < 2 {", new: "if l.doubts++; false {",
	},
}
