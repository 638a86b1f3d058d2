package main

// gaps are the safeguards of what the API does not deliver, of what is read in slices, of
// backfills and of snapshots.
var gaps = []mutation{
	{
		safeguard: "pages of a part that was not read to its end are not committed",
		file:      "pipeline/deliver.go", pkg: "./pipeline",
		old: "if a == nil || a.mid {", new: "if a == nil {",
	},
	{
		safeguard: "the slices of a tick are of one commit",
		file:      "pipeline/attempt.go", pkg: "./pipeline",
		old: "if a.mid = b.More; !a.mid {", new: "if a.mid = false; !a.mid {",
	},
	{
		safeguard: "a gap that was read is none any more",
		file:      "pipeline/pass.go", pkg: "./pipeline",
		old: "		p.Gaps = state.Fill(p.Gaps, part.Window, part.Slice.I, part.Slice.N)\n", new: "",
	},
	{
		safeguard: "a gap is kept",
		file:      "pipeline/pass.go", pkg: "./pipeline",
		old: "		p.Gaps = append(p.Gaps, gapOf(g, old, now))\n", new: "		gapOf(g, old, now)\n",
	},
	{
		safeguard: "what of a gap was not read stays a gap",
		file:      "state/progress.go", pkg: "./pipeline",
		old: "range Minus([]hunting.Window{g.Window}, s) {", new: "range Minus(nil, s) {",
	},
	{
		safeguard: "reading one slice closes no other's gap",
		file:      "state/progress.go", pkg: "./pipeline",
		old: "case n > 1 && g.Window == s && g.I == i && g.N == n:", new: "case n > 1 && g.Window == s:",
	},
	{
		safeguard: "the gap of one slice is retried as that slice",
		file:      "source/read.go", pkg: "./pipeline",
		old: "case part.Slice.N > 1:", new: "case false:",
	},
	{
		safeguard: "two slices that are half of two are the whole only together",
		file:      "pipeline/pass.go", pkg: "./pipeline",
		old: "			if !all {\n", new: "			if len(parts) == 0 {\n",
	},
	{
		safeguard: "an outage is no gap",
		file:      "source/splitter.go", pkg: "./source",
		old: "		if err := f.r.Probe(ctx, f.ds, p.of.Window); err != nil {\n			return nil, err\n		}\n", new: "",
	},
	{
		safeguard: "the pages of a part have one schema or are not committed",
		file:      "pipeline/deliver.go", pkg: "./pipeline",
		old: "err != nil || a != nil {", new: "err != nil {",
	},
	{
		safeguard: "what cannot be had costs a bounded number of calls",
		file:      "source/splitter.go", pkg: "./pipeline",
		old: "lost := f.splitBudget.lost(e.Kind) || f.trouble", new: "lost := f.trouble",
	},
	{
		safeguard: "a stretch that takes too long costs a bounded time",
		file:      "source/splitter.go", pkg: "./source",
		old: " || f.trouble.costly >= hopeless && f.trouble.spent > 2*f.r.cfg.Timeout", new: "",
	},
	{
		safeguard: "with many gaps no more are made by halving",
		file:      "pipeline/stages.go", pkg: "./pipeline",
		old: "Coarse: len(r.Doc.Gaps) > maxGaps/2", new: "Coarse: false",
	},
	{
		safeguard: "a gap whose rows have left the API is given up",
		file:      "pipeline/schedule.go", pkg: "./pipeline",
		old: "if !slices.ContainsFunc(r.Doc.Gaps, dead) {", new: "if true {",
	},
	{
		safeguard: "the number of gaps is bounded",
		file:      "pipeline/attempt.go", pkg: "./pipeline",
		old: "if len(next.Gaps) > maxGaps {", new: "if false {",
	},
	{
		safeguard: "gaps make a run incomplete",
		file:      "pipeline/schedule.go", pkg: "./pipeline",
		old: "if len(r.Doc.Gaps) == 0 {\n		return nil", new: "if true {\n		return nil",
	},
	{
		safeguard: "a backfill reads nothing that was read",
		file:      "pipeline/schedule.go", pkg: "./pipeline",
		old: "missing = state.Minus(missing, c)", new: "_ = c",
	},
	{
		safeguard: "a backfill ends at the watermark",
		file:      "pipeline/schedule.go", pkg: "./pipeline",
		old: "if w.End.After(p.Watermark) {", new: "if false {",
	},
	{
		safeguard: "rows that expired unread are told",
		file:      "pipeline/schedule.go", pkg: "./pipeline",
		old: "if !r.Doc.Watermark.Before(kept) {", new: "if true {",
	},
	{
		safeguard: "a snapshot is whole or not there",
		file:      "pipeline/attempt.go", pkg: "./pipeline",
		old: "	if a.pass.kind == commit.KindSnapshot {\n", new: "	if false {\n",
	},
	{
		safeguard: "windows mean nothing by another clock",
		file:      "pipeline/commit/fits.go", pkg: "./pipeline",
		old: "	ds.Clock = known\n", new: "",
	},
	{
		safeguard: "windows end by the earlier clock",
		file:      "source/call/skew.go", pkg: "./source/call",
		old: "if c.ahead < least || c.ahead > most {", new: "if false {",
	},
}
