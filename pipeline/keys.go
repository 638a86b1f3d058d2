package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/pipeline/ledger"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// keepBins is how long the ledger keeps counts: longer than the API keeps rows.
const keepBins = 40 * 24 * time.Hour

// reach is how far behind the watermark rows are still told apart: a quarter more than
// is compared, so that the oldest bin is still compared when a run comes late.
func (e *Exporter) reach() time.Duration { return e.Limits.Reconcile + e.Limits.Reconcile/4 }

// books are the ledger of a dataset, as its state names it.
type books struct{ *session }

// reconciles reports whether this run keeps the ledger of its dataset: rows must have a
// clock, and must not depend on how time is cut.
func (r books) reconciles() bool {
	return r.Limits.Reconcile > 0 && r.ds.Mode == hunting.ModeAppend && r.clockColumn() != ""
}

// clockColumn is the column that holds the dataset's clock; empty: none does.
func (r books) clockColumn() string {
	if r.ds.Clock == hunting.ClockIngestion && r.ds.Query == "" {
		return schema.IngestionTime
	}
	return r.ds.TimeColumn
}

// keyLog keeps the keys of an attempt's rows for the ledger: full runs are stored as
// they fill up, under the attempt's own keys, so memory does not grow with the commit.
type keyLog struct {
	run     *session
	attempt commit.Attempt
	keyer   *ledger.Keyer
	from    time.Time       // rows before need no keys
	book    ledger.Book     // of rows since then
	old     map[int64]int64 // rows before, by bin
	keys    []ledger.Key    // for reuse
	runs    []ledger.Run
}

func newKeyLog(r *session, a commit.Attempt) *keyLog {
	return &keyLog{
		run: r, attempt: a, keyer: ledger.NewKeyer(r.books.clockColumn(), r.ds.Identity),
		from: r.books.keysFrom(r.Doc.Progress), old: map[int64]int64{},
	}
}

// longestUnchecked is how long keys are kept for counts that the API does not give.
const longestUnchecked = 7 * 24 * time.Hour

