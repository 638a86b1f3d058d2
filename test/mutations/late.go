package main

// lateRows are the safeguards of rows that turn up late, and of the ledger that tells them.
var lateRows = []mutation{
	{
		safeguard: "rows that were exported are taken out of what is read again",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "	if seen != nil {", new: "	if false {",
	},
	{
		safeguard: "equal rows are matched before equal identities",
		file:      "pipeline/ledger/seen.go", pkg: "./pipeline/ledger",
		old: "isNew[i] = !s.take(k, k.Tag, true)", new: "isNew[i] = !s.take(k, 0, false)",
	},
	{
		safeguard: "a row that changed since is not exported again",
		file:      "pipeline/ledger/seen.go", pkg: "./pipeline/ledger",
		old: "if isNew[i] && s.take(k, 0, false) {", new: "if false && s.take(k, 0, false) {",
	},
	{
		safeguard: "keys are kept from the last comparison on, not from the watermark",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "from := p.Checked.Add(-r.reach())", new: "from := p.Watermark.Add(-r.reach())",
	},
	{
		safeguard: "a new ledger knows nothing of the past",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "named = state.Ledger{From: l.from}", new: "named = state.Ledger{From: l.from.Add(-l.run.reach())}",
	},
	{
		safeguard: "a quarter hour is compared only if all of it is known",
		file:      "pipeline/late.go", pkg: "./pipeline",
		old: "return hunting.Window{Start: start, End: latest(start, end)}", new: "return hunting.Window{Start: ledger.Start(ledger.Number(start)), End: end}",
	},
	{
		safeguard: "a quarter hour is compared only once all of it was read",
		file:      "pipeline/late.go", pkg: "./pipeline",
		old: "end := ledger.Start(ledger.Number(r.Doc.Watermark))", new: "end := ceil(r.Doc.Watermark)",
	},
	{
		safeguard: "counts as high as when a quarter hour was last read again are no reason to read it",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "book.Settle(start, count)", new: "_ = count",
	},
	{
		safeguard: "more exported than counted is told",
		file:      "pipeline/check.go", pkg: "./pipeline",
		old: "	if len(c.over) == 0 {", new: "	if true {",
	},
	{
		safeguard: "rows that have left the API are no surplus",
		file:      "pipeline/check.go", pkg: "./pipeline",
		old: "latest(c.past.Start, kept)", new: "latest(c.past.Start, kept.Add(-retention))",
	},
	{
		safeguard: "a quarter hour of which nothing is counted is compared",
		file:      "pipeline/ledger/ledger.go", pkg: "./pipeline/ledger",
		old: "d.Surplus() > 0 {", new: "d.Counted > 0 && d.Surplus() > 0 {",
	},
	{
		safeguard: "a quarter hour is settled by the commit that holds it",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "if !start.Before(ledger.Start(ledger.Number(a.From))) && !start.Add(ledger.Width).After(a.To) {", new: "{",
	},
	{
		safeguard: "a quarter hour with a gap of one slice is not settled",
		file:      "pipeline/late.go", pkg: "./pipeline",
		old: "if g.N > 1 { // the", new: "if false { // the",
	},
	{
		safeguard: "of a tick with a gap of one slice the others are read again",
		file:      "pipeline/late.go", pkg: "./pipeline",
		old: "besides(r.Doc.Gaps, whole)...", new: "besides(nil, whole)...",
	},
	{
		safeguard: "a gap of one slice is tried again as such only while it is no part of a larger one",
		file:      "pipeline/schedule.go", pkg: "./pipeline",
		old: "if g.N > 1 && !slices", new: "if false && !slices",
	},
	{
		safeguard: "nothing that lies in a gap is read beside another",
		file:      "pipeline/besides.go", pkg: "./pipeline",
		old: "if g.N <= 1 {", new: "if false {",
	},
	{
		safeguard: "gaps are left to their own turn when a quarter hour is read again",
		file:      "pipeline/late.go", pkg: "./pipeline",
		old: "		stretches = state.Minus(stretches, g.Window)\n", new: "",
	},
	{
		safeguard: "of a gap that was read before only late rows are exported",
		file:      "pipeline/attempt.go", pkg: "./pipeline",
		old: "g.Late = a.pass.seen != nil", new: "g.Late = false",
	},
	{
		safeguard: "gaps of late rows are not joined with others",
		file:      "pipeline/pass.go", pkg: "./pipeline",
		old: " && out[n].Late == g.Late {", new: " {",
	},
	{
		safeguard: "keys are kept as long as a gap holds late rows",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "if g.Late && g.Start.Before(from) {", new: "if false {",
	},
	{
		safeguard: "a gap of late rows is left alone once they cannot be told",
		file:      "pipeline/schedule.go", pkg: "./pipeline",
		old: "if !r.books.reconciles() || g.Start.Before(r.Doc.Ledger.From) {", new: "if false {",
	},
	{
		safeguard: "the ledger changes hands with the commit",
		file:      "pipeline/attempt.go", pkg: "./pipeline",
		old: "	next.Ledger, dropped, err = a.keys.write(ctx, next, a)\n",
		new: "	if next.Ledger, dropped, err = a.keys.write(ctx, next, a); err == nil {\n" +
			"		err = a.run.Update(ctx, func(d *state.Document) { d.Ledger = next.Ledger })\n	}\n",
	},
	{
		safeguard: "a ledger is deleted once no state names it",
		file:      "pipeline/attempt.go", pkg: "./pipeline",
		old: "	next.Ledger, dropped, err = a.keys.write(ctx, next, a)\n",
		new: "	next.Ledger, dropped, err = a.keys.write(ctx, next, a)\n	a.run.Forget(ctx, dropped)\n",
	},
	{
		safeguard: "the ledger's objects are checked against their sha256",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "|| err == nil && commit.Sum(data) != sha256 {", new: "|| err == nil && false {",
	},
	{
		safeguard: "rows too old for keys are counted",
		file:      "pipeline/keys.go", pkg: "./pipeline",
		old: "			l.old[k.Bin]++\n", new: "",
	},
	{
		safeguard: "a ledger that lacks rows is given up",
		file:      "pipeline/attempt.go", pkg: "./pipeline",
		old: "case a.keys == nil && next.Ledger.Key != \"\":", new: "case false:",
	},
	{
		safeguard: "another lake begins another ledger",
		file:      "pipeline/commit/adopt.go", pkg: "./pipeline",
		old: "if n.owner != doc.ID && doc.ID != \"\" || doc.Destinations.Lake != n.to.Lake {", new: "if false {",
	},
	{
		safeguard: "finish takes over all of the progress",
		file:      "pipeline/commit/recover.go", pkg: "./pipeline",
		old: "d.Seq, d.Progress = p.Seq, p.Next", new: "d.Seq, d.Watermark = p.Seq, p.Next.Watermark",
	},
}
