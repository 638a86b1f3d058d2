package main

import "slices"

// mutations are the safeguards of docs/protocol.md that exist as code.
var mutations = slices.Concat(commits, lateRows, gaps, counting, decoding, queries)

// commits are the safeguards of the commit protocol.
var commits = []mutation{
	{
		safeguard: "compare-and-swap on every state write",
		file:      "state/store.go", pkg: "./pipeline",
		old: "if s.cas {", new: "if false {",
	},
	{
		safeguard: "nonce per write, not per run",
		file:      "state/claim.go", pkg: "./pipeline",
		old: "doc.Nonce = NewID()", new: "doc.Nonce = doc.Run",
	},
	{
		safeguard: "no clean-up after an unknown or lost intent",
		file:      "pipeline/commit/commit.go", pkg: "./pipeline",
		old: "	return s.Update(ctx, func(doc *state.Document) { doc.Pending = p })",
		new: "	if err = s.Update(ctx, func(doc *state.Document) { doc.Pending = p }); err != nil {\n		_ = in.abort(context.WithoutCancel(ctx), s)\n	}\n	return err",
	},
	{
		safeguard: "intent before EndTxn",
		file:      "pipeline/commit/commit.go", pkg: "./pipeline",
		old: "	if err := d.intend(ctx, in, prev); err != nil {\n		return err\n	}\n	s.step(StepIntent)\n	if !s.kafkaDecides() {\n		return s.publish(ctx, in)\n	}\n	return d.decide(ctx, in)",
		new: "	if s.kafkaDecides() {\n		if err := d.events.Decide(ctx, Marker{Seq: d.Seq, ID: d.ID}); err != nil {\n			return err\n		}\n		s.marker = Marker{Seq: d.Seq, ID: d.ID}\n		s.step(StepDecide)\n	}\n	if err := d.intend(ctx, in, prev); err != nil {\n		return err\n	}\n	s.step(StepIntent)\n	return s.publish(ctx, in)",
	},
	{
		safeguard: "publish after the decision",
		file:      "pipeline/commit/commit.go", pkg: "./pipeline",
		old: "	m := Marker{Seq: d.Seq, ID: d.ID}\n	err := d.events.Decide(ctx, m)",
		new: "	m := Marker{Seq: d.Seq, ID: d.ID}\n	_ = in.publish(ctx, s)\n	err := d.events.Decide(ctx, m)",
	},
	{
		safeguard: "finish after publish",
		file:      "pipeline/commit/recover.go", pkg: "./pipeline",
		old: "	p := s.Doc.Pending\n	if err := s.complete(ctx, p, in); err != nil {",
		new: "	p := s.Doc.Pending\n	if err := s.finish(ctx, in); err != nil {\n		return err\n	}\n	s.step(StepPublish)\n	s.Doc.Pending = p\n	if err := s.complete(ctx, p, in); err != nil {",
	},
	{
		safeguard: "recover asks the decider (always publishing instead)",
		file:      "pipeline/commit/recover.go", pkg: "./pipeline",
		old: "if p.Decider == state.DeciderState || found && s.marker.ID == p.Commit {", new: "if true {",
	},
	{
		safeguard: "recover asks the decider (always aborting instead)",
		file:      "pipeline/commit/recover.go", pkg: "./pipeline",
		old: "if p.Decider == state.DeciderState || found && s.marker.ID == p.Commit {", new: "if p.Decider == state.DeciderState {",
	},
	{
		safeguard: "InitProducerID before the marker is read",
		file:      "pipeline/commit/transaction.go", pkg: "./pipeline",
		old: "	if err := s.decider.Fence(ctx); err != nil {\n		return false, err\n	}\n	s.open = false\n	s.step(StepFence)",
		new: "	defer func() { err = errors.Join(err, s.decider.Fence(ctx)) }()\n	s.step(StepFence)",
	},
	{
		safeguard: "marker is a commit id, compared for equality",
		file:      "pipeline/commit/recover.go", pkg: "./pipeline",
		old: "found && s.marker.ID == p.Commit {", new: "found && s.marker.Seq >= p.Seq {",
	},
	{
		safeguard: "any other marker refuses",
		file:      "pipeline/commit/recover.go", pkg: "./pipeline",
		old: "if !found || s.marker.ID != p.Prev {", new: "if false {",
	},
	{
		safeguard: "base marker before the first commit",
		file:      "pipeline/commit/transaction.go", pkg: "./pipeline",
		old: "	case !found:\n", new: "	case !found && s.Doc.Seq == 0:\n		return nil\n	case !found:\n",
	},
	{
		safeguard: "the decider comes from the pending commit, not from today's settings",
		file:      "pipeline/commit/recover.go", pkg: "./pipeline",
		old: "if p.Decider == state.DeciderState || found", new: "if !s.kafkaDecides() || found",
	},
	{
		safeguard: "one transaction per producer epoch, and Init after an unknown produce",
		file:      "pipeline/commit/commit.go", pkg: "./pipeline",
		old: "		found, err := s.fence(ctx)\n		if err != nil {\n			return \"\", err\n		}\n",
		new: "		found, err := true, error(nil)\n",
	},
	{
		safeguard: "no answer from EndTxn means unknown",
		file:      "pipeline/commit/commit.go", pkg: "./pipeline",
		old: "	found, fenceErr := s.fence(ctx)\n	if fenceErr != nil {\n		return errors.Join(err, fenceErr)\n	}\n	if err := s.recover(ctx, found); err != nil {\n		return err\n	}",
		new: "	if err := s.drop(ctx, in); err != nil {\n		return err\n	}",
	},
	{
		safeguard: "a destination that is not the recorded one refuses",
		file:      "pipeline/commit/fits.go", pkg: "./pipeline",
		old: "doc.Destinations.Changes(c.Destinations), doc", new: "state.Destinations{}.Changes(state.Destinations{}), doc",
	},
	{
		safeguard: "rows of another meaning than the recorded one refuse",
		file:      "pipeline/commit/fits.go", pkg: "./pipeline",
		old: "doc.Meaning.Changes(c.meaning(ds))", new: "doc.Meaning.Changes(doc.Meaning)",
	},
	{
		safeguard: "a dataset without state is not begun where the lake has files of it",
		file:      "pipeline/commit/fits.go", pkg: "./pipeline",
		old: "if err != nil || key == \"\" {", new: "if true {",
	},
	{
		safeguard: "a lake that lacks what the state knows refuses",
		file:      "pipeline/commit/fits.go", pkg: "./pipeline",
		old: "case doc.Seq == 0 && doc.Pending == nil:", new: "case true:",
	},
	{
		safeguard: "a state that ends before commits that took place refuses",
		file:      "pipeline/commit/fits.go", pkg: "./pipeline",
		old: "return older(ds, doc, last+1)", new: "return nil",
	},
	{
		safeguard: "rejects under the attempt's own key",
		file:      "pipeline/commit/rejects.go", pkg: "./pipeline",
		old: "l.attempt.Name(), len(l.keys))", new: "fmt.Sprint(l.attempt.Seq), len(l.keys))",
	},
	{
		safeguard: "a state of another deployment in the same lake refuses",
		file:      "pipeline/commit/session.go", pkg: "./pipeline",
		old: "if errors.Is(err, ErrForeignObject) {", new: "if false {",
	},
	{
		safeguard: "the intent's body is checked against its sha256",
		file:      "pipeline/commit/intent.go", pkg: "./pipeline",
		old: "sum != p.BodySHA256 {", new: "false {",
	},
	{
		safeguard: "acquire starts over when the old owner wrote in between",
		file:      "state/claim.go", pkg: "./state",
		old: "		return true, fmt.Errorf(\"%s: %w\", Key(want.Dataset), errStale)", new: "		c.etag = etag\n		return false, nil",
	},
	{
		safeguard: "a claim that is being released is not renewed",
		file:      "state/claim.go", pkg: "./state",
		old: "renew.Stop() // or", new: "// or",
	},
	{
		safeguard: "a local file is read back before it is uploaded",
		file:      "sink/parquet/writer.go", pkg: "./sink/parquet",
		old: "if err != nil {\n		return File{}, fmt.Errorf(\"verify", new: "if err = nil; false {\n		return File{}, fmt.Errorf(\"verify",
	},
	{
		safeguard: "sweep aborts uploads of older epochs only",
		file:      "sink/s3/sweep.go", pkg: "./sink/s3",
		old: "ok && of < epoch {", new: "ok && of > 0 {",
	},
	{
		safeguard: "no such upload is checked against the object",
		file:      "sink/s3/publish.go", pkg: "./sink/s3",
		old: "	there, err = s.check(ctx, f)\n	switch {", new: "	switch {",
	},
	{
		safeguard: "a published object is compared by size and sha256",
		file:      "sink/s3/publish.go", pkg: "./sink/s3",
		old: "case info.Size != f.Size || info.SHA256 != f.SHA256:", new: "case false:",
	},
	{
		safeguard: "a recoverer syncs what it finds published",
		file:      "sink/s3/publish.go", pkg: "./sink/s3",
		old: "return true, s.store.Sync(ctx, f.Key)", new: "return true, nil",
	},
	{
		safeguard: "the directory store's compare-and-swap excludes other processes",
		file:      "internal/disk/lock_flock.go", pkg: "./blob/dir",
		old: "LOCK_EX", new: "LOCK_SH",
	},
	{
		safeguard: "uploads that an intent of version 2 lists are published",
		file:      "pipeline/commit/intent.go", pkg: "./pipeline",
		old: "text != \"\" && text != \"null\"", new: "text == \"\"",
	},
	{
		safeguard: "a receipt whose publisher is not there is left alone",
		file:      "pipeline/commit/intent.go", pkg: "./pipeline",
		old: "		if at < 0 {\n			return hunting.Refuse(", new: "		if at < 0 {\n			continue\n			_ = hunting.Refuse(",
	},
	{
		safeguard: "a batch that may be stored is not sent in halves",
		file:      "sink/kafka/send.go", pkg: "./sink/kafka",
		old: "case tooLarge(err) && stored:", new: "case false:",
	},
	{
		safeguard: "events that Kafka does not take make a run incomplete",
		file:      "pipeline/session.go", pkg: "./pipeline",
		old: "if r.large != nil {", new: "if false {",
	},
}