// keysFrom is since when rows are told apart under a progress: as far back as rows may
// turn up late, from where counts were last compared, and to the gaps that hold late rows.
func (r books) keysFrom(p state.Progress) time.Time {
	if p.Ledger.Key == "" { // rows before were exported without keys
		return p.Watermark
	}
	from := p.Checked.Add(-r.reach())
	for _, g := range p.Gaps {
		if g.Late && g.Start.Before(from) {
			from = g.Start
		}
	}
	return latest(from, p.Watermark.Add(-r.reach()-longestUnchecked), p.Ledger.From)
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// add enters the batch's rows. Given seen, rows that were exported already are taken
// out of the batch.
func (l *keyLog) add(ctx context.Context, b *hunting.Batch, seen *ledger.Seen) error {
	keys := l.keys[:0]
	if b.Record != nil {
		keys = l.keyer.Keys(b.Record, b.Hashes, b.Start, keys)
	}
	for _, r := range b.Rejects {
		keys = append(keys, ledger.RejectKey(r.Row, l.run.books.clockColumn(), b.Start))
	}
	l.keys = keys
	if seen != nil {
		isNew, _ := seen.Take(keys)
		if err := keep(b, isNew); err != nil {
			return fmt.Errorf("window %s: take out rows that were exported already: %w", b.Window, err)
		}
		keys = only(keys, isNew)
	}
	keys = l.young(keys, !b.End.After(l.from))
	for len(keys) > 0 {
		keys = keys[l.book.Add(keys):]
		if l.book.Full() {
			if err := l.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// young counts the rows that need no keys and returns the others. Of the quarter hour in
// which keys begin, rows of a window before that, such as of a backfill, are left out: its
// counts are compared from there on.
func (l *keyLog) young(keys []ledger.Key, before bool) []ledger.Key {
	first := ledger.Number(l.from)
	kept := keys[:0]
	for _, k := range keys {
		switch {
		case k.Bin < first:
			l.old[k.Bin]++
		case !before:
			kept = append(kept, k)
		}
	}
	return kept
}

// flush stores the keys gathered so far as one run.
func (l *keyLog) flush(ctx context.Context) error {
	n := l.book.Len()
	if n == 0 {
		return nil
	}
	key := fmt.Sprintf("seen/%s/%s-%d", l.attempt.Dataset.Name, l.attempt.Name(), len(l.runs))
	data, start, end := ledger.EncodeRun(l.book.Take())
	if err := commit.PutOnce(ctx, l.run.Session.Stores.Meta, key, data); err != nil {
		return fmt.Errorf("write keys of exported rows: %w", err)
	}
	l.runs = append(l.runs, ledger.Run{Key: key, SHA256: commit.Sum(data), Start: start, End: end, Rows: int64(n)})
	return nil
}

// write stores the ledger as it is after the attempt and returns its name, and the
// objects that it makes useless. An unchanged ledger is not written again.
func (l *keyLog) write(ctx context.Context, next state.Progress, a *attempt) (named state.Ledger, dropped []string, err error) {
	if err := l.flush(ctx); err != nil {
		return named, nil, err
	}
	book, err := l.run.books.ledger(ctx)
	if err != nil {
		return named, nil, err
	}
	book = book.Clone()
	changed := l.enter(book, a)
	old := next.Ledger.Key
	named = state.Ledger{From: l.from} // a new ledger knows what comes from here on
	if old != "" {
		named = next.Ledger
		named.From = latest(ledger.Start(ledger.Number(l.run.books.keysFrom(next))), next.Ledger.From)
	}
	for _, run := range book.Prune(named.From, next.Watermark.Add(-keepBins)) {
		dropped, changed = append(dropped, run.Key), true
	}
	if old != "" && !changed {
		return named, nil, nil
	}
	if old != "" {
		dropped = append(dropped, old)
	}
	named, err = l.run.books.putLedger(ctx, l.attempt, book, named.From)
	return named, dropped, err
}

// putLedger stores a ledger under an attempt's own key.
func (r books) putLedger(ctx context.Context, a commit.Attempt, book *ledger.Ledger, from time.Time) (state.Ledger, error) {
	data := book.Encode()
	named := state.Ledger{Key: fmt.Sprintf("ledger/%s/%s.json", a.Dataset.Name, a.Name()), SHA256: commit.Sum(data), From: from}
	if err := commit.PutOnce(ctx, r.Session.Stores.Meta, named.Key, data); err != nil {
		return named, fmt.Errorf("write ledger: %w", err)
	}
	r.cached = cachedLedger{named.Key, book}
	return named, nil
}

// enter adds the attempt's rows and reports whether that changed anything.
func (l *keyLog) enter(book *ledger.Ledger, a *attempt) (changed bool) {
	for _, c := range l.book.Bins() {
		book.Add(c.Start, c.Rows)
		changed = true
	}
	for bin, rows := range l.old {
		book.Add(ledger.Start(bin), rows)
		changed = true
	}
	for _, run := range l.runs {
		book.AddRun(run)
	}
	for start, count := range a.pass.counted {
		if !start.Before(ledger.Start(ledger.Number(a.From))) && !start.Add(ledger.Width).After(a.To) {
			book.Settle(start, count)
			changed = true
		}
	}
	return changed
}

// cachedLedger is the ledger last read or written.
type cachedLedger struct {
	key    string
	ledger *ledger.Ledger
}

// ledger is the dataset's ledger as its state names it.
func (r books) ledger(ctx context.Context) (*ledger.Ledger, error) {
	named := r.Doc.Ledger
	switch {
	case named.Key == "":
		return &ledger.Ledger{}, nil
	case named.Key == r.cached.key:
		return r.cached.ledger, nil
	}
	data, err := r.named(ctx, named.Key, named.SHA256)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	l, err := ledger.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("read ledger %s: %w", named.Key, err)
	}
	r.cached = cachedLedger{named.Key, l}
	return l, nil
}

// named reads an immutable object. RefusalError: it is gone or not what it was.
func (r books) named(ctx context.Context, key, sha256 string) ([]byte, error) {
	data, _, err := r.Session.Stores.Meta.Get(ctx, key)
	if errors.Is(err, blob.ErrNotFound) || err == nil && commit.Sum(data) != sha256 {
		return nil, hunting.Alarm("%s, which the state names, is gone or was changed, so rows that were exported cannot be told from late ones: restore it, or run once with EXPORT_RECONCILE=0, which begins a new ledger", key)
	}
	return data, err
}

// seen loads the keys of the rows exported in some stretches of whole quarter hours,
// apart from each other.
func (r books) seen(ctx context.Context, l *ledger.Ledger, stretches []hunting.Window) (*ledger.Seen, error) {
	var keys []ledger.Key
	for _, run := range l.Overlapping(stretches[0].Start, stretches[len(stretches)-1].End) {
		data, err := r.named(ctx, run.Key, run.SHA256)
		if err != nil {
			return nil, err
		}
		for _, w := range stretches {
			if keys, err = ledger.DecodeRun(data, w.Start, w.End, keys); err != nil {
				return nil, fmt.Errorf("read keys %s: %w", run.Key, err)
			}
		}
	}
	return ledger.NewSeen(keys), nil
}

// keep leaves only those rows and rejects of a batch of which isNew, in this order, says true.
func keep(b *hunting.Batch, isNew []bool) error {
	rows := int(b.Rows())
	if rows > 0 {
		record, err := ledger.Pick(b.Record, isNew[:rows])
		if err != nil {
			return err
		}
		b.Record.Release()
		b.Record, b.Hashes = record, only(b.Hashes, isNew[:rows])
	}
	b.Rejects = only(b.Rejects, isNew[rows:])
	return nil
}

// only returns the elements of which keep says true, in the same array.
func only[T any](all []T, keep []bool) []T {
	kept := all[:0]
	for i, k := range keep {
		if k {
			kept = append(kept, all[i])
		}
	}
	return kept
}
